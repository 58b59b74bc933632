"""The policy tests run under, and the house's own number that it lets them show."""

from collections.abc import Sequence
from functools import cache
from pathlib import Path

from dialer.compliance.packs import load_policy
from dialer.compliance.policy import Policy
from dialer.compliance.registry import RegisteredNumber, Registry
from dialer.config import CallerIdConfig

HOUSE_NUMBER = "+8640012345678"
"""Registered for collection, of the house itself."""
REGISTRY = Registry((RegisteredNumber(HOUSE_NUMBER, ("collection",)),))

LENIENT = """
pack: lenient
title: Calls to anybody who did not object
status: draft, needs counsel
source: for a test
jurisdiction: CN
valid_from: 2020-01-01
zone: Asia/Shanghai
rules:
  - {id: lenient.do-not-call, kind: do_not_call, source: for a test}
  - {id: lenient.case, kind: case_open, source: for a test}
"""


def write_lenient_pack(folder: Path) -> Path:
    """A pack that keeps back only who objected and whose case is stopped. Blocks."""
    path = folder / "lenient.yaml"
    path.write_text(LENIENT, encoding="utf-8")
    return path


@cache
def bank_policy() -> Policy:
    """The shipped pack for a bank's cards. Reads files: load it outside the event loop, or before."""
    return load_policy(("cn-bank-card",), (), REGISTRY)


def registered(*more: str) -> tuple[CallerIdConfig, ...]:
    """The house's number, and more, as a configuration registers them."""
    return tuple(CallerIdConfig(number=number) for number in (HOUSE_NUMBER, *more))


def registered_tables(*more: str) -> Sequence[dict[str, object]]:
    """The same as tables of a configuration file."""
    return [{"number": number, "purposes": ["collection"]} for number in (HOUSE_NUMBER, *more)]
