"""Telephones that speak and remember what they hear: baresip with a sound file for a voice, every call kept as WAV."""

import asyncio
import re
import socket
import wave
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from dialer.prompts.audio import read_audio
from dialer.prompts.signals import tone
from dialer.sip.events import Destination, Transport
from tests.support.path_ports import free_ports
from tests.support.sip_peers import HOST, Baresip, PhoneAccount, is_bound, running, wait_until

VOICE_S = 120
"""A voice is longer than any test: a sound file that ends would end the phone's audio."""
COLLECTOR_HZ = 440.0


_SHIFT_CALL = re.compile(r"^From:.*sip:shift@", re.MULTILINE)
_CALL_ID = re.compile(r"^Call-ID: (\S+)", re.MULTILINE)


class SpeakingPhone(Baresip):
    """One baresip; `folder` holds what it heard, too; `destination` takes calls past any registrar."""

    destination: Destination

    @classmethod
    @asynccontextmanager
    async def _start(cls, folder: Path, sip_port: int, account: str, voice: bytes) -> "AsyncIterator[SpeakingPhone]":
        control_port = free_ports()
        await asyncio.to_thread(_furnish, folder, sip_port, control_port, account, voice)
        async with running("baresip", "-f", ".", "-s", "-v", cwd=folder) as process:
            await wait_until(lambda: is_bound(control_port, socket.SOCK_STREAM), "baresip listens for commands")
            phone = cls(process, control_port, folder)
            phone.destination = Destination(Transport.UDP, HOST, sip_port)
            yield phone

    @classmethod
    @asynccontextmanager
    async def of_collector(
        cls, folder: Path, account: PhoneAccount, registrar: Destination
    ) -> "AsyncIterator[SpeakingPhone]":
        """Registers by itself; answers at once and sounds a tone for as long as it is up."""
        options = f"auth_user={account.user};auth_pass={account.password};answermode={account.answer_mode};regint=60"
        line = f"<sip:{account.user}@{registrar.host}:{registrar.port};transport=udp>;{options}"
        voice = tone((COLLECTOR_HZ,), VOICE_S * 1000)
        async with cls._start(folder, free_ports(), line, voice) as phone:
            yield phone

    @classmethod
    @asynccontextmanager
    async def of_person(cls, folder: Path, number: str, voice: Path) -> "AsyncIterator[SpeakingPhone]":
        """A called person's, at the end of a trunk: answers calls to one number at once, greets, and is silent then."""
        port = free_ports()
        greeting = await asyncio.to_thread(read_audio, voice)
        async with cls._start(
            folder, port, f"<sip:{number}@{HOST}:{port}>;answermode=auto;regint=0", greeting
        ) as phone:
            yield phone

    async def press(self, key: str) -> None:
        """Sends a key as RFC 4733 events in the call that is up."""
        await self.command("sndcode", key)

    def n_invited(self) -> int:
        """How often it was rung for its shift: the INVITEs it received, repeats not counted."""
        log = (self.folder / "output.log").read_text(encoding="utf-8", errors="replace")
        calls = [block for block in log.split("\n\n") if "\nINVITE sip:" in block and _SHIFT_CALL.search(block)]
        return len({match.group(1) for block in calls if (match := _CALL_ID.search(block))})

    def heard(self) -> bytes:
        """All it heard in its newest call, as PCM at 8 kHz; complete once the phone is off. Blocks."""
        newest = max(self.folder.glob("dump-*-dec.wav"))
        with wave.open(str(newest), "rb") as audio:
            assert (audio.getframerate(), audio.getnchannels()) == (8000, 1)
            return audio.readframes(audio.getnframes())


def _furnish(folder: Path, sip_port: int, control_port: int, account: str, voice: bytes) -> None:
    folder.mkdir()
    (folder / "config").write_text(_CONFIG.format(host=HOST, sip=sip_port, control=control_port, folder=folder))
    (folder / "accounts").write_text(f"{account}\n")
    (folder / "contacts").touch()
    with wave.open(str(folder / "voice.wav"), "wb") as audio:
        audio.setparams((1, 2, 8000, 0, "NONE", "not compressed"))
        audio.writeframes(voice.ljust(VOICE_S * 16000, b"\0"))


_CONFIG = """
sip_listen {host}:{sip}
net_interface {host}
ctrl_tcp_listen {host}:{control}
audio_source aufile,{folder}/voice.wav
audio_player aubridge,loop
audio_alert aubridge,loop
snd_path {folder}
module_path /usr/lib/baresip/modules
module g711.so
module aubridge.so
module aufile.so
module sndfile.so
module_tmp account.so
module_app menu.so
module_app ctrl_tcp.so
"""
