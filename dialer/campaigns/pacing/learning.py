"""Turns events into learned curves: rings, greetings, talks, wrap-ups, and who answers."""

from collections.abc import Mapping
from typing import Any

from dialer.campaigns.pacing.curves import Curve, Share
from dialer.campaigns.pacing.types import CallOutcome, EventKind, PacingEvent

RING_SECONDS = 90
BUSY_SECONDS = 1800
DETECT_SECONDS = 15
RING_MEMORY = 400.0
LIVE_MEMORY = 200.0
BUSY_MEMORY = 250.0
DETECT_MEMORY = 100.0
MIN_CALLS = 40.0
MIN_TALKS = 15.0
"""Below these the curves are not trusted."""
ANSWERED, ENDED = 0, 1


class Learned:
    """Everything a pacer knows beyond the present snapshot."""

    def __init__(self) -> None:
        self.ring = Curve(RING_SECONDS, 2, RING_MEMORY)
        self.talk = Curve(BUSY_SECONDS, 1, BUSY_MEMORY)
        self.wrap = Curve(BUSY_SECONDS, 1, BUSY_MEMORY)
        self.detect = Curve(DETECT_SECONDS, 1, DETECT_MEMORY)
        self.live = Share(LIVE_MEMORY)
        self._answered_at: dict[int, float] = {}

    @property
    def is_trusted(self) -> bool:
        """Whether there is enough to forecast from."""
        return self.ring.count >= MIN_CALLS and self.talk.count >= MIN_TALKS

    def observe(self, event: PacingEvent) -> None:
        """Learns from one event."""
        match event.kind:
            case EventKind.ANSWERED:
                self.ring.add(event.seconds, ANSWERED)
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

    def _person(self, event: PacingEvent) -> None:
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
            self.ring.add(event.seconds, None if event.outcome is CallOutcome.CANCELLED else ENDED)

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


_PARTS = ("ring", "talk", "wrap", "detect", "live")
