"""Files that callers send: received into a folder of their own, gone when the request is over."""

import asyncio
import os
import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from http import HTTPStatus
from pathlib import Path

from aiohttp import web

from dialer.api.problems import ApiError

UPLOAD_CHUNK_BYTES = 1 << 20
CHUNK_TIMEOUT_S = 60.0
"""An upload that sends nothing for this long is given up."""


def clean_uploads(folder: Path) -> None:
    """At start: removes what a kill left of uploads, which hold numbers in clear. Blocks."""
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    for path in folder.iterdir():
        path.unlink()


@asynccontextmanager
async def uploaded(request: web.Request, folder: Path, suffix: str, max_bytes: int) -> AsyncIterator[Path]:
    """The body as a file that is gone, with everything written beside it, when the block ends (ApiError 408, 413)."""
    stem = uuid.uuid4().hex
    path = folder / f"{stem}{suffix}"
    try:
        await _receive(request, path, max_bytes)
        yield path
    finally:
        await asyncio.to_thread(_remove, folder, stem)


async def _receive(request: web.Request, path: Path, max_bytes: int) -> None:
    descriptor = await asyncio.to_thread(os.open, path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    received = 0
    try:
        while True:
            async with asyncio.timeout(CHUNK_TIMEOUT_S):
                chunk = await request.content.read(UPLOAD_CHUNK_BYTES)
            if not chunk:
                return
            received += len(chunk)
            if received > max_bytes:
                raise ApiError(
                    HTTPStatus.REQUEST_ENTITY_TOO_LARGE, f"the file is larger than {max_bytes} bytes; split it"
                )
            await asyncio.to_thread(os.write, descriptor, chunk)
    except TimeoutError as error:
        raise ApiError(HTTPStatus.REQUEST_TIMEOUT, "the upload stopped half-way; send it again") from error
    finally:
        os.close(descriptor)


def _remove(folder: Path, stem: str) -> None:
    for path in folder.glob(f"{stem}*"):
        path.unlink(missing_ok=True)
