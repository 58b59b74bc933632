"""The pages of supervisors, collectors and QA: files that `make` built, sent from memory; nothing comes from elsewhere.

They hold nothing about anyone, so they need no log-in themselves; what they show they ask the API for. Every path below
an area answers with the same page, whose script knows the rest. Files under /assets carry a hash in their names and may
be kept for good; the page itself is asked for anew and gets a fresh nonce each time, for the styles that a component
writes itself (Content Security Policy Level 3, §6.7.2.2).
"""

import gzip
import logging
import mimetypes
import secrets
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from aiohttp import web

logger = logging.getLogger(__name__)

FOLDER = Path(__file__).parent / "pages"
AREAS = ("login", "collector", "supervisor", "qa", "admin")
"""The first parts of the page's own paths, as `web/src/router.ts` has them."""

_NONCE = b"__NONCE__"
_NONCE_BYTES = 16
_KEPT_FOR_GOOD = "public, max-age=31536000, immutable"
_COMPRESSED = frozenset({"text/html", "text/css", "text/javascript", "image/svg+xml"})
_NOT_BUILT = b"The pages were not built. Run `make` in the source tree, or install a released package.\n"

Handler = Callable[[web.Request], Awaitable[web.Response]]


def content_security_policy(nonce: str) -> str:
    """No script, style, picture or connection of others; no inline script at all."""
    return (
        "default-src 'none'; script-src 'self'; "
        f"style-src 'self' 'nonce-{nonce}'; img-src 'self' data: blob:; font-src 'self'; media-src 'self' blob:; "
        "connect-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
    )


@dataclass(frozen=True, slots=True)
class _File:
    body: bytes
    media: str
    packed: bytes | None

    @classmethod
    def read(cls, path: Path) -> "_File":
        body, media = path.read_bytes(), mimetypes.guess_type(path.name)[0] or "application/octet-stream"
        return cls(body, media, gzip.compress(body, mtime=0) if media in _COMPRESSED else None)


def add_site(app: web.Application) -> None:
    """Serves the pages; where they were not built it says so at every one of their paths."""
    built = _built()
    if "index.html" not in built:
        logger.warning("the pages were not built", extra={"action": "pages"})
    page = _page(built["index.html"].body) if "index.html" in built else _not_built
    app.router.add_get("/", page)
    for area in AREAS:
        app.router.add_get(f"/{area}", page)
        app.router.add_get(f"/{area}/{{rest:.*}}", page)
    for name, file in built.items():
        if name != "index.html":
            app.router.add_get(f"/{name}", _asset(file, is_hashed=name.startswith("assets/")))


@cache
def _built() -> dict[str, _File]:
    """Every file of the pages by its path below the folder; read once in a process."""
    files = sorted(path for path in FOLDER.rglob("*") if path.is_file())
    return {path.relative_to(FOLDER).as_posix(): _File.read(path) for path in files}


def _page(body: bytes) -> Handler:
    async def send(request: web.Request) -> web.Response:
        nonce = secrets.token_urlsafe(_NONCE_BYTES)
        headers = {"Content-Security-Policy": content_security_policy(nonce), "Cache-Control": "no-cache"}
        text = body.replace(_NONCE, nonce.encode())
        return web.Response(body=text, content_type="text/html", charset="utf-8", headers=headers)

    return send


def _asset(file: _File, *, is_hashed: bool) -> Handler:
    async def send(request: web.Request) -> web.Response:
        headers = {"Cache-Control": _KEPT_FOR_GOOD if is_hashed else "no-cache", "Vary": "Accept-Encoding"}
        charset = "utf-8" if file.packed is not None else None
        if file.packed is not None and "gzip" in request.headers.get("Accept-Encoding", ""):
            headers["Content-Encoding"] = "gzip"
            return web.Response(body=file.packed, content_type=file.media, charset=charset, headers=headers)
        return web.Response(body=file.body, content_type=file.media, charset=charset, headers=headers)

    return send


async def _not_built(_: web.Request) -> web.Response:
    return web.Response(status=503, body=_NOT_BUILT, content_type="text/plain", charset="utf-8")
