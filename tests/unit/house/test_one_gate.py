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
    "_send_invite": {"calls/runner.py": 2},  # the first, and the next trunk's under the same reservation
    "may_dial": {"calls/runner.py": 1},
    "reserve": {"calls/placing.py": 1},
    # Below the endpoint: requests, transactions, bytes.
    "send_request": {"sip/calls.py": 1, "sip/endpoint.py": 1, "sip/user_agent.py": 1},
    "_transmit": {"sip/layer.py": 1, "sip/user_agent.py": 2},  # the latter: answers to strangers
    "sendto": {"sip/transport.py": 1},
    "sendmsg": {},
    "create_datagram_endpoint": {"sip/transport.py": 1},
    "create_connection": {"sip/transport.py": 1},
    "open_connection": {},
    "sock_connect": {},
    "connect_ex": {},
}
"""A method → the only places that use it."""
CLASSES = {
    "InviteRequest": {"agents/phone.py": 1, "sip/trunks.py": 1},
    "OutgoingInvite": {"sip/user_agent.py": 1},
    "SipEndpoint": {"app.py": 1, "cli/check.py": 1},  # the doctor asks trunks by OPTIONS
    "UserAgent": {"sip/endpoint.py": 1},
    "Request": {
        "cli/simulate.py": 1,  # for days to simulate
        "sip/dialog.py": 1,
        "sip/invite.py": 1,
        "sip/message.py": 1,
        "sip/transaction.py": 1,
        "sip/user_agent.py": 1,  # those of no call
    },
    # The ways into a call: a collector's two, the campaign's one, and the reservation behind them.
    "place": {
        "api/routes/holds.py": 1,  # a legal hold
        "calls/desk.py": 1,
        "calls/runner.py": 1,
        "campaigns/loop/running.py": 1,
    },
    "TrunkLease": {"sip/trunks.py": 1},
    "TrunkCall": {"calls/runner.py": 1},
    "AttemptRunner": {"calls/floor.py": 1},
    "Placed": {"calls/placing.py": 1},
}
"""A class or a function → the only places that make one or call it by its name."""
DIAL_NOWHERE = {
    "cli/main.py",  # starts the demo
    *(f"cli/simulate{part}.py" for part in ("", "_plot", "_report", "_runs")),
    *("cli/replay.py", "cli/replay_report.py", "cli/what_if_child.py"),
}
"""What may use the simulator."""
SAID = {
    "sip/invite.py": 4,
    "sip/layer.py": 4,
    "sip/user_agent.py": 2,
    "sip/session.py": 3,
    "sip/calls.py": 1,
    "sip/ladder_book.py": 1,
}
"""Where the word INVITE stands in the code, documentation left out: all but one of them look at what came in, or at
what is about to be sent already."""


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


def words(tree: ast.Module, word: str) -> Iterator[ast.Constant]:
    """Where a word stands as text or bytes, alone or first in a longer one."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str | bytes):
            text = node.value if isinstance(node.value, str) else node.value.decode("latin-1")
            if text == word or text.startswith(f"{word} sip"):
                yield node


def first_words(method: str) -> dict[str, set[str]]:
    """By module, the first argument of every call of a method; what is no word written there, by its name."""
    found: dict[str, set[str]] = {}
    for module, tree in trees().items():
        for node in ast.walk(tree):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == method:
                found.setdefault(module, set()).add(ast.unparse(node.args[0]) if node.args else "")
    return found


def imports(tree: ast.Module, package: str) -> Iterator[ast.AST]:
    for node in ast.walk(tree):
        names = [node.module or ""] if isinstance(node, ast.ImportFrom) else []
        names += [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
        if any(name == package or name.startswith(f"{package}.") for name in names):
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


def test_one_place_writes_an_invite() -> None:
    assert {module: n for module, tree in trees().items() if (n := sum(1 for _ in words(tree, "INVITE")))} == SAID
    written = [
        module
        for module, tree in trees().items()
        for call in made(tree, "Request")
        if any(isinstance(word, ast.Constant) and word.value == "INVITE" for word in call.args)
    ]
    assert written == ["sip/invite.py"]


def test_other_requests_are_no_invites() -> None:
    """Those within a call and those of no call have their method as an argument: what it may be is written there."""
    assert first_words("_send_in_dialog") == {
        "sip/invite.py": {"'BYE'", "'PRACK'", "request.method"},  # the last repeats one of them with credentials
        "sip/session.py": {"'BYE'"},
    }
    asked = first_words("request")
    assert asked.pop("sip/session.py") == {"method"}  # that of `_send_in_dialog`
    assert asked == {"api/client.py": {"method"}, "sip/endpoint.py": {"'OPTIONS'"}, "sip/invite.py": {"'ACK'"}}


def test_nobody_outside_rides_along_with_the_far_side() -> None:
    """The simulator is left out above: nothing of the service may use it, only commands that dial on no trunk."""
    users = {module for module, tree in trees().items() if any(imports(tree, "dialer.simulator"))}
    assert users == DIAL_NOWHERE


def test_a_second_way_would_be_seen() -> None:
    sly = ast.parse("place = services.sip.invite\nself._sip.invite(request, sink)\nlog(self.invite.cseq)\n")
    assert len(list(uses(sly, "invite"))) == 2
