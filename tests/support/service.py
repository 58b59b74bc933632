"""The real service as a process of its own: started, killed and ended by its own process id; its words are kept."""

import asyncio
import json
import os
import resource
import signal
import socket
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from itertools import cycle
from pathlib import Path
from typing import IO, Self

from dialer.api.client import ApiCallError, ApiClient

HOST = "127.0.0.1"
UP_S = 60.0
"""How long a start may take on a machine that is busy with other things."""
END_S = 60.0
"""How long a process may take to end, the drain of its calls included."""
PORTS = range(16_000, 20_000)
"""Below what the kernel gives away by itself: a port stays free while the service that owned it is dead."""

Table = Mapping[str, object]


class ServiceProcess:
    """One run of `dialer serve`. Used as `async with`; a process that is still there at the end is killed."""

    def __init__(self, config_path: Path, log_path: Path) -> None:
        self._command = (sys.executable, "-m", "dialer.cli.main", "serve", "--config", str(config_path))
        self._log_path = log_path
        self._process: asyncio.subprocess.Process | None = None

    async def __aenter__(self) -> Self:
        with await asyncio.to_thread(_appending, self._log_path) as log:
            self._process = await asyncio.create_subprocess_exec(
                *self._command, stdin=asyncio.subprocess.DEVNULL, stdout=log, stderr=log
            )
        return self

    async def __aexit__(self, *_: object) -> None:
        if self.process.returncode is None:
            await self.kill()

    @property
    def process(self) -> asyncio.subprocess.Process:
        assert self._process is not None, "the service was not started"
        return self._process

    async def up(self, url: str) -> None:
        """Waits until the service answers; fails with its last words when it ends instead."""
        async with ApiClient(url, "") as api:
            until = time.monotonic() + UP_S
            while not await _answers(api):
                assert self.process.returncode is None, f"ended with {self.process.returncode}:\n{self.tail()}"
                assert time.monotonic() < until, f"not up within {UP_S} s:\n{self.tail()}"
                await asyncio.sleep(0.05)

    async def kill(self) -> None:
        """SIGKILL; returns when the process is gone. Fails when it had ended by itself."""
        assert self.process.returncode is None, f"ended with {self.process.returncode}:\n{self.tail()}"
        self.process.send_signal(signal.SIGKILL)
        await self.process.wait()

    def tell_to_end(self) -> None:
        """SIGTERM."""
        self.process.send_signal(signal.SIGTERM)

    async def ended(self, timeout_s: float = END_S) -> int:
        """The exit code, once there is one."""
        async with asyncio.timeout(timeout_s):
            return await self.process.wait()

    def limit_files(self, max_bytes: int | None) -> None:
        """No file it writes may grow beyond this from now on; None: as large as it likes."""
        soft = resource.RLIM_INFINITY if max_bytes is None else max_bytes
        resource.prlimit(self.process.pid, resource.RLIMIT_FSIZE, (soft, resource.RLIM_INFINITY))

    def said(self) -> str:
        """Everything it wrote, of all runs with this log file."""
        return self._log_path.read_text(encoding="utf-8", errors="replace")

    def tail(self) -> str:
        """Its last words."""
        return self.said()[-3000:]


def write_config(path: Path, tables: Mapping[str, Table | Sequence[Table]]) -> None:
    """A configuration file of these tables and arrays of tables."""
    path.write_text("\n".join(_toml_lines(tables)) + "\n", encoding="utf-8")


_unused = cycle([*PORTS[os.getpid() * 37 % len(PORTS) :], *PORTS])
"""Each process looks from a place of its own and gives no port twice before it went round."""


def free_ports(count: int) -> list[int]:
    """Loopback ports that are free for UDP and TCP just now."""
    free = (port for port in _unused if _is_free(port))
    return [next(free) for _ in range(count)]


def _toml_lines(tables: Mapping[str, Table | Sequence[Table]]) -> Iterator[str]:
    for name, value in tables.items():
        several = not isinstance(value, Mapping)
        for table in value if not isinstance(value, Mapping) else [value]:
            yield f"[[{name}]]" if several else f"[{name}]"
            yield from (f"{key} = {json.dumps(item, default=str)}" for key, item in table.items())


def _appending(path: Path) -> IO[bytes]:
    return path.open("ab")


def _is_free(port: int) -> bool:
    for kind in (socket.SOCK_DGRAM, socket.SOCK_STREAM):
        with socket.socket(socket.AF_INET, kind) as probe:
            try:
                probe.bind((HOST, port))
            except OSError:
                return False
    return True


async def _answers(api: ApiClient) -> bool:
    try:
        await api.get("/healthz")
    except ApiCallError:
        return False
    return True
