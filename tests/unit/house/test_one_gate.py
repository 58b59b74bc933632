"""There is one way to an INVITE towards a trunk, and it leads through one reservation.

Read from the syntax trees of the whole package, so that a second way cannot come in unnoticed.
"""

import ast
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

import dialer

PACKAGE = Path(dialer.__file__).parent
FAR_SIDE = "simulator/"
"""The simulated carrier is the other end of the wire: it has an endpoint of its own and no trunks."""

METHODS = {
    "invite": {"agents/phone.py": 1, "calls/trunk_call.py": 1, "sip/endpoint.py": 1},  # the endpoint asks its core
    "invite_request": {"calls/trunk_call.py": 1},
    "send_invite": {"calls/runner.py": 1},
    "reserve": {"calls/placing.py": 1},
}
"""A method → the only places that use it."""
CLASSES = {
    "InviteRequest": {"agents/phone.py": 1, "sip/trunks.py": 1},
    "OutgoingInvite": {"sip/user_agent.py": 1},
    "TrunkLease": {"sip/trunks.py": 1},
    "TrunkCall": {"calls/runner.py": 1},
    "AttemptRunner": {"calls/floor.py": 1},
    "Placed": {"calls/placing.py": 1},
}
"""A class → the only places that make one."""


@cache
def trees() -> dict[str, ast.Module]:
    paths = {path.relative_to(PACKAGE).as_posix(): path for path in sorted(PACKAGE.rglob("*.py"))}
    return {name: ast.parse(path.read_text("utf-8")) for name, path in paths.items() if not name.startswith(FAR_SIDE)}


def uses(tree: ast.Module, name: str) -> Iterator[ast.Attribute]:
    """Where a method of that name is called or handed on; a session's own request `self.invite` is data, not a call."""
    called = {id(node.func) for node in ast.walk(tree) if isinstance(node, ast.Call)}
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute) and node.attr == name:
            is_data = isinstance(node.value, ast.Name | ast.Attribute) and id(node) not in called
            if not (is_data and _is_session(node.value)):
                yield node


def _is_session(owner: ast.expr) -> bool:
    name = owner.id if isinstance(owner, ast.Name) else getattr(owner, "attr", "")
    return name in ("self", "session")


def made(tree: ast.Module, name: str) -> Iterator[ast.Call]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and getattr(node.func, "id", getattr(node.func, "attr", "")) == name:
            yield node


@pytest.mark.parametrize(("name", "allowed"), METHODS.items())
def test_only_the_known_places_use(name: str, allowed: dict[str, int]) -> None:
    found = {module: sum(1 for _ in uses(tree, name)) for module, tree in trees().items()}
    assert {module: n for module, n in found.items() if n} == allowed


@pytest.mark.parametrize(("name", "allowed"), CLASSES.items())
def test_only_the_known_places_make(name: str, allowed: dict[str, int]) -> None:
    found = {module: sum(1 for _ in made(tree, name)) for module, tree in trees().items()}
    assert {module: n for module, n in found.items() if n} == allowed


def test_the_reservation_is_nobodys_but_the_attempts() -> None:
    importers = [
        module
        for module, tree in trees().items()
        for node in ast.walk(tree)
        if isinstance(node, ast.ImportFrom)
        and node.module == "dialer.storage.reserving"
        and any(alias.name == "reserve" for alias in node.names)
    ]
    assert importers == ["storage/attempts.py"]


def test_a_second_way_would_be_seen() -> None:
    sly = ast.parse("place = services.sip.invite\nself._sip.invite(request, sink)\nlog(self.invite.cseq)\n")
    assert len(list(uses(sly, "invite"))) == 2
