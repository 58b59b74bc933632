"""Offers events to an HTTP receiver: one signed POST per event, taken when the answer is 2xx."""

import hashlib
import logging
from contextlib import AsyncExitStack
from types import TracebackType
from typing import Self
from urllib.parse import urlsplit

import aiohttp

from dialer.clock import Clock
from dialer.config import WebhookConfig
from dialer.model.outcome import OutboxEvent
from dialer.outcomes.payloads import CONTENT_TYPE
from dialer.outcomes.retries import Failure, FailureKind, kind_of_status
from dialer.outcomes.signing import secret_key, sign

logger = logging.getLogger(__name__)

CONCURRENCY = 32
"""Events under way at once, each of another case; also the limit of connections to the receiver."""


def webhook_name(config: WebhookConfig) -> str:
    """The destination's stable name: its host, and a digest of the whole URL because a URL may hold a secret."""
    digest = hashlib.sha256(config.url.encode()).hexdigest()[:8]
    return f"webhook:{urlsplit(config.url).hostname or ''}:{digest}"


class Webhook:
    """One receiver. Redirects are not followed: a signed event goes to the configured host or nowhere."""

    concurrency = CONCURRENCY

    def __init__(self, config: WebhookConfig, clock: Clock) -> None:
        self.name = webhook_name(config)
        self._config = config
        self._clock = clock
        self._keys = [secret_key(secret) for secret in config.secrets]
        self._stack = AsyncExitStack()
        self._session: aiohttp.ClientSession | None = None

    async def __aenter__(self) -> Self:
        self._session = await self._stack.enter_async_context(
            aiohttp.ClientSession(
                connector=aiohttp.TCPConnector(limit=CONCURRENCY),
                timeout=aiohttp.ClientTimeout(total=self._config.timeout_s),
                cookie_jar=aiohttp.DummyCookieJar(),
            )
        )
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._session = None
        await self._stack.aclose()

    async def ready(self) -> None:
        """A webhook can always be tried."""

    async def send(self, event: OutboxEvent, body: bytes) -> Failure | None:
        """Offers one event; None when it was taken. The timeout covers connecting, sending and the answer's head."""
        if self._session is None:
            return Failure(FailureKind.TEMPORARY, "the webhook is not open")
        headers = sign(event.event_id, self._clock.utcnow(), body, self._keys) | {"Content-Type": CONTENT_TYPE}
        try:
            async with self._session.post(
                self._config.url, data=body, headers=headers, allow_redirects=False
            ) as answer:
                return _failure_of(answer)
        except TimeoutError:
            return Failure(FailureKind.TEMPORARY, f"no answer within {self._config.timeout_s:g} s")
        except (aiohttp.ClientError, OSError) as error:
            return Failure(FailureKind.TEMPORARY, f"connection failed: {type(error).__name__}")


def _failure_of(answer: aiohttp.ClientResponse) -> Failure | None:
    if 200 <= answer.status < 300:
        return None
    return Failure(kind_of_status(answer.status), f"HTTP {answer.status}", _retry_after_s(answer))


def _retry_after_s(answer: aiohttp.ClientResponse) -> float | None:
    """Retry-After in seconds (RFC 9110 §10.2.3); a date, which some send, is left to our own back-off."""
    value = answer.headers.get("Retry-After", "")
    return float(value) if value.isascii() and value.isdigit() and len(value) < 10 else None
