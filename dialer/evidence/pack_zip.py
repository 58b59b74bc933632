"""A zip archive that is handed out while it is made, with the sums of what went into it. Neither opens nor waits.

Only what was written last is in memory. Names, sizes and times of the members stand at the end, where every program
that opens archives looks for them.
"""

import hashlib
import io
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import IO, Self
from zipfile import ZIP_DEFLATED, ZIP_STORED, ZipFile, ZipInfo

SUMS = "SHA256SUMS"
_PLAIN, _RUNS = 0o644, 0o755
_REGULAR_FILE = 0o100000
_UNIX = 3


@dataclass(frozen=True, slots=True)
class Member:
    """A file of the archive. `sha256` in hex, `size` in bytes."""

    name: str
    size: int
    sha256: str


class ZipStream:
    """`with` object of one caller: begin, write …, end, and the same for the next; `close` at last.

    Each gives what of the archive is ready. Leaving without `close` gives up what was begun.
    """

    def __init__(self, made_at: datetime) -> None:
        self.members: list[Member] = []
        self._made_at = made_at.astimezone(UTC)
        self._sink = _Sink()
        self._zip = ZipFile(self._sink, "w")
        self._member: IO[bytes] | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if self._member is not None:
            self._member.close()
        self._zip.close()

    def begin(self, name: str, *, pressed: bool = True, runs: bool = False) -> None:
        """Begins a member; `pressed`: it is worth compressing; `runs`: it is a program."""
        info = ZipInfo(name, self._made_at.timetuple()[:6])
        info.compress_type = ZIP_DEFLATED if pressed else ZIP_STORED
        info.create_system = _UNIX
        info.external_attr = (_REGULAR_FILE | (_RUNS if runs else _PLAIN)) << 16
        self._name = name
        self._size = 0
        self._digest = hashlib.sha256()
        self._member = self._zip.open(info, "w", force_zip64=True)  # its size is not known before it is over

    def write(self, piece: bytes) -> bytes:
        """More of the member."""
        if self._member is None:
            raise ValueError("no member was begun")
        self._digest.update(piece)
        self._size += len(piece)
        self._member.write(piece)
        return self._sink.taken()

    def end(self) -> bytes:
        """The member is whole."""
        if self._member is None:
            raise ValueError("no member was begun")
        self._member.close()
        self._member = None
        self.members.append(Member(self._name, self._size, self._digest.hexdigest()))
        return self._sink.taken()

    def whole(self, name: str, content: bytes, *, runs: bool = False) -> bytes:
        """A member that is there already."""
        self.begin(name, runs=runs)
        return self.write(content) + self.end()

    def sums(self) -> bytes:
        """The sums of the members so far, as `sha256sum --check` reads them."""
        return "".join(f"{member.sha256}  {member.name}\n" for member in self.members).encode()

    def close(self) -> bytes:
        """The list of members, which makes it an archive."""
        self._zip.close()
        return self._sink.taken()


class _Sink(io.RawIOBase):
    """Takes what the archive writes, until it is fetched; it cannot go back."""

    def __init__(self) -> None:
        self._pieces: list[bytes] = []

    def writable(self) -> bool:
        return True

    def write(self, piece: bytes) -> int:  # type: ignore[override]  # zipfile hands over bytes alone
        self._pieces.append(bytes(piece))
        return len(piece)

    def taken(self) -> bytes:
        ready = b"".join(self._pieces)
        self._pieces.clear()
        return ready
