"""A time-stamping authority as OpenSSL has one, behind a small HTTP server on loopback."""

import asyncio
import subprocess
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory

from aiohttp import web
from aiohttp.test_utils import TestServer

CONFIG = """
[ca]
subjectKeyIdentifier = hash
basicConstraints = critical, CA:true
keyUsage = critical, keyCertSign
[signer]
subjectKeyIdentifier = hash
basicConstraints = critical, CA:false
keyUsage = critical, digitalSignature
extendedKeyUsage = critical, timeStamping
[tsa]
default_tsa = one
[one]
serial = {folder}/serial
signer_digest = sha256
default_policy = 1.3.6.1.4.1.32473.1
digests = sha256
accuracy = secs:1
ess_cert_id_alg = sha256
"""
# 1.3.6.1.4.1.32473 is the enterprise number for examples (RFC 5612).


@dataclass
class Authority:
    """One authority: `certificate` is its root's, to be trusted; `answers` can be made to fail."""

    folder: Path
    name: str = "tsa"
    url: str = ""
    asked: int = 0
    status: int = 200
    body: bytes | None = field(default=None, repr=False)

    @property
    def certificate(self) -> Path:
        """The root of the authority, PEM."""
        return self.folder / "ca.pem"

    def make(self) -> None:
        """A root, and under it the certificate that stamps. Blocks."""
        self.folder.mkdir(parents=True, exist_ok=True)
        (self.folder / "tsa.cnf").write_text(CONFIG.format(folder=self.folder), encoding="utf-8")
        (self.folder / "serial").write_text("01\n", encoding="ascii")
        new = ("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "30")
        self._openssl(
            *new, "-keyout", "ca.key", "-out", "ca.pem", "-subj", f"/CN={self.name} root", "-extensions", "ca"
        )
        signer = ("-keyout", "tsa.key", "-out", "tsa.pem", "-subj", f"/CN={self.name}", "-extensions", "signer")
        self._openssl(*new, *signer, "-CA", "ca.pem", "-CAkey", "ca.key")

    def stamp(self, query: bytes) -> bytes:
        """The answer to a request. Blocks."""
        with TemporaryDirectory(dir=self.folder) as folder:
            asked, answered = Path(folder, "query.tsq"), Path(folder, "answer.tsr")
            asked.write_bytes(query)
            signed_by = ("-signer", "tsa.pem", "-inkey", "tsa.key", "-chain", "ca.pem")
            reply = ("ts", "-reply", "-queryfile", str(asked), "-out", str(answered), *signed_by)
            self._openssl(*reply, "-config", "tsa.cnf", "-section", "one", config=False)
            return answered.read_bytes()

    async def answer(self, request: web.Request) -> web.Response:
        """RFC 3161 §3.4."""
        assert request.content_type == "application/timestamp-query"
        self.asked += 1
        query = await request.read()
        body = await asyncio.to_thread(self.stamp, query) if self.body is None else self.body
        return web.Response(status=self.status, body=body, content_type="application/timestamp-reply")

    def _openssl(self, *words: str, config: bool = True) -> None:
        more = ("-config", "tsa.cnf") if config else ()
        subprocess.run(["openssl", *words, *more], cwd=self.folder, check=True, capture_output=True, timeout=30)


@asynccontextmanager
async def open_authority(folder: Path, name: str = "tsa") -> AsyncIterator[Authority]:
    """A running authority."""
    authority = Authority(folder, name)
    await asyncio.to_thread(authority.make)
    app = web.Application()
    app.router.add_post("/tsa", authority.answer)
    async with TestServer(app, host="127.0.0.1") as server:
        authority.url = str(server.make_url("/tsa"))
        yield authority
