"""A call that cannot be recorded is not made: watches the free space where recordings are spooled."""

import asyncio
import shutil
from pathlib import Path

MB = 1_000_000
REFRESH_S = 2.0


class SpoolGuard:
    """`obstacle` is "" while there is room; `refresh` is called often and looks seldom."""

    def __init__(self, spool_dir: Path, min_free_mb: int) -> None:
        self._spool_dir = spool_dir
        self._min_free_mb = min_free_mb
        self._looked_at: float | None = None
        self.obstacle = ""

    async def refresh(self) -> None:
        """Looks at the disk when the last look is old."""
        now = asyncio.get_running_loop().time()
        if self._looked_at is not None and now - self._looked_at < REFRESH_S:
            return
        self._looked_at = now
        try:
            free_mb = (await asyncio.to_thread(shutil.disk_usage, self._spool_dir)).free // MB
        except OSError as error:
            self.obstacle = f"the spool directory cannot be read: {error.strerror}"
            return
        short = free_mb < self._min_free_mb
        self.obstacle = (
            f"only {free_mb} MB are free for recordings, {self._min_free_mb} are needed (media.spool_min_free_mb)"
            if short
            else ""
        )
