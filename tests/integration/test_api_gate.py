"""Every operation from outside: who is not listed for it is turned away before anything of the request is read."""

import re
from pathlib import Path

from dialer.api.app import SUBJECTS
from dialer.api.security import hash_password
from dialer.api.sessions import SAFE_METHODS
from dialer.clock import SystemClock
from dialer.model.account import NewAccount, Role
from tests.support.house import open_house

OPERATIONS = [operation for routes in SUBJECTS for operation in routes.operations if operation.roles is not None]
PASSWORD = "a long pass phrase"


def place(path: str) -> str:
    """The path with something in each of its places."""
    return re.sub(r"\{[a-z_]+\}", "1", path)


async def test_every_role_is_kept_to_its_operations(tmp_path: Path) -> None:
    async with open_house(tmp_path) as house:
        for operation in OPERATIONS:
            for role in set(Role) - set(operation.roles or ()):
                headers = house.auth(role)
                async with house.api.request(operation.method, place(operation.path), headers=headers) as answer:
                    assert answer.status == 403, (operation.name, role)
                    assert (await answer.json())["detail"].startswith(f"the role {role.value} may not do this")


async def test_nothing_is_changed_by_a_cookie_alone(tmp_path: Path) -> None:
    async with open_house(tmp_path) as house:
        account = NewAccount("ada", "Ada", Role.ADMINISTRATOR, await hash_password(PASSWORD))
        await house.storage.accounts.create(account, SystemClock().utcnow())
        async with house.api.post("/v1/session", json={"login": "ada", "password": PASSWORD}) as answer:
            assert answer.status == 200
        for operation in OPERATIONS:
            if operation.method not in SAFE_METHODS:
                async with house.api.request(operation.method, place(operation.path)) as answer:
                    assert (answer.status, "csrf" in (await answer.json())["detail"]) == (403, True), operation.name
