"""Turns events into learned curves: rings, greetings, talks, wrap-ups, and who answers."""

import math
from collections.abc import Mapping
from typing import Any

import numpy as np

from dialer.campaigns.pacing.curves import Curve, Share
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
REREAD_S = 3.0
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
        self._ring_reading = self.ring.read()
        self._ring_read_at = -math.inf

    @property
    def ring_trust(self) -> float:
        """How far the ring curves can be held against what happens now: 0 until long rings, too, have ended."""
        by_length = self.ring.ended_from(LONG_RING_S) / TRUSTED_LONG_RINGS
        return min(max(by_length, self.ring.count / TRUSTED_RINGS - 1.0), 1.0)

    def observe(self, event: PacingEvent) -> None:
        """Learns from one event."""
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

    def _rang(self, event: PacingEvent, cause: int | None) -> None:
        if event.call_id is not None:
            self._placed_at.pop(event.call_id, None)
        if not 0.0 <= event.at - self._ring_read_at < REREAD_S:
            self._read_rings(event.at)
        second = np.array([event.seconds + 1.0])
        exposure = float(self._ring_reading.gone_through(np.maximum(second, 0.0))[0])
        self.tempo.add(exposure, cause == ANSWERED, self.ring_trust)
        self.ring.add(event.seconds, cause)

    def _read_rings(self, now: float) -> None:
        """Those that ring now count as having rung so long; who rings for ever is a call whose end was never told."""
        self._placed_at = {call_id: at for call_id, at in self._placed_at.items() if 0 <= now - at < RING_SECONDS}
        ages = np.array([now - at for at in self._placed_at.values()])
        self._ring_reading, self._ring_read_at = self.ring.read(ages), now

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


_PARTS = ("ring", "tempo", "talk", "wrap", "detect", "live", "recent")
