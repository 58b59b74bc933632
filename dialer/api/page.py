"""The status page: three small files, sent from memory, with nothing loaded from anywhere else."""

from collections.abc import Awaitable, Callable
from importlib import resources

from aiohttp import web

_FOLDER = resources.files(__package__).joinpath("static")
_FILES = {
    path: (_FOLDER.joinpath(name).read_bytes(), media)
    for path, name, media in (
        ("/", "status.html", "text/html"),
        ("/static/status.css", "status.css", "text/css"),
        ("/static/status.js", "status.js", "text/javascript"),
    )
}

CONTENT_SECURITY_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)


def add_page(app: web.Application) -> None:
    """Serves the page; it holds nothing about anyone, so it needs no token itself."""
    for path, (body, media) in _FILES.items():
        app.router.add_get(path, _handler(body, media))


def _handler(body: bytes, media: str) -> Callable[[web.Request], Awaitable[web.Response]]:
    async def send(request: web.Request) -> web.Response:
        headers = {"Content-Security-Policy": CONTENT_SECURITY_POLICY, "Cache-Control": "no-cache"}
        return web.Response(body=body, content_type=media, charset="utf-8", headers=headers)

    return send
