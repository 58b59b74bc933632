"""A client of our own REST API, for the command line, the robots of rehearsals, and tests."""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from types import TracebackType
from typing import Any, Self

import aiohttp
import msgspec

from dialer.errors import DialerError

TIMEOUT_S = 60.0
PIECE_BYTES = 1 << 18
"""Of a large answer, handed on at a time."""


class ApiCallError(DialerError):
    """The service refused the request; `status` is HTTP's, 0 when the service could not be reached."""

    def __init__(self, message: str, status: int = 0) -> None:
        super().__init__(message)
        self.status = status


class FieldProblem(msgspec.Struct):
    """One thing wrong with a request, as the service says it."""

    field: str
    reason: str
    fix: str = ""


class Problem(msgspec.Struct):
    """The service's refusal (RFC 9457)."""

    title: str
    detail: str = ""
    errors: list[FieldProblem] = []


class ApiClient:
    """Talks to one service as the holder of one token. Used as `async with`."""

    def __init__(self, url: str, token: str) -> None:
        self._url = url.rstrip("/")
        self._headers = {"Authorization": f"Bearer {token}"} if token else {}
        self._session: aiohttp.ClientSession | None = None

    async def __aenter__(self) -> Self:
        self._session = aiohttp.ClientSession(
            headers=self._headers, timeout=aiohttp.ClientTimeout(total=TIMEOUT_S), json_serialize=_dump
        )
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._session is not None:
            await self._session.close()

    async def get(self, path: str) -> Any:
        """The decoded answer. Raises ApiCallError."""
        return await self.send("GET", path)

    async def post(self, path: str, body: object | None = None) -> Any:
        """Sends a JSON body, when one is given. Raises ApiCallError."""
        return await self.send("POST", path, body)

    async def send(
        self, method: str, path: str, body: object | None = None, query: Mapping[str, str] | None = None
    ) -> Any:
        """Any method, with a JSON body where one is given. Raises ApiCallError."""
        return await self._call(method, path, json=body, params=query)

    async def upload(self, path: str, query: Mapping[str, str], content: Any, content_type: str) -> Any:
        """Sends a file (an open binary file, or bytes) as the body. Raises ApiCallError."""
        timeout = aiohttp.ClientTimeout(total=None, sock_read=TIMEOUT_S * 10)
        return await self._call(
            "POST", path, params=query, data=content, headers={"Content-Type": content_type}, timeout=timeout
        )

    async def download(self, path: str, query: Sequence[tuple[str, str]], take: Callable[[bytes], object]) -> None:
        """Hands a large answer to `take` in pieces, in a thread: it may write to a file. Raises ApiCallError.

        What `take` raises goes through.
        """
        if self._session is None:
            raise ApiCallError("the client is not open")
        timeout = aiohttp.ClientTimeout(total=None, sock_read=TIMEOUT_S)
        try:
            async with self._session.get(self._url + path, params=query, timeout=timeout) as response:
                if response.status >= 400:
                    raise ApiCallError(_words(await response.read(), response.status), response.status)
                async for piece in response.content.iter_chunked(PIECE_BYTES):
                    await asyncio.to_thread(take, piece)
        except TimeoutError as error:
            raise ApiCallError(f"{self._url} did not go on answering in time") from error
        except aiohttp.ClientPayloadError as error:
            raise ApiCallError(f"{self._url} broke off in mid-answer; its log says why") from error
        except BrokenPipeError:  # not the service: whoever read what `take` writes has gone
            raise
        except (aiohttp.ClientError, ConnectionError) as error:
            raise _no_answer(self._url, error) from error

    async def _call(self, method: str, path: str, **options: Any) -> Any:
        if self._session is None:
            raise ApiCallError("the client is not open")
        try:
            async with self._session.request(method, self._url + path, **options) as response:
                data = await response.read()
        except TimeoutError as error:
            raise ApiCallError(f"{self._url} did not answer in time") from error
        except (aiohttp.ClientError, OSError) as error:
            raise _no_answer(self._url, error) from error
        if response.status >= 400:
            raise ApiCallError(_words(data, response.status), response.status)
        if response.content_type == "application/json":
            return msgspec.json.decode(data)
        if data:
            raise ApiCallError(f"{self._url} answered something that is not this service's API; check the address")
        return None


def _dump(value: object) -> str:
    return msgspec.json.encode(value).decode()


def _no_answer(url: str, error: Exception) -> ApiCallError:
    return ApiCallError(f"{url} does not answer ({type(error).__name__}); is `dialer serve` running there?")


def _words(data: bytes, status: int) -> str:
    """A problem document (RFC 9457) as one line, with the way out where it names one."""
    try:
        problem = msgspec.json.decode(data, type=Problem)
    except (msgspec.MsgspecError, UnicodeDecodeError):
        return f"refused with HTTP {status}"
    fixes = dict.fromkeys(error.fix for error in problem.errors if error.fix)
    line = problem.detail or problem.title
    return f"{line} – {'; '.join(fixes)}" if fixes else line
