"""The headers of one message: ordered, several of a name, names in any case or compact form."""

import re
from collections.abc import Iterable, Iterator, Sequence

from dialer.errors import LocalProtocolError
from dialer.sip.lexical import is_token

_KNOWN_NAMES = (
    "Accept",
    "Accept-Contact",
    "Accept-Encoding",
    "Alert-Info",
    "Allow",
    "Allow-Events",
    "Authentication-Info",
    "Authorization",
    "CSeq",
    "Call-ID",
    "Call-Info",
    "Contact",
    "Content-Disposition",
    "Content-Encoding",
    "Content-Length",
    "Content-Type",
    "Date",
    "Diversion",
    "Event",
    "Expires",
    "From",
    "Identity",
    "Max-Forwards",
    "Min-Expires",
    "Min-SE",
    "P-Asserted-Identity",
    "Path",
    "Privacy",
    "Proxy-Authenticate",
    "Proxy-Authorization",
    "Proxy-Require",
    "RAck",
    "RSeq",
    "Reason",
    "Record-Route",
    "Refer-To",
    "Referred-By",
    "Reject-Contact",
    "Replaces",
    "Request-Disposition",
    "Require",
    "Retry-After",
    "Route",
    "Server",
    "Service-Route",
    "Session-Expires",
    "Subject",
    "Supported",
    "To",
    "Unsupported",
    "User-Agent",
    "Via",
    "WWW-Authenticate",
    "Warning",
)
COMPACT_FORMS = {  # RFC 3261 §20 and the IANA registry of SIP header fields
    "a": "Accept-Contact",
    "b": "Referred-By",
    "c": "Content-Type",
    "d": "Request-Disposition",
    "e": "Content-Encoding",
    "f": "From",
    "i": "Call-ID",
    "j": "Reject-Contact",
    "k": "Supported",
    "l": "Content-Length",
    "m": "Contact",
    "o": "Event",
    "r": "Refer-To",
    "s": "Subject",
    "t": "To",
    "u": "Allow-Events",
    "v": "Via",
    "x": "Session-Expires",
    "y": "Identity",
}
_FILED = {  # as spelled → (key, name to write); other spellings are looked up in lower case
    **{spelled: (name.lower(), name) for name in _KNOWN_NAMES for spelled in (name, name.lower())},
    **{spelled: (name.lower(), name) for short, name in COMPACT_FORMS.items() for spelled in (short, short.upper())},
}
_LINE_BREAK = re.compile(r"[\r\n]")


def header_key(name: str) -> str:
    """The key under which a header is filed: lower case, compact forms spelled out."""
    return (_FILED.get(name) or _file_unusual(name))[0]


class Headers:
    """An ordered multi-map of header values.

    A change forgets the typed values that messages cache here, so `message.via` is never stale.
    """

    __slots__ = ("_fields", "_index", "typed")

    def __init__(self, fields: Iterable[tuple[str, str]] = ()) -> None:
        self._fields: list[tuple[str, str]] = []
        self._index: dict[str, list[str]] = {}
        self.typed: dict[str, object] = {}
        for name, value in fields:
            self.add(name, value)

    @classmethod
    def from_lines(cls, lines: Iterable[str]) -> "Headers":
        """What a parser has read: unfolded lines. Those without a colon, or whose name is no token, are passed over."""
        headers = cls()
        fields, index = headers._fields, headers._index
        for line in lines:
            name, separator, value = line.partition(":")
            filed = _FILED.get(name)
            if filed is None:
                name = name.rstrip(" \t")
                if not is_token(name):
                    continue
                filed = _file_unusual(name)
            if not separator:
                continue
            key, name = filed
            value = value.strip(" \t")
            fields.append((name, value))
            if key in index:
                index[key].append(value)
            else:
                index[key] = [value]
        return headers

    def _append(self, name: str, value: str) -> None:
        key, name = _FILED.get(name) or _file_unusual(name)
        self._fields.append((name, value))
        self._index.setdefault(key, []).append(value)

    def add(self, name: str, value: str) -> None:
        """Appends a header. Raises LocalProtocolError for a bad name or a line break in the value."""
        _check(name, value)
        self.typed.clear()
        self._append(name, value)

    def add_first(self, name: str, value: str) -> None:
        """Puts a header before all others (a new top Via). Raises LocalProtocolError as `add` does."""
        _check(name, value)
        self._rebuild([(name, value), *self._fields])

    def set(self, name: str, value: str) -> None:
        """Replaces every value of a header by one, where the first stood or at the end."""
        _check(name, value)
        key = header_key(name)
        if key not in self._index:
            self.add(name, value)
            return
        kept: list[tuple[str, str]] = []
        placed = False
        for old_name, old_value in self._fields:
            if header_key(old_name) != key:
                kept.append((old_name, old_value))
            elif not placed:
                kept.append((name, value))
                placed = True
        self._rebuild(kept)

    def replace_first(self, name: str, value: str) -> None:
        """Replaces the first line of a header (a top Via gains `received`), keeps the others. KeyError when absent."""
        _check(name, value)
        key = header_key(name)
        if key not in self._index:
            raise KeyError(name)
        position = next(i for i, (old_name, _) in enumerate(self._fields) if header_key(old_name) == key)
        self._rebuild([*self._fields[:position], (name, value), *self._fields[position + 1 :]])

    def remove(self, name: str) -> list[str]:
        """Removes every line of a header and returns their values; empty when there was none."""
        key = header_key(name)
        values = self._index.pop(key, [])
        if values:
            self.typed.clear()
            self._fields = [field for field in self._fields if header_key(field[0]) != key]
        return values

    def _rebuild(self, fields: list[tuple[str, str]]) -> None:
        self.typed.clear()
        self._fields = []
        self._index = {}
        for name, value in fields:
            self._append(name, value)

    def get(self, name: str) -> str | None:
        """The first value, as received; None when there is none."""
        values = self._index.get(header_key(name))
        return values[0] if values else None

    def get_all(self, name: str) -> list[str]:
        """Every header line of that name, in order; a line may hold a comma list."""
        return list(self._index.get(header_key(name), ()))

    def filed(self, key: str) -> Sequence[str]:
        """The header lines filed under a key (`header_key`); a view for reading."""
        return self._index.get(key, ())

    def copy(self) -> "Headers":
        """An independent copy."""
        twin = Headers()
        twin._fields = self._fields.copy()
        twin._index = {key: values.copy() for key, values in self._index.items()}
        return twin

    def __contains__(self, name: str) -> bool:
        return header_key(name) in self._index

    def __iter__(self) -> Iterator[tuple[str, str]]:
        return iter(self._fields)

    def __len__(self) -> int:
        return len(self._fields)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Headers):
            return NotImplemented
        return _comparable(self) == _comparable(other)

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        return f"Headers({self._fields!r})"


def _file_unusual(name: str) -> tuple[str, str]:
    key = name.lower()
    return _FILED.get(key) or (key, name)


def _comparable(headers: Headers) -> list[tuple[str, str]]:
    return [(header_key(name), value) for name, value in headers]


def _check(name: str, value: str) -> None:
    if not is_token(name):
        raise LocalProtocolError(f"not a header name: {name!r}")
    if _LINE_BREAK.search(value):
        raise LocalProtocolError(f"line break in the value of {name}")
