"""Reads our YAML data files with what a person needs to mend them: lines, no silent duplicates, no guessed types.

Dates stay text (the reader of a field decides), and every value's line can be asked for.
"""

import hashlib
import json
import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

Place = tuple[str | int, ...]
"""Keys and indices from the root of a document to a value."""


class DocumentError(ValueError):
    """A data file is wrong; the message names file, line and reason."""


class _Loader(yaml.SafeLoader):
    """Safe YAML, but `2026-01-30` stays text; the table of resolvers is a copy, so other users keep theirs."""

    yaml_implicit_resolvers = {  # noqa: RUF012 (as the base class declares it)
        first: [(tag, pattern) for tag, pattern in resolvers if tag != "tag:yaml.org,2002:timestamp"]
        for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
    }


@dataclass(frozen=True, slots=True)
class Document:
    """A data file: its content, the lines of its values, and the hash of its canonical form."""

    source: str
    data: Any
    lines: dict[Place, int]

    @property
    def canonical_json(self) -> str:
        """The content as one text: comments, order of keys and layout do not change it."""
        return json.dumps(self.data, sort_keys=True, separators=(",", ":"), ensure_ascii=False)

    @property
    def sha256(self) -> str:
        """SHA-256 in hex of the canonical JSON."""
        return hashlib.sha256(self.canonical_json.encode()).hexdigest()

    def line(self, place: Sequence[str | int]) -> int:
        """The line of a value, or of the nearest thing around it."""
        known = tuple(place)
        while known not in self.lines and known:
            known = known[:-1]
        return self.lines.get(known, 1)

    def error(self, place: Sequence[str | int], reason: str) -> DocumentError:
        """An error about the value at `place`, ready to raise."""
        where = ".".join(str(part) for part in place)
        return DocumentError(f"{self.source}:{self.line(place)}: {where + ': ' if where else ''}{reason}")


def read_document(path: Path, source: str = "") -> Document:
    """Reads a YAML file; `source` names it in errors (the path when empty).

    Raises:
        DocumentError: it cannot be read, is not YAML, is empty, or has a key twice.
    """
    source = source or str(path)
    try:
        text = path.read_text(encoding="utf-8")
    except OSError as error:
        raise DocumentError(f"{source}:1: cannot read the file: {error.strerror}") from error
    except ValueError as error:
        reason = "not UTF-8 text" if isinstance(error, UnicodeDecodeError) else str(error)
        raise DocumentError(f"{source}:1: cannot read the file: {reason}") from error
    return parse_document(text, source)


def parse_document(text: str, source: str) -> Document:
    """Reads YAML text; `source` names it in errors (DocumentError as in `read_document`)."""
    lines: dict[Place, int] = {}
    try:
        _refuse_aliases(text, source)
        node = yaml.compose(text, Loader=_Loader)
        if node is None:
            raise DocumentError(f"{source}:1: the file is empty")
        _walk(node, (), lines, source)
        data = yaml.load(text, Loader=_Loader)  # noqa: S506 (a safe loader of our own)
    except (yaml.YAMLError, RecursionError) as error:
        raise DocumentError(_describe(error, source)) from error
    return Document(source, data, lines)


def _refuse_aliases(text: str, source: str) -> None:
    """An alias may contain itself, and JSON has none."""
    for token in yaml.scan(text, Loader=_Loader):
        if isinstance(token, yaml.AliasToken):
            raise DocumentError(f"{source}:{token.start_mark.line + 1}: aliases (*name) are not supported here")


def _walk(node: yaml.Node, place: Place, lines: dict[Place, int], source: str) -> None:
    """Notes the line of every value below `node`; refuses repeated keys and keys that are not text."""
    line = node.start_mark.line + 1
    if place in lines:
        raise DocumentError(f"{source}:{line}: the key {place[-1]!r} stands here a second time")
    lines[place] = line
    if isinstance(node, yaml.MappingNode):
        for key, value in node.value:
            if key.tag != "tag:yaml.org,2002:str":
                raise DocumentError(f"{source}:{key.start_mark.line + 1}: a key must be plain text")
            _walk(value, (*place, key.value), lines, source)
    elif isinstance(node, yaml.SequenceNode):
        for index, value in enumerate(node.value):
            _walk(value, (*place, index), lines, source)
    else:
        _refuse_value(node, source)


def _refuse_value(node: yaml.Node, source: str) -> None:
    """A value that JSON cannot hold, or that is not what its tag says: no hash would be of it."""
    reader = yaml.constructor.SafeConstructor()
    try:
        value = reader.construct_object(node)
        str(value).encode()
    except ValueError as error:
        raise DocumentError(f"{source}:{node.start_mark.line + 1}: not a value that can be read: {error}") from error
    if isinstance(value, float) and not math.isfinite(value):
        raise DocumentError(f"{source}:{node.start_mark.line + 1}: {node.value} is not a number")


def _describe(error: Exception, source: str) -> str:
    mark = error.problem_mark if isinstance(error, yaml.MarkedYAMLError) else None
    problem = error.problem if isinstance(error, yaml.MarkedYAMLError) else str(error).partition("\n")[0]
    return f"{source}:{mark.line + 1 if mark else 1}: not valid YAML: {problem}"
