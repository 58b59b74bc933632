"""`dialer evidence CASE`: all that is on record of a case in one archive, which an outsider can check."""

import asyncio
import hashlib
from pathlib import Path
from typing import IO, Annotated
from urllib.parse import quote
from zipfile import BadZipFile, ZipFile

import typer

from dialer.cli.client import DEFAULT_URL, Token, Url, configured_url, need_token
from dialer.cli.output import note, say
from dialer.errors import DialerError

_KEYS = "keys/"


def evidence(
    case: Annotated[str, typer.Argument(help="The case's id, as the case system knows it.")],
    out: Annotated[Path, typer.Option("--out", "-o", help="The archive to write; it must not be there yet.")],
    url: Url = DEFAULT_URL,
    token: Token = "",
) -> None:
    """Writes the evidence pack of a case: recordings, calls, proofs, and how to check them with public tools alone.

    Recordings in it are no longer sealed: keep it as you keep them. Making one is in the audit log.
    """
    part = out.with_name(f".{out.name}.part")
    try:
        with out.open("xb"):  # taken now, so that nothing is fetched in vain
            pass
    except OSError as error:
        raise DialerError(f"{out}: cannot write it: {error.strerror}; nothing was asked for") from error
    try:
        with part.open("wb") as file:
            asyncio.run(_fetch(url or configured_url(), need_token(token), case, file))
        keys = _keys_of(part)
        part.replace(out)
    except BaseException:
        part.unlink(missing_ok=True)
        out.unlink(missing_ok=True)
        raise
    say(f"{_sha256(out)}  {out}")
    note("unpack it and run check.sh in it; CHECK.md there says what is checked. Tell whoever gets it, by another way:")
    for key_id in keys:
        note(f"  the key that signed its ledger: --key {key_id}")


async def _fetch(url: str, token: str, case: str, file: IO[bytes]) -> None:
    from dialer.api.client import ApiClient

    async with ApiClient(url, token) as client:
        await client.download(f"/v1/cases/{quote(case, safe='')}/evidence", (), file.write)


def _keys_of(path: Path) -> list[str]:
    """The keys that signed, once every member was read and found whole."""
    try:
        with ZipFile(path) as archive:
            damaged = archive.testzip()
            names = archive.namelist()
    except (BadZipFile, OSError, EOFError) as error:
        raise DialerError(f"{path}: what the service sent is not an archive: {error}") from error
    if damaged is not None:
        raise DialerError(f"{path}: {damaged} was damaged on the way; ask again")
    return [name.removeprefix(_KEYS).removesuffix(".pem") for name in names if name.startswith(_KEYS)]


def _sha256(path: Path) -> str:
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()
