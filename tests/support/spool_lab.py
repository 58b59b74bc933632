"""Recordings under fire: engines in processes of their own, far ends that know what they said and when, bad disks."""

import itertools
import json
import os
import signal
import socket
import struct
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from dialer.media.interface import FRAME_SAMPLES, RATE_HZ
from recording.spool import RecordKind, SpoolRecord
from recording.spool_parts import open_parts, parts_of

HOST = "127.0.0.1"
FRAME_S = FRAME_SAMPLES / RATE_HZ
ANSWER_TIMEOUT_S = 30.0
_HERE = Path(__file__).parent
_RTP = struct.Struct("!BBHII")
_CONTROL_BYTES = 64
_SCM_TIMESTAMPNS = 35
"""SO_TIMESTAMPNS (Linux, asm-generic/socket.h): the kernel says when a packet came, however late it is read."""
_TIMESPEC = struct.Struct("@qq")


def build_disk(directory: Path) -> Path:
    """The library that makes a disk bad; needs a C compiler, as the project does."""
    library = directory / "spool_disk.so"
    command = ["cc", "-shared", "-fPIC", "-O1", "-Wall", "-o", str(library), str(_HERE / "spool_disk.c")]
    subprocess.run(command, check=True, timeout=ANSWER_TIMEOUT_S)
    return library


class Speaker:
    """A far end. Its n-th frame, counted from 0, can be told from every other one."""

    def __init__(self, tag: int) -> None:
        self.tag = tag
        self.sent_at: list[float] = []
        """Wall time at which each frame was sent."""
        self.heard_at: list[float] = []
        """Wall time at which the kernel was given each packet of the engine's."""
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.setsockopt(socket.SOL_SOCKET, _SCM_TIMESTAMPNS, 1)
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 20)
        self._socket.bind((HOST, 0))
        self._socket.setblocking(False)
        self.port: int = self._socket.getsockname()[1]
        self.target = (HOST, 0)

    def frame(self, number: int) -> bytes:
        """160 bytes of G.711, whatever they sound like."""
        return struct.pack("!HH", self.tag, number) * (FRAME_SAMPLES // 4)

    def speak(self) -> None:
        """Sends the next frame, and takes in what was heard."""
        number = len(self.sent_at)
        header = _RTP.pack(0x80, 8, number & 0xFFFF, number * FRAME_SAMPLES, self.tag)
        self._socket.sendto(header + self.frame(number), self.target)
        self.sent_at.append(time.time())
        self.listen()

    def listen(self) -> None:
        """Notes when what waits has come."""
        while True:
            try:
                _, control, _, _ = self._socket.recvmsg(512, _CONTROL_BYTES)
            except (BlockingIOError, ConnectionRefusedError):
                return
            seconds, nanoseconds = _TIMESPEC.unpack(control[0][2][: _TIMESPEC.size])
            self.heard_at.append(seconds + nanoseconds / 1e9)

    def close(self) -> None:
        self._socket.close()


@dataclass
class Child:
    """One engine with its far ends."""

    directories: Sequence[Path]
    port_min: int
    n_legs: int
    tag: int
    disk: Path | None = None
    speakers: list[Speaker] = field(default_factory=list)
    killed_at: float = 0.0

    def __post_init__(self) -> None:
        for directory in self.directories:
            directory.mkdir(parents=True)
        self.orders = self.directories[0].parent / "orders"
        self.notes = self.directories[0].parent / "notes"
        self.speakers = [Speaker(self.tag + index) for index in range(self.n_legs)]
        faults = {
            "LD_PRELOAD": str(self.disk),
            "SPOOL_DISK_ORDERS": str(self.orders),
            "SPOOL_DISK_NOTES": str(self.notes),
        }
        command = [
            sys.executable,
            str(_HERE / "spool_child.py"),
            str(self.port_min),
            ":".join(map(str, self.directories)),
        ]
        self.process = subprocess.Popen(
            [*command, *(str(speaker.port) for speaker in self.speakers)],
            env=os.environ | (faults if self.disk else {}),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def connect(self) -> None:
        """Waits until it is up."""
        for speaker, port in zip(self.speakers, self._answer(), strict=True):
            speaker.target = (HOST, port)

    def order(self, *orders: str) -> None:
        """What the disk does from now on; see spool_disk.c."""
        fresh = self.orders.with_suffix(".new")
        fresh.write_text("".join(f"{order}\n" for order in orders))
        fresh.replace(self.orders)

    def ask(self, question: str) -> Any:
        """What the process says; `stop` takes until the disk has everything."""
        assert self.process.stdin is not None
        self.process.stdin.write(question + "\n")
        self.process.stdin.flush()
        return self._answer()

    def kill(self) -> None:
        """Without a word, at once."""
        self.killed_at = time.time()
        self.process.send_signal(signal.SIGKILL)

    def close(self) -> None:
        """Ends it, if it is not ended; its files stay."""
        self.process.kill()
        self.process.communicate(timeout=ANSWER_TIMEOUT_S)
        for speaker in self.speakers:
            speaker.close()

    def recorded(self, leg: int) -> "Recorded":
        """What is found of a leg's recording."""
        return Recorded.read(parts_of(f"leg-{leg}.spool", self.directories))

    def _answer(self) -> Any:
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        assert line, "the engine's process ended"
        return json.loads(line)


@dataclass(frozen=True)
class Recorded:
    """A recording as it lies on disk."""

    started_at: float
    records: Sequence[SpoolRecord]
    truncated: bool
    n_parts: int

    @classmethod
    def read(cls, paths: Sequence[Path]) -> "Recorded":
        with open_parts(paths) as spool:
            records = sorted(spool, key=lambda record: record.position)
            return cls(spool.header.started_at.timestamp(), records, spool.truncated, len(paths))

    def audio(self, channel: int) -> bytes:
        """A channel's bytes; fails where it has a hole or a mark of loss."""
        records = [record for record in self.records if record.channel == channel and record.kind is not RecordKind.END]
        for earlier, later in itertools.pairwise(records):
            assert earlier.end == later.position, f"channel {channel}: a hole at {earlier.end}"
        assert all(record.kind is RecordKind.AUDIO for record in records)
        return b"".join(record.payload for record in records)

    def end_at(self, channel: int) -> float:
        """Wall time of the last recorded sample, or of the start."""
        ends = (record.end for record in self.records if record.channel == channel)
        return self.started_at + max(ends, default=0) / RATE_HZ


def talk(children: Sequence[Child], seconds: float) -> Iterator[float]:
    """Lets all far ends speak, a frame every 20 ms; gives the seconds since the beginning after each."""
    began = time.monotonic()
    for index in range(round(seconds / FRAME_S)):
        for child in children:
            if not child.killed_at:
                for speaker in child.speakers:
                    speaker.speak()
        yield time.monotonic() - began
        time.sleep(max(0.0, began + FRAME_S * (index + 1) - time.monotonic()))
