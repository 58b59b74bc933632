"""The native media engine with an asyncio face: `MediaEngine` and its legs.

All packets stay in `dialer_native`'s threads. Events come through one queue whose descriptor the event loop watches;
commands return at once. What the engine does on the wire is described in `native/src`.
"""

import asyncio
import logging
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Self

import dialer_native

from dialer.config import MediaConfig
from dialer.errors import MediaError
from dialer.media import checks
from dialer.media.g711 import PAYLOAD_TYPES
from dialer.media.interface import (
    FRAME_MS,
    RATE_HZ,
    AudioBlock,
    BrowserConnected,
    BrowserLeg,
    BrowserLost,
    Codec,
    DtmfReceived,
    FirstPacket,
    Leg,
    LegEvent,
    LegStats,
    ListenMode,
    PlayFinished,
    RecordingFailed,
    RtpTimeout,
    Sink,
    SpoolFigures,
)

logger = logging.getLogger(__name__)

STOP_TIMEOUT_S = 20.0
"""For ending every recording and making it durable; only a dead disk takes longer."""
_NO_DTMF = -1
_EVENTS: dict[str, Callable[..., LegEvent]] = {
    "audio": AudioBlock,
    "browser_connected": BrowserConnected,
    "browser_lost": BrowserLost,
    "dtmf": DtmfReceived,
    "first_packet": FirstPacket,
    "play_finished": PlayFinished,
    "recording_failed": RecordingFailed,
    "rtp_timeout": RtpTimeout,
}


