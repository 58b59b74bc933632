"""A leg of the loopback twin, and what is on its virtual wire. `dialer.media.loopback` is the engine around it."""

from collections import deque
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from dialer.errors import MediaError
from dialer.media import checks, g711
from dialer.media.concealment import Concealer
from dialer.media.interface import (
    FRAME_MS,
    FRAME_SAMPLES,
    RATE_HZ,
    AudioBlock,
    Codec,
    DtmfReceived,
    FirstPacket,
    LegEvent,
    LegStats,
    PlayFinished,
    RtpTimeout,
    Sink,
)
from dialer.media.loopback_listening import Listeners, mix
from dialer.media.spool_take import SpoolTake

_PERFECT_MOS = 4.4
_BEGINNING_FRAMES = 25
"""So many of the first frames wait for the first tap, if it is asked for within 500 ms: as in the native engine."""
_FIRST_PATIENCE_FRAMES = 25
"""500 ms: no silence of our making stands before a first packet that comes within them."""
Address = tuple[str, int]


@dataclass(frozen=True, slots=True)
class Frame:
    """20 ms on the virtual wire from an address: audio codes, or a pressed key, or neither: lost on the way."""

    source: Address
    codec: Codec
    codes: bytes = b""
    digit: str = ""

    @property
    def is_lost(self) -> bool:
        return not self.codes and not self.digit


class Network(Protocol):
    """What a leg needs of its engine."""

    @property
    def now(self) -> float: ...

    @property
    def rtp_timeout_s(self) -> float: ...

    @property
    def listeners(self) -> "Listeners[LoopbackLeg]": ...

    def carry(self, target: Address, frame: Frame) -> None: ...

    def tell_later(self, leg: "LoopbackLeg", event: LegEvent) -> None: ...

    def start_take(self, recording_id: str, leg: "LoopbackLeg") -> SpoolTake: ...

    def take_id(self) -> int: ...

    def part(self, leg: "LoopbackLeg") -> None: ...

    def forget(self, leg: "LoopbackLeg") -> None: ...


