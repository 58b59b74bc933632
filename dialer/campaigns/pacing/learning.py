"""Turns events into learned curves: rings, greetings, talks, wrap-ups, and who answers."""

import math
from collections.abc import Mapping
from typing import Any

import numpy as np

from dialer.campaigns.pacing.curves import Curve, Floats, Share
from dialer.campaigns.pacing.recent import RecentHour
from dialer.campaigns.pacing.tempo import Tempo
from dialer.campaigns.pacing.types import CallOutcome, EventKind, PacingEvent

RING_SECONDS = 90
BUSY_SECONDS = 1800
DETECT_SECONDS = 15
RING_MEMORY = 1000.0
LIVE_MEMORY = 200.0
BUSY_MEMORY = 250.0
DETECT_MEMORY = 100.0
ACCRUAL_S = 1.0
FORGOTTEN_S = 600.0
LONG_RING_S = 18
TRUSTED_LONG_RINGS = 25.0
TRUSTED_RINGS = 500.0
RING_PRIOR = dict.fromkeys(range(3, 23), 0.25)
"""Before anything is known, most calls are taken to be answered: so the first minutes are careful."""
DETECT_PRIOR = {2: 2.0}
LIVE_PRIOR = (2.0, 0.5)
ANSWERED, ENDED = 0, 1


class Learned:
    """Everything a pacer knows beyond the present snapshot."""

    def __init__(self) -> None:
        self.ring = Curve(RING_SECONDS, 2, RING_MEMORY, RING_PRIOR)
        self.tempo = Tempo()
        self.talk = Curve(BUSY_SECONDS, 1, BUSY_MEMORY)
        self.wrap = Curve(BUSY_SECONDS, 1, BUSY_MEMORY)
        self.detect = Curve(DETECT_SECONDS, 1, DETECT_MEMORY, DETECT_PRIOR)
        self.live = Share(LIVE_MEMORY, *LIVE_PRIOR)
        self.recent = RecentHour()
        self._placed_at: dict[int, float] = {}
        self._answered_at: dict[int, float] = {}
        self._ring = self.ring.read()
        self._accrued_at = -math.inf

    @property
    def is_ring_trusted(self) -> bool:
        """Whether the ring curves can be held against what happens now: not before long rings, too, have ended."""
        return self.ring.ended_from(LONG_RING_S) >= TRUSTED_LONG_RINGS or self.ring.count >= TRUSTED_RINGS

    def observe(self, event: PacingEvent) -> None:
        """Learns from one event."""
        if not 0.0 <= event.at - self._accrued_at < ACCRUAL_S:
            self._accrue(event.at)
        match event.kind:
            case EventKind.PLACED if event.call_id is not None:
                self._placed_at[event.call_id] = event.at
            case EventKind.ANSWERED:
                self._rang(event, ANSWERED)
                if event.call_id is not None:
                    self._answered_at[event.call_id] = event.at
            case EventKind.CONNECTED | EventKind.ABANDONED:
                self._person(event)
            case EventKind.FINISHED:
                self._finished(event)
            case EventKind.TALK_ENDED:
                self.talk.add(event.seconds, 0)
            case EventKind.WRAP_ENDED:
                self.wrap.add(event.seconds, 0)
            case _:
                pass

    def exposure_since(self, ages: Floats, now: float) -> float:
        """The exposure that calls ringing at `now`, of these ages, went through since it was last counted."""
        if not self.is_ring_trusted or self._accrued_at == -math.inf:
            return 0.0  # after a restart nothing is known of the seconds before it
        before = np.maximum(ages - max(now - self._accrued_at, 0.0), 0.0)
        return float((self._ring.gone_through(ages) - self._ring.gone_through(before)).sum())

    def _accrue(self, now: float) -> None:
        """Counts what all that ring have gone through since the last time; then reads the curves anew.

        Those that ring now count as having rung so long. Who rings for ever is a call whose end was never told.
        """
        self._placed_at = {call_id: at for call_id, at in self._placed_at.items() if 0 <= now - at < RING_SECONDS}
        self._answered_at = {call_id: at for call_id, at in self._answered_at.items() if now - at < FORGOTTEN_S}
        ages = now - np.array(list(self._placed_at.values()))
        self.tempo.rang(self.exposure_since(ages, now))
        self._ring, self._accrued_at = self.ring.read(ages), now

    def _rang(self, event: PacingEvent, cause: int | None) -> None:
        placed_at = self._placed_at.pop(event.call_id, None) if event.call_id is not None else None
        if self.is_ring_trusted and placed_at is not None:
            self.tempo.rang(self.exposure_since(np.array([event.at - placed_at]), event.at))
            if cause == ANSWERED:
                self.tempo.answered()
        self.ring.add(event.seconds, cause)

    def _person(self, event: PacingEvent) -> None:
        self.recent.add(event.at, event.kind is EventKind.ABANDONED)
        answered_at = self._answered_at.pop(event.call_id, None) if event.call_id is not None else None
        if answered_at is None:
            return  # a preview or a transfer: no detection went before it
        self.live.add(True)
        self.detect.add(event.at - event.seconds - answered_at, 0)

    def _finished(self, event: PacingEvent) -> None:
        answered_at = self._answered_at.pop(event.call_id, None) if event.call_id is not None else None
        if answered_at is not None:
            self.live.add(False)
        else:
            self._rang(event, None if event.outcome is CallOutcome.CANCELLED else ENDED)

    def dump(self) -> dict[str, Any]:
        """The learned state as JSON-able data; calls that are up are not part of it."""
        return {name: getattr(self, name).dump() for name in _PARTS}

    def load(self, state: Mapping[str, Any]) -> None:
        """Takes over what `dump` gave; ValueError when it is of another version, the state then stays as it was."""
        fresh = Learned()
        try:
            for name in _PARTS:
                getattr(fresh, name).load(state[name])
        except (KeyError, TypeError) as error:
            raise ValueError("the learned state is of another version") from error
        for name in _PARTS:
            setattr(self, name, getattr(fresh, name))
        self._ring, self._accrued_at = self.ring.read(), -math.inf


_PARTS = ("ring", "tempo", "talk", "wrap", "detect", "live", "recent")