class NativeLeg:
    """A leg of the native engine; see `dialer.media.interface.Leg`."""

    def __init__(self, engine: "MediaEngine", native: dialer_native.Engine, leg_id: int, host: str, port: int) -> None:
        self.leg_id = leg_id
        self.local_host = host
        self.local_port = port
        self._engine = engine
        self._native = native
        self._dtmf_payload_type: int | None = None
        self._is_recording = False
        self._last_stats: LegStats | None = None

    def set_remote(
        self, host: str, port: int, *, codec: Codec, dtmf_payload_type: int | None, receiving: bool = True
    ) -> None:
        checks.check_remote(host, port, dtmf_payload_type)
        key_type = _NO_DTMF if dtmf_payload_type is None else dtmf_payload_type
        done = self._native.set_remote(self.leg_id, host, port, PAYLOAD_TYPES[codec], key_type, receiving)
        self._require(done)
        self._dtmf_payload_type = dtmf_payload_type

    def play(self, pcm: bytes, *, loop: bool = False) -> int:
        checks.check_pcm(pcm)
        play_id = self._native.play(self.leg_id, pcm, loop)
        if play_id is None:
            raise MediaError("the leg is closed")
        return play_id

    def stop_play(self) -> None:
        self._native.stop_play(self.leg_id)

    def start_tap(self, block_ms: int = FRAME_MS) -> None:
        checks.check_tap_block(block_ms)
        self._require(self._native.start_tap(self.leg_id, block_ms * RATE_HZ // 1000))

    def stop_tap(self) -> None:
        self._native.stop_tap(self.leg_id)

    def send_dtmf(self, digits: str) -> None:
        checks.check_digits(digits, self._dtmf_payload_type)
        self._require(self._native.send_dtmf(self.leg_id, digits.encode("ascii")))

    def start_recording(self, recording_id: str) -> None:
        checks.check_recording_id(recording_id)
        if self._is_recording:
            raise MediaError("the leg is being recorded already")
        self._require(self._native.start_recording(self.leg_id, recording_id))
        self._is_recording = True

    def stop_recording(self) -> None:
        self._native.stop_recording(self.leg_id)
        self._is_recording = False

    def pause_recording(self) -> None:
        self._native.pause_recording(self.leg_id)

    def resume_recording(self) -> None:
        self._native.resume_recording(self.leg_id)

    def start_echo(self) -> None:
        self._require(self._native.set_echo(self.leg_id, True))

    def stop_echo(self) -> None:
        self._native.set_echo(self.leg_id, False)

    def stats(self) -> LegStats:
        figures = self._native.stats(self.leg_id)
        if figures is None:
            return self._last_stats or LegStats(0, 0, 0, 0, 0, 0.0, 1.0)
        return LegStats(*figures)

    def close(self) -> None:
        self._last_stats = self.stats()
        self._native.close(self.leg_id)
        self._engine.forget(self.leg_id)

    def _require(self, done: bool) -> None:
        if not done:
            raise MediaError("the leg is closed")


class NativeBrowserLeg(NativeLeg):
    """A browser's leg of the native engine; see `dialer.media.interface.BrowserLeg`."""

    def set_remote(
        self, host: str, port: int, *, codec: Codec, dtmf_payload_type: int | None, receiving: bool = True
    ) -> None:
        raise MediaError(checks.NO_REMOTE)

    def accept(self, offer: str) -> str:
        try:
            answer = self._native.accept(self.leg_id, offer)
        except ValueError as error:
            raise MediaError(str(error)) from error
        if answer is None:
            raise MediaError("the leg is closed")
        return answer


class MediaEngine:
    """The real engine: `async with MediaEngine(config, spool_dir) as media: leg = media.open_leg(sink=…)`.

    Where the disk under `spool_dir` refuses a recording, it goes on in `second_spool_dir`. Leaving the block ends every
    leg and recording in order and waits for the disk.
    """

    def __init__(self, config: MediaConfig, spool_dir: Path, second_spool_dir: Path | None = None) -> None:
        self._config = config
        self._spool_dirs = [spool_dir] if second_spool_dir is None else [spool_dir, second_spool_dir]
        self._native: dialer_native.Engine | None = None
        self._sinks: dict[int, Sink] = {}

    async def __aenter__(self) -> Self:
        self._native = await asyncio.to_thread(self._start)
        asyncio.get_running_loop().add_reader(self._native.fileno(), self._deliver, self._native)
        return self

    async def __aexit__(
        self, exc_type: type[BaseException] | None, exc: BaseException | None, traceback: TracebackType | None
    ) -> None:
        native = self._require()
        self._native = None
        asyncio.get_running_loop().remove_reader(native.fileno())
        try:
            async with asyncio.timeout(STOP_TIMEOUT_S):
                await asyncio.to_thread(native.stop)
        except TimeoutError:
            logger.error("the media engine did not stop: the disk takes nothing", extra={"action": "stop"})
        self._deliver(native)
        self._sinks.clear()

    def open_leg(self, *, sink: Sink) -> Leg:
        """A leg on a free pair of ports. Raises MediaError when none is left."""
        native = self._require()
        leg_id, port = self._opened(native.open(), sink)
        return NativeLeg(self, native, leg_id, self._config.host, port)

    def open_browser_leg(self, *, sink: Sink) -> BrowserLeg:
        """A browser's leg on a free port. Raises MediaError when none is left."""
        native = self._require()
        leg_id, port = self._opened(native.open_browser(), sink)
        return NativeBrowserLeg(self, native, leg_id, self._config.host, port)

    def bridge(self, a: Leg, b: Leg) -> None:
        if a.leg_id == b.leg_id:
            raise MediaError("a leg cannot be bridged with itself")
        if not self._require().bridge(a.leg_id, b.leg_id):
            raise MediaError("one of the legs is closed")

    def unbridge(self, leg: Leg) -> None:
        self._require().unbridge(leg.leg_id)

    def listen_in(self, listener: Leg, agent: Leg, mode: ListenMode) -> None:
        refusal = self._require().listen_in(listener.leg_id, agent.leg_id, mode.value)
        if refusal is not None:
            raise MediaError(refusal)

    def stop_listening(self, listener: Leg) -> None:
        self._require().stop_listening(listener.leg_id)

    def dropped_audio_blocks(self) -> int:
        return self._require().dropped_blocks()

    def spool_figures(self) -> SpoolFigures:
        """How the disks keep up; asking begins a new span for the longest."""
        not_durable_s, longest_s, moved, problems = self._require().spool_figures()
        return SpoolFigures(not_durable_s, longest_s, moved, tuple(problems))

    def prefer_spool(self, index: int) -> None:
        """New recordings begin on that path (0 or 1) while nothing is wrong with it."""
        self._require().prefer_spool(index)

    def trust_spool(self, index: int) -> None:
        """What was wrong with that path is over."""
        self._require().trust_spool(index)

    def forget(self, leg_id: int) -> None:
        """A leg was closed: from here on its sink hears nothing."""
        self._sinks.pop(leg_id, None)

    def _start(self) -> dialer_native.Engine:
        config = self._config
        try:
            for directory in self._spool_dirs:
                directory.mkdir(mode=0o700, parents=True, exist_ok=True)  # unencrypted audio lies there
            return dialer_native.Engine(
                config.host,
                config.port_min,
                config.port_max,
                config.workers,
                config.rtp_timeout_s,
                str(self._spool_dirs[0]),
                str(self._spool_dirs[1]) if len(self._spool_dirs) > 1 else None,
                config.advertised_host or None,
            )
        except (OSError, ValueError) as error:
            raise MediaError(f"the media engine cannot start: {error}") from error

    def _opened(self, opened: tuple[int, int] | None, sink: Sink) -> tuple[int, int]:
        """Id and port of a leg, from now on with its sink."""
        if opened is None:
            raise MediaError(
                f"no free pair of RTP ports between {self._config.port_min} and {self._config.port_max} on "
                f"{self._config.host}; widen media.port_min/port_max or find who holds them"
            )
        self._sinks[opened[0]] = sink
        return opened

    def _require(self) -> dialer_native.Engine:
        if self._native is None:
            raise MediaError("the media engine is not running")
        return self._native

    def _deliver(self, native: dialer_native.Engine) -> None:
        """Hands waiting events to their sinks."""
        for name, leg_id, at, *rest in native.drain():
            event = _EVENTS[name](leg_id, at, *rest)
            sink = self._sinks.get(leg_id)
            if sink is not None:
                self._tell(sink, event)
            elif isinstance(event, RecordingFailed):
                facts = {"action": "record", "recording_id": event.recording_id, "reason": event.reason}
                logger.error("a recording failed at its end, after its leg was closed", extra=facts)

    def _tell(self, sink: Sink, event: LegEvent) -> None:
        """The edge of one leg: a sink that raises is its owner's bug, and the other legs must still hear."""
        try:
            sink(event)
        except Exception:
            logger.exception("a sink of leg events failed", extra={"action": "leg_event", "leg_id": event.leg_id})
