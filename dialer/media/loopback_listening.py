"""Listening in on the loopback twin: who listens to whom, and what is mixed. `native/src/listening` is the model."""

from collections.abc import Iterable, Iterator
from typing import Generic, Protocol, Self, TypeVar

import numpy as np

from dialer.errors import MediaError
from dialer.media import g711
from dialer.media.interface import MAX_LISTENERS, Codec, ListenMode


class Audio(Protocol):
    """20 ms of G.711, or no codes: then it is silence."""

    @property
    def codec(self) -> Codec: ...

    @property
    def codes(self) -> bytes: ...


class Party(Protocol):
    """A leg, as listening needs it."""

    peer: Self | None

    def heard_frame(self) -> Audio | None:
        """What its far end said in this step."""
        ...

    def said_frame(self, *, played: bool = False) -> Audio | None:
        """What its far end was told in this step, but for guests; `played`: only if it was a play."""
        ...


P = TypeVar("P", bound=Party)


class Listeners(Generic[P]):
    """Who listens to whom, and how."""

    def __init__(self) -> None:
        self._joined: dict[P, tuple[P, ListenMode]] = {}

    def __iter__(self) -> Iterator[P]:
        return iter(self._joined)

    def __contains__(self, leg: P) -> bool:
        return leg in self._joined

    def join(self, listener: P, agent: P, mode: ListenMode) -> None:
        """Raises MediaError when it makes no sense."""
        if listener is agent:
            raise MediaError("a leg cannot listen to itself")
        if self._of(listener) or agent in self._joined:
            raise MediaError("a leg that listens cannot be listened to")
        others = [leg for leg in self._of(agent) if leg is not listener]
        if len(others) >= MAX_LISTENERS:
            raise MediaError("as many listen to this leg as may")
        self._joined[listener] = agent, mode

    def leave(self, listener: P) -> None:
        """It listens no longer."""
        self._joined.pop(listener, None)

    def forget(self, leg: P) -> None:
        """The leg is closed."""
        self.leave(leg)
        for listener in self._of(leg):
            self.leave(listener)

    def ear_of(self, listener: P) -> list[Audio | None]:
        """What it hears: what the agent says and hears, what its partner is played, and the other guests."""
        agent, _ = self._joined[listener]
        announced = agent.peer.said_frame(played=True) if agent.peer is not None else None
        others = [leg.heard_frame() for leg in self._heard(agent, ListenMode.WHISPER) if leg is not listener]
        return [agent.heard_frame(), agent.said_frame(), announced, *others]

    def guests_of(self, leg: P) -> list[Audio | None]:
        """Whose voices are mixed into what its far end hears."""
        guests = self._heard(leg, ListenMode.WHISPER)
        if leg.peer is not None:
            guests += self._heard(leg.peer, ListenMode.BARGE)
        return [guest.heard_frame() for guest in guests]

    def _of(self, agent: P) -> list[P]:
        return [listener for listener, (other, _) in self._joined.items() if other is agent]

    def _heard(self, agent: P, least: ListenMode) -> list[P]:
        modes = {ListenMode.BARGE, least}
        return [leg for leg, (other, mode) in self._joined.items() if other is agent and mode in modes]


def mix(codes: bytes, codec: Codec, voices: Iterable[Audio | None]) -> bytes:
    """Adds voices to a frame, in linear, up to the end of the scale."""
    total = g711.decode(codes, codec).astype(np.int32)
    for voice in voices:
        if voice is not None and len(voice.codes) == len(codes):
            total += g711.decode(voice.codes, voice.codec)
    return g711.encode(np.clip(total, -32768, 32767).astype(np.int16), codec)