class LoopbackLeg:
    """A leg of the twin; see `dialer.media.interface.Leg`."""

    def __init__(self, engine: Network, leg_id: int, host: str, port: int, sink: Sink) -> None:
        self.leg_id = leg_id
        self.local_host = host
        self.local_port = port
        self.peer: LoopbackLeg | None = None
        self._engine = engine
        self._sink = sink
        self._is_open = True
        self._remote: Address | None = None
        self._source: Address | None = None
        self._codec = Codec.PCMA
        self._dtmf_payload_type: int | None = None
        self._is_expecting = True
        self._inbox: deque[Frame] = deque()
        self._heard: Frame | None = None
        self._said: Frame | None = None
        self._has_played = False
        self._quiet_s = 0.0
        self._is_timed_out = False
        self._play: _Play | None = None
        self._keys: deque[str] = deque()
        self._tap: _Tap | None = None
        self._beginning: list[Frame] | None = []
        self._began_at = 0.0
        self._take: SpoolTake | None = None
        self._is_echoing = False
        self._counts = {"sent": 0, "received": 0, "lost": 0, "ignored": 0}

    # ---- the face

    def set_remote(
        self, host: str, port: int, *, codec: Codec, dtmf_payload_type: int | None, receiving: bool = True
    ) -> None:
        checks.check_remote(host, port, dtmf_payload_type)
        self._require_open()
        if self._remote != (host, port):
            self._source = None
            self._is_timed_out = False
        self._remote, self._codec = (host, port), codec
        self._dtmf_payload_type, self._is_expecting = dtmf_payload_type, receiving
        self._quiet_s = 0.0

    def play(self, pcm: bytes, *, loop: bool = False) -> int:
        checks.check_pcm(pcm)
        self._require_open()
        self.stop_play()
        self._play = _Play(self._engine.take_id(), pcm, loop)
        return self._play.play_id

    def stop_play(self) -> None:
        if self._play is not None:
            play_id, self._play = self._play.play_id, None
            self._engine.tell_later(self, PlayFinished(self.leg_id, self._engine.now, play_id, completed=False))

    def start_tap(self, block_ms: int = FRAME_MS) -> None:
        checks.check_tap_block(block_ms)
        self._require_open()
        self._tap = _Tap(2 * block_ms * RATE_HZ // 1000)
        beginning, self._beginning = self._beginning or [], None
        if self._engine.now - self._began_at <= _BEGINNING_FRAMES * FRAME_MS / 1000:
            for frame in beginning:
                self._tap.add(frame, was_lost=False)

    def stop_tap(self) -> None:
        self._tap = None

    def send_dtmf(self, digits: str) -> None:
        checks.check_digits(digits, self._dtmf_payload_type)
        self._require_open()
        self._keys.extend(digits.upper())

    def start_recording(self, recording_id: str) -> None:
        checks.check_recording_id(recording_id)
        self._require_open()
        if self._take is not None:
            raise MediaError("the leg is being recorded already")
        self._take = self._engine.start_take(recording_id, self)

    def stop_recording(self) -> None:
        if self._take is not None:
            self._take.end()
            self._take = None

    def pause_recording(self) -> None:
        if self._take is not None:
            self._take.pause()

    def resume_recording(self) -> None:
        if self._take is not None:
            self._take.resume()

    def start_echo(self) -> None:
        self._require_open()
        self._is_echoing = True

    def stop_echo(self) -> None:
        self._is_echoing = False

    def stats(self) -> LegStats:
        return LegStats(
            packets_sent=self._counts["sent"],
            packets_received=self._counts["received"],
            packets_lost=self._counts["lost"],
            packets_duplicate=0,
            packets_ignored=self._counts["ignored"],
            jitter_ms=0.0,
            mos=_PERFECT_MOS,
        )

    def close(self) -> None:
        if self._is_open:
            self._engine.part(self)
            self.stop_recording()
            self.stop_tap()
            self._is_open = False
            self._engine.forget(self)

    # ---- the wire, called by the engine

    def arrive(self, frame: Frame) -> None:
        """A frame reached our port, or was lost just before."""
        if self._remote is not None:
            self._inbox.append(frame)

    def hear(self) -> None:
        """Takes this step's frame, if one came, and serves events, tap and recording."""
        self._heard = None
        frame = self._inbox.popleft() if self._inbox else None
        was_lost = frame is not None and frame.is_lost
        if frame is None or was_lost or not self._admits(frame):
            self._note_quiet(was_lost=was_lost)
        else:
            self._note_heard(frame)
        if self._tap is not None:
            self._tap.add(self._heard, was_lost=was_lost)
            for pcm, position in self._tap.full_blocks():
                self.tell(AudioBlock(self.leg_id, self._engine.now, pcm, position))
        elif (heard := self.heard_frame()) is not None:
            self._keep(heard)

    def speak(self) -> None:
        """Sends this step's frame: a key, the play, the partner, or silence."""
        if self._remote is None:
            return
        target = self._source or self._remote
        self._said, self._has_played = None, self._play is not None and not self._keys
        if self._keys:
            self._send(target, Frame(self._address, self._codec, digit=self._keys.popleft()))
        elif self._play is not None:
            self._send_audio(target, self._next_of_play(self._play))
        elif self in self._engine.listeners:
            ear = self._engine.listeners.ear_of(self)
            self._send(target, Frame(self._address, self._codec, mix(self._silence, self._codec, ear)))
        elif (said := self._partner_frame()) is not None:
            if said.codes:
                self._send_audio(target, g711.transcode(said.codes, said.codec, self._codec))
            elif self._dtmf_payload_type is not None:
                self._send(target, Frame(self._address, self._codec, digit=said.digit))
        elif self._engine.listeners.guests_of(self):
            self._send_audio(target, self._silence)
        else:
            self._send(target, Frame(self._address, self._codec, self._silence))
        if self._take is not None:
            self._take.step()

    def _partner_frame(self) -> Frame | None:
        """What somebody else says to the far end in this step."""
        if self._is_echoing:
            return self._heard
        return self.peer.heard_frame() if self.peer is not None and not self.peer.is_echoing else None

    def heard_frame(self) -> Frame | None:
        """What came in this step, for the partner and for those who listen."""
        return self._heard

    def said_frame(self, *, played: bool = False) -> Frame | None:
        """What went out in this step, guests left out; `played`: only a play."""
        return self._said if self._has_played or not played else None

    @property
    def is_echoing(self) -> bool:
        """The far end hears itself, and its partner nothing."""
        return self._is_echoing

    def tell(self, event: LegEvent) -> None:
        """Hands an event to the sink while the leg is open."""
        if self._is_open:
            self._sink(event)

    @property
    def _silence(self) -> bytes:
        return bytes([g711.SILENCE[self._codec]]) * FRAME_SAMPLES

    @property
    def _address(self) -> Address:
        return (self.local_host, self.local_port)

    def _admits(self, frame: Frame) -> bool:
        if self._source is None:
            self.tell(FirstPacket(self.leg_id, self._engine.now, *frame.source))
        if self._source is None or frame.source == self._remote:
            self._source = frame.source
        if frame.source != self._source:
            self._counts["ignored"] += 1
        return frame.source == self._source

    def _note_heard(self, frame: Frame) -> None:
        self._heard = frame
        self._counts["received"] += 1
        self._quiet_s, self._is_timed_out = 0.0, False
        if frame.digit:
            self.tell(DtmfReceived(self.leg_id, self._engine.now, frame.digit))
        elif self._take is not None:
            self._take.heard(frame.codes, frame.codec)

    def _keep(self, frame: Frame) -> None:
        """The first word may come before anybody listens."""
        if self._beginning is None:
            return
        if not self._beginning:
            self._began_at = self._engine.now
        self._beginning.append(frame)
        if len(self._beginning) > _BEGINNING_FRAMES:
            self._beginning = None

    def _note_quiet(self, *, was_lost: bool) -> None:
        if was_lost:
            self._counts["lost"] += 1
            if self._take is not None:
                self._take.lost()
        if self._remote is None:
            return
        is_excused = not self._is_expecting or (self._play is not None and not self._play.loop)
        self._quiet_s += 0.0 if is_excused else FRAME_MS / 1000
        if self._quiet_s >= self._engine.rtp_timeout_s and not self._is_timed_out:
            self._is_timed_out = True
            self.tell(RtpTimeout(self.leg_id, self._engine.now))

    def _next_of_play(self, play: "_Play") -> bytes:
        pcm = play.next_frame()
        if play.is_over:
            self._play = None
            self._engine.tell_later(self, PlayFinished(self.leg_id, self._engine.now, play.play_id, completed=True))
        return g711.encode(g711.samples_of(pcm), self._codec)

    def _send_audio(self, target: Address, codes: bytes) -> None:
        self._said = Frame(self._address, self._codec, codes)
        guests = [] if self._has_played else self._engine.listeners.guests_of(self)
        if guests:
            codes = mix(codes, self._codec, guests)
        if self._take is not None:
            self._take.said(codes, self._codec)
        self._send(target, Frame(self._address, self._codec, codes))

    def _send(self, target: Address, frame: Frame) -> None:
        self._counts["sent"] += 1
        self._engine.carry(target, frame)

    def _require_open(self) -> None:
        if not self._is_open:
            raise MediaError("the leg is closed")


class _Play:
    """Audio being played, cut into frames."""

    def __init__(self, play_id: int, pcm: bytes, loop: bool) -> None:
        self.play_id = play_id
        self.loop = loop
        self._pcm = pcm
        self._at = 0

    @property
    def is_over(self) -> bool:
        return not self.loop and self._at >= len(self._pcm)

    def next_frame(self) -> bytes:
        """The next 20 ms of PCM; silence after the end."""
        size = 2 * FRAME_SAMPLES
        rest = self._pcm[self._at : self._at + size]
        self._at += size
        if self.loop:
            rest += (self._pcm * (size // len(self._pcm) + 1))[: size - len(rest)]
            self._at %= len(self._pcm)
        return rest.ljust(size, b"\0")


class _Tap:
    """Frames in, blocks out; a lost frame is concealed, one that was not sent is silence.

    Half a second is waited for the first one, as in the native engine.
    """

    def __init__(self, block_bytes: int) -> None:
        self._block_bytes = block_bytes
        self._pending = b""
        self._position = 0
        self._concealer = Concealer()
        self._has_heard = False
        self._n_awaited = 0

    def add(self, frame: Frame | None, *, was_lost: bool) -> None:
        """One step's frame, if there was one."""
        self._has_heard = self._has_heard or frame is not None
        if self._has_heard and self._n_awaited > _FIRST_PATIENCE_FRAMES:
            self._pending += bytes(2 * FRAME_SAMPLES * _FIRST_PATIENCE_FRAMES)
        self._n_awaited = 0 if self._has_heard else self._n_awaited + 1
        if self._has_heard or self._n_awaited > _FIRST_PATIENCE_FRAMES:
            self._pending += self._samples(frame, was_lost).tobytes()

    def full_blocks(self) -> list[tuple[bytes, int]]:
        """The blocks that are full now, each with its position in samples."""
        blocks = []
        while len(self._pending) >= self._block_bytes:
            blocks.append((self._pending[: self._block_bytes], self._position))
            self._pending = self._pending[self._block_bytes :]
            self._position += self._block_bytes // 2
        return blocks

    def _samples(self, frame: Frame | None, was_lost: bool) -> g711.Samples:
        if was_lost:
            return self._concealer.fill(FRAME_SAMPLES)
        if frame is None or not frame.codes:
            self._concealer.silent()
            return np.zeros(FRAME_SAMPLES, dtype=np.int16)
        samples = g711.decode(frame.codes, frame.codec)
        self._concealer.heard(samples)
        return samples
