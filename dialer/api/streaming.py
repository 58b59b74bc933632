"""Answers of many pieces, sent while they are made, that nobody takes for whole when they were cut off."""

import asyncio
import logging
from collections.abc import AsyncIterator

from aiohttp import web

from dialer.api.routing import AnyCall

logger = logging.getLogger(__name__)

JSON_LINES = "application/jsonl"
WRITE_TIMEOUT_S = 60.0
"""Longest wait for a caller to take the next piece."""


async def stream_lines(call: AnyCall, pieces: AsyncIterator[bytes], what: str) -> web.StreamResponse:
    """Sends pieces of whole lines; `what` they are stands in the log.

    Once the first line has left, a failure cuts the answer short; without its end nobody takes it for whole.
    """
    response = web.StreamResponse(headers={"Content-Type": JSON_LINES})
    await stream(call, response, pieces, what)
    return response


async def stream(call: AnyCall, response: web.StreamResponse, pieces: AsyncIterator[bytes], what: str) -> bool:
    """Sends the pieces as the body of a response; False when it was cut short, by us or by who asked."""
    await response.prepare(call.request)
    facts = {"action": "stream", "subject": what}
    try:
        async for piece in pieces:
            async with asyncio.timeout(WRITE_TIMEOUT_S):
                await response.write(piece)
        await response.write_eof()
    except ConnectionError:
        logger.info("who asked for a stream has gone", extra=facts)
        return False
    except Exception:  # the edge of one request; no problem document can follow what has left already
        logger.exception("stream cut short", extra=facts)
        if call.request.transport is not None:
            call.request.transport.abort()
        return False
    return True
