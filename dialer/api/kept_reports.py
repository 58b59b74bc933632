"""Reports of broken rows, kept for a while to be fetched: the last ones, gone with the next start."""

import re
import secrets
from pathlib import Path

REPORTS_KEPT = 20
_NAME = re.compile(r"[0-9a-f]{32}")


class KeptReports:
    """Files of a folder, named by what cannot be guessed. Everything here blocks."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._names: list[str] = []

    def keep(self, report: Path) -> str:
        """Takes a file over; returns the name under which it can be fetched."""
        name = secrets.token_hex(16)
        report.rename(self._path(name))
        self._names.append(name)
        while len(self._names) > REPORTS_KEPT:
            self._path(self._names.pop(0)).unlink(missing_ok=True)
        return name

    def read(self, name: str) -> bytes | None:
        """What is in a report; None: there is none of that name any more."""
        if _NAME.fullmatch(name) is None or name not in self._names:
            return None
        try:
            return self._path(name).read_bytes()
        except FileNotFoundError:
            return None

    def _path(self, name: str) -> Path:
        return self._folder / f"report-{name}.csv"
