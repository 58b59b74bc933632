"""The small words of the SIP grammar: tokens, quoted strings, comma lists, `;name=value` parameters.

Read leniently (white space anywhere the grammar allows some, parameter names in any case), written exactly. Text is
UTF-8 with `surrogateescape`: bytes that are not UTF-8 (GBK or Latin-1 display names) survive a round trip unchanged,
and `readable` makes them safe for logs and databases.
"""

import re

from dialer.sip.errors import ParseError

Params = tuple[tuple[str, str | None], ...]
"""Parameters in order; names in lower case, values as on the wire (quotes kept), None where there is no `=`."""

MAX_ELEMENTS = 256
"""Of one list and of one run of parameters: a message must not cost more than it is worth."""

TOKEN = re.compile(r"[-A-Za-z0-9.!%*_+`'~]+")  # RFC 3261 §25.1
_SPECIAL_IN_LIST = re.compile(r'[",<]')
_SPECIAL_IN_PARAMS = re.compile(r'[";]')
_QUOTED = re.compile(r'"((?:[^"\\]|\\.)*)"', re.DOTALL)
_ESCAPED = re.compile(r"\\(.)", re.DOTALL)
_TO_ESCAPE = re.compile(r'(["\\])')


def decode(data: bytes) -> str:
    """Network bytes as text, losslessly."""
    return data.decode("utf-8", "surrogateescape")


def encode(text: str) -> bytes:
    """The inverse of `decode`."""
    return text.encode("utf-8", "surrogateescape")


def readable(text: str) -> str:
    """Text safe to log and store: bytes that were not UTF-8 become U+FFFD."""
    return encode(text).decode("utf-8", "replace")


def is_token(text: str) -> bool:
    """True when the text is one `token` of RFC 3261 §25.1."""
    return TOKEN.fullmatch(text) is not None


def quote(text: str) -> str:
    """Text as a quoted-string."""
    return '"' + _TO_ESCAPE.sub(r"\\\1", text) + '"'


def unquote(text: str) -> str:
    """The content of a quoted-string; anything else comes back as it is."""
    if len(text) >= 2 and text[0] == '"' and text[-1] == '"':
        inner = text[1:-1]
        return _ESCAPED.sub(r"\1", inner) if "\\" in inner else inner
    return text


def skip_quoted(text: str, start: int) -> int:
    """The index after the quoted-string that opens at `start`. Raises ParseError when it never closes."""
    match = _QUOTED.match(text, start)
    if match is None:
        raise ParseError("unbalanced quote")
    return match.end()


def split_list(text: str) -> list[str]:
    """The elements of a comma list, trimmed, empty ones left out; commas in quotes and `<>` do not separate.

    Raises:
        ParseError: a quote or `<` that does not close, or more than `MAX_ELEMENTS`.
    """
    if "," not in text:
        stripped = text.strip()
        return [stripped] if stripped else []
    parts = []
    start = position = 0
    while (special := _SPECIAL_IN_LIST.search(text, position)) is not None:
        position = special.start()
        if text[position] == '"':
            position = skip_quoted(text, position)
        elif text[position] == "<":
            position = _closing_bracket(text, position) + 1
        else:
            parts.append(text[start:position].strip())
            start = position = position + 1
            if len(parts) >= MAX_ELEMENTS:
                raise ParseError("too many elements")
    parts.append(text[start:].strip())
    return [part for part in parts if part]


def _closing_bracket(text: str, start: int) -> int:
    end = text.find(">", start)
    if end < 0:
        raise ParseError("'<' without '>'")
    return end


def parse_params(text: str) -> Params:
    """Parameters from `a=1;b;c="x;y"` (a leading `;` is fine).

    Raises:
        ParseError: a parameter without a name, an unbalanced quote, or more than `MAX_ELEMENTS`.
    """
    if text.count(";") > MAX_ELEMENTS:
        raise ParseError("too many parameters")
    params = []
    for piece in text.split(";") if '"' not in text else _split_quoted_params(text):
        name, separator, value = piece.partition("=")
        name = name.strip().lower()
        if name:
            params.append((name, value.strip() if separator else None))
        elif separator:
            raise ParseError("parameter without a name")
    return tuple(params)


def _split_quoted_params(text: str) -> list[str]:
    parts = []
    start = position = 0
    while (special := _SPECIAL_IN_PARAMS.search(text, position)) is not None:
        position = special.start()
        if text[position] == '"':
            position = skip_quoted(text, position)
            continue
        parts.append(text[start:position])
        start = position = position + 1
    parts.append(text[start:])
    return parts


def find_param(params: Params, name: str) -> str | None:
    """The value of a parameter, unquoted: "" when it stands without a value, None when absent. `name` in lower case."""
    for key, value in params:
        if key == name:
            return unquote(value) if value is not None else ""
    return None


def format_params(params: Params) -> str:
    """`;a=1;b` as on the wire; "" for none."""
    if not params:
        return ""
    return "".join(f";{name}={value}" if value is not None else f";{name}" for name, value in params)


def with_param(params: Params, name: str, value: str | None) -> Params:
    """The same parameters with one replaced in place, or added at the end."""
    if any(key == name for key, _ in params):
        return tuple((key, value if key == name else old) for key, old in params)
    return (*params, (name, value))


def parse_uint(text: str, limit: int = 2**32 - 1) -> int | None:
    """A plain decimal number up to `limit`; None for anything else."""
    text = text.strip()
    if not text.isascii() or not text.isdigit() or len(text) > 20:
        return None
    number = int(text)
    return number if number <= limit else None
