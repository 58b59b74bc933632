"""SIP messages for the log: numbers masked, credentials gone."""

import re

from dialer.sip.lexical import decode, readable

_SECRET = re.compile(r"^((?:proxy-)?authorization|identity)[ \t]*:.*$", re.IGNORECASE | re.MULTILINE)
_CRYPTO = re.compile(r"^a=crypto:.*$", re.MULTILINE)
_NUMBER = re.compile(r"(?<![\d.\w-])\+?\d{5,}(?=@|;|>|\")")
_DISPLAY_NAME = re.compile(r'"[^"\r\n]*"(?=\s*<)')
MAX_LOGGED_CHARS = 4000


def masked(data: bytes) -> str:
    """The text of a message as a log may hold it."""
    text = readable(decode(data[:MAX_LOGGED_CHARS]))
    text = _SECRET.sub(r"\1: ***", text)
    text = _CRYPTO.sub("a=crypto:***", text)
    text = _DISPLAY_NAME.sub('"***"', text)
    return _NUMBER.sub(lambda match: _mask(match[0]), text)


def _mask(number: str) -> str:
    return f"{'*' * (len(number) - 4)}{number[-4:]}" if len(number) > 7 else "*" * len(number)
