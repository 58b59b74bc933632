"""How logs leave the process: one line each, JSON for machines or coloured for people; nothing private in them.

Modules log through the standard library, a constant message with facts in `extra`. Before a line is written, values of
facts that are private by their name are struck out, and whatever looks like a phone number is masked, in messages,
facts and tracebacks alike: the last net, behind the masking where values are made.
"""

import logging
import sys
from collections.abc import MutableMapping
from typing import Any, Literal, TextIO

import structlog

from dialer.redaction import mask_numbers

LogFormat = Literal["json", "console"]

STRUCK_OUT = "***"
PRIVATE_WORDS = (
    "password",
    "secret",
    "token",
    "authorization",
    "api_key",
    "number",
    "phone",
    "person_name",
    "credential",
)
"""A fact whose name holds one of these words is struck out, unless its name says that it was masked."""
_SAFE_NAMES = frozenset({"phone_id", "phone_ids", "sip_user"})

EventDict = MutableMapping[str, Any]


def set_up_logging(form: LogFormat = "console", level: str = "INFO", stream: TextIO | None = None) -> None:
    """Sends all logging of the process to `stream` (standard error) in the given form."""
    handler = logging.StreamHandler(stream or sys.stderr)
    handler.setFormatter(_formatter(form))
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level)
    for noisy in ("aiohttp.access", "alembic", "asyncio", "mqtt"):
        logging.getLogger(noisy).setLevel(max(logging.WARNING, root.level))


def _formatter(form: LogFormat) -> structlog.stdlib.ProcessorFormatter:
    shared: list[structlog.typing.Processor] = [
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.stdlib.ExtraAdder(),
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    # Masking stands behind the traceback's rendering, so that nothing gets past it, and before the line is made.
    if form == "json":
        last: list[structlog.typing.Processor] = [
            structlog.processors.format_exc_info,
            _redact,
            structlog.processors.JSONRenderer(ensure_ascii=False, default=str),
        ]
    else:
        last = [
            structlog.processors.format_exc_info,
            _redact,
            structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty()),
        ]
    remove_meta = structlog.stdlib.ProcessorFormatter.remove_processors_meta
    return structlog.stdlib.ProcessorFormatter(foreign_pre_chain=shared, processors=[remove_meta, *last])


def _redact(logger: object, method: str, event: EventDict) -> EventDict:
    for name, value in event.items():
        if name != "timestamp":
            event[name] = STRUCK_OUT if _is_private(name) else _masked(value)
    return event


def _is_private(name: str) -> bool:
    lowered = name.lower()
    if lowered in _SAFE_NAMES or "masked" in lowered:
        return False
    return any(word in lowered for word in PRIVATE_WORDS)


def _masked(value: object) -> object:
    if isinstance(value, str):
        return mask_numbers(value)
    if isinstance(value, bool | int | float) or value is None:
        return value
    if isinstance(value, dict):
        return {key: STRUCK_OUT if _is_private(str(key)) else _masked(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [_masked(inner) for inner in value]
    return mask_numbers(str(value))
