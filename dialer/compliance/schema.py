"""The JSON Schemas of packs and overrides, and what they find in words with file and line."""

import json
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

from jsonschema import Draft202012Validator, TypeChecker
from jsonschema.exceptions import ValidationError, best_match
from jsonschema.validators import extend

from dialer.compliance.reading import KINDS, Fail
from schedules.documents import Document

PACKS = Path(__file__).parent / "packs"
PACK_SCHEMA = PACKS / "pack.schema.json"
OVERRIDE_SCHEMA = PACKS / "override.schema.json"
LONGEST_WORDS = 300
"""Characters of a complaint."""


def _is_integer(_: TypeChecker, value: object) -> bool:
    """JSON Schema takes 6.0 for an integer; whoever counts with it does not."""
    return isinstance(value, int) and not isinstance(value, bool)


_TYPES = Draft202012Validator.TYPE_CHECKER.redefine("integer", _is_integer)
_Validator: type[Draft202012Validator] = extend(  # type: ignore[no-untyped-call]  # the library has no types here
    Draft202012Validator, type_checker=_TYPES
)


def check_pack(document: Document) -> None:
    """Raises DocumentError when the document is not a pack by its schema."""
    if not isinstance(document.data, dict):
        raise document.error((), "a pack is a mapping of keys")  # of what else it is nothing is repeated
    rules = document.data.get("rules")
    for index, rule in enumerate(rules if isinstance(rules, list) else ()):
        if isinstance(rule, dict) and "kind" in rule and rule["kind"] not in KINDS:
            reason = f"unknown rule kind {rule['kind']!r}; known are {', '.join(KINDS)}"
            raise document.error(("rules", index, "kind"), reason)
    _check(_validator(PACK_SCHEMA), document.data, document.error)


def check_override(document: Document) -> None:
    """Raises DocumentError when the document is not an override by its schema."""
    if not isinstance(document.data, dict):
        raise document.error((), "an override is a mapping of keys")
    _check(_validator(OVERRIDE_SCHEMA), document.data, document.error)


def check_rule(data: Mapping[str, Any], fail: Fail) -> None:
    """Raises what `fail` makes when the data are not a rule by the schema of packs."""
    _check(_rule_validator(), data, fail)


def _check(validator: Draft202012Validator, data: Any, fail: Fail) -> None:
    problem = best_match(validator.iter_errors(data), key=_telling)
    if problem is not None:
        raise fail(tuple(problem.absolute_path), _in_words(problem))


@cache
def _validator(path: Path) -> Draft202012Validator:
    return _Validator(json.loads(path.read_text(encoding="utf-8")))


@cache
def _rule_validator() -> Draft202012Validator:
    schema = _validator(PACK_SCHEMA).schema
    assert isinstance(schema, dict)  # noqa: S101 (the schema is ours)
    return _Validator({"$ref": "#/$defs/rule", "$defs": schema["$defs"]})


def _telling(error: ValidationError) -> tuple[int, bool]:
    """The deepest problem tells most; an unknown key more than the known one it was meant to be."""
    return len(error.absolute_path), error.validator == "additionalProperties"


def _in_words(problem: ValidationError) -> str:
    described = problem.schema.get("description") if isinstance(problem.schema, dict) else None
    match problem.validator:
        case "pattern" if described:
            return f"{problem.instance!r} is not {described}"
        case "minProperties" | "maxProperties" if described:
            return f"exactly one is needed here: {described}"
    return shortened(problem.message)


def shortened(words: str) -> str:
    """Whole values stand in the words; a long one hides what is wrong with it."""
    return words if len(words) <= LONGEST_WORDS else f"{words[: LONGEST_WORDS // 2]} … {words[-LONGEST_WORDS // 2 :]}"
