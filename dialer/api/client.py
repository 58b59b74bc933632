"""A client of our own REST API, for the command line, the robots of rehearsals, and tests."""

from collections.abc import Mapping
from types import TracebackType
from typing import Any, Self

import aiohttp
import msgspec

from dialer.errors import DialerError

TIMEOUT_S = 60.0


class ApiCallError(DialerError):
    """The service refused the request; `status` is HTTP's, 0 when the service could not be reached."""

    def __init__(self, message: str, status: int = 0) -> None:
        super().__init__(message)
        self.status = status


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

    async def get(self, path: str, query: Mapping[str, str] | None = None) -> Any:
        """The decoded answer. Raises ApiCallError."""
        return await self._call("GET", path, params=query)

    async def post(self, path: str, body: object | None = None) -> Any:
        """Sends a JSON body, when one is given. Raises ApiCallError."""
        return await self._call("POST", path, json=body)

    async def send(self, method: str, path: str, body: object | None = None) -> Any:
        """Any other method with a JSON body. Raises ApiCallError."""
        return await self._call(method, path, json=body)

    async def upload(self, path: str, query: Mapping[str, str], content: Any, content_type: str) -> Any:
        """Sends a file (an open binary file, or bytes) as the body. Raises ApiCallError."""
        timeout = aiohttp.ClientTimeout(total=None, sock_read=TIMEOUT_S * 10)
        return await self._call(
            "POST", path, params=query, data=content, headers={"Content-Type": content_type}, timeout=timeout
        )

    async def _call(self, method: str, path: str, **options: Any) -> Any:
        if self._session is None:
            raise ApiCallError("the client is not open")
        try:
            async with self._session.request(method, self._url + path, **options) as response:
                data = await response.read()
        except (aiohttp.ClientError, TimeoutError) as error:
            raise ApiCallError(f"{self._url} cannot be reached: {error or type(error).__name__}") from error
        if response.status >= 400:
            raise ApiCallError(_words(data, response.status), response.status)
        is_json = response.content_type == "application/json"
        return msgspec.json.decode(data) if is_json and data else data


def _dump(value: object) -> str:
    return msgspec.json.encode(value).decode()


def _words(data: bytes, status: int) -> str:
    """A problem document (RFC 9457) as one line."""
    try:
        problem = msgspec.json.decode(data)
        line = str(problem.get("detail") or problem.get("title"))
        details = "; ".join(f"{item['field']}: {item['reason']}" for item in problem.get("errors", ()))
    except (msgspec.MsgspecError, AttributeError, KeyError, TypeError):
        return f"HTTP {status}"
    return f"{line} ({details})" if details else line
