"""SIPp as the carrier of a whole node: any number of calls, OPTIONS answered, A-law files streamed as real RTP."""

import re
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from datetime import datetime
from pathlib import Path
from socket import SOCK_DGRAM
from typing import Self

from dialer.config import TrunkConfig
from dialer.media import g711
from dialer.media.interface import Codec
from dialer.prompts.audio import read_audio
from dialer.prompts.signals import silence
from dialer.simulator.voices import VOICES_DIR
from dialer.sip.events import Destination, Transport
from tests.support.path_ports import free_ports
from tests.support.path_script import DONE
from tests.support.sip_peers import HOST, Relay, is_bound, running, wait_until

LINE_S = 90
"""How long a line stays up after what was said: silence, so that the path does not seem dead."""
SIPP_LIMIT_S = 120
HARMLESS = re.compile(r"Automatic response mode|Dead call \S+ \(successful\)|Overload warning")
"""What SIPp notes of a question whether it is alive, of repeats that come after a call's end, of a busy machine."""
_RULER = "-----------------------------------------------"
"""Precedes the time of every message in SIPp's log."""
_NOTE = re.compile(r"\d{4}-\d\d-\d\d\t\S+\t\S+: ")


def voice(name: str) -> bytes:
    """A shipped voice of the simulator, as PCM at 8 kHz. Blocks: not for the event loop."""
    return read_audio(VOICES_DIR / f"{name}.flac")


def line_of(name: str) -> bytes:
    """What a carrier's line carries: a shipped voice, then silence. Blocks: not for the event loop."""
    return line_of_pcm(voice(name))


def line_of_pcm(pcm: bytes) -> bytes:
    """The same of any words at 8 kHz; A-law."""
    return g711.encode(g711.samples_of(pcm + silence(LINE_S * 1000)), Codec.PCMA)


def _write(folder: Path, script: str, audio: Mapping[str, bytes]) -> None:
    folder.mkdir()
    (folder / "scenario.xml").write_text(script, encoding="utf-8")
    for file, codes in audio.items():
        (folder / file).write_bytes(codes)


class Carrier:
    """One SIPp that plays one scenario for every call it gets."""

    def __init__(self, name: str, port: int, folder: Path) -> None:
        self.name = name
        self.port = port
        self.folder = folder

    @classmethod
    @asynccontextmanager
    async def playing(
        cls, name: str, script: str, folder: Path, audio: Mapping[str, bytes] = {}
    ) -> AsyncIterator[Self]:
        """Starts SIPp with A-law files beside the scenario, and waits until it listens."""
        _write(folder, script, audio)
        port = free_ports()
        command = [
            *("sipp", "-sf", "scenario.xml", "-i", HOST, "-mi", HOST, "-p", str(port), "-nostdin", "-aa"),
            *("-timeout", f"{SIPP_LIMIT_S}s", "-trace_err", "-error_file", "errors.log"),
            *("-trace_msg", "-message_file", "messages.log", "-trace_logs", "-log_file", "log.log"),
        ]
        async with running(*command, cwd=folder) as process:
            await wait_until(lambda: is_bound(port, SOCK_DGRAM) or process.returncode is not None, f"{name} listens")
            yield cls(name, port, folder)

    @property
    def destination(self) -> Destination:
        """Where it takes calls."""
        return Destination(Transport.UDP, HOST, self.port)

    def trunk(self, **settings: object) -> TrunkConfig:
        """The trunk to this carrier, of a group of its own unless the settings name one; asked only once for life."""
        defaults = {
            "name": self.name,
            "group": self.name,
            "host": HOST,
            "port": self.port,
            "options_interval_s": 3600.0,
        }
        return TrunkConfig.model_validate(defaults | settings)

    async def finished(self, calls: int = 1) -> None:
        """Waits until so many calls went through the whole scenario; AssertionError with SIPp's words otherwise."""
        try:
            await wait_until(lambda: self._read("log.log").count(DONE) >= calls, f"{self.name}: {calls} calls")
        except AssertionError as error:
            raise AssertionError(f"{error}\n{self.complaints()}\n{self._read('messages.log')}") from None

    def complaints(self) -> str:
        """What SIPp found wrong, in its own words; empty when nothing."""
        _, *notes = _NOTE.split(self._read("errors.log"))
        return "\n".join(note for note in notes if not HARMLESS.match(note))

    def count_received(self, start: str) -> int:
        """How many messages with this beginning of their first line SIPp has received."""
        return len(self.received(start))

    def received(self, start: str) -> list[str]:
        """The messages with this beginning of their first line, in order of arrival."""
        chunks = self._read("messages.log").split("message received [")[1:]
        messages = (chunk.partition("\n\n")[2] for chunk in chunks)
        return [message for message in messages if message.startswith(start)]

    def first_received_at(self, start: str) -> float:
        """When SIPp received the first such message, in seconds since 1970."""
        for chunk in self._read("messages.log").split(_RULER)[1:]:
            stamp, _, rest = chunk.partition("\n")
            if "message received [" in rest and rest.partition("\n\n")[2].startswith(start):
                return datetime.fromisoformat(stamp.strip()).timestamp()
        raise AssertionError(f"{self.name} received no {start}")

    def _read(self, name: str) -> str:
        path = self.folder / name
        return path.read_text(encoding="utf-8", errors="replace") if path.exists() else ""


def trunk_to(name: str, destination: Destination, **settings: object) -> TrunkConfig:
    """A trunk to any far end, of a group of its own unless the settings name one; asked only once for life."""
    defaults = {"name": name, "group": name, "host": destination.host, "port": destination.port}
    return TrunkConfig.model_validate({**defaults, "options_interval_s": 3600.0, **settings})


class LosesInvites(Relay):
    """A hop that loses the first two INVITEs on their way to the carrier."""

    n_lost = 0

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        """Called by the loop."""
        if data.startswith(b"INVITE") and self.n_lost < 2:
            self.n_lost += 1
            return
        super().datagram_received(data, addr)
