"""Who takes calls and who scores them, by name: for filters, for giving work out, and to read numbers as people."""

from typing import Self

from pydantic import BaseModel

from dialer.api.routing import Call, Nothing, Routes
from dialer.model.account import Account, Role

routes = Routes("people")

AT_CALLS = frozenset({Role.COLLECTOR, Role.QA, Role.SUPERVISOR, Role.ADMINISTRATOR})
"""Who takes calls or scores them."""


class PersonOut(BaseModel):
    """Somebody; not `active`: the account is closed, and calls of that time still bear its number."""

    account_id: int
    name: str
    role: Role
    active: bool

    @classmethod
    def of(cls, account: Account) -> Self:
        """Without log-in and address: those are for administrators."""
        return cls(**{name: getattr(account, name) for name in cls.model_fields})


class PersonList(BaseModel):
    """Everybody, by name."""

    items: list[PersonOut]


@routes.add("GET", "/v1/people", "people.list")
async def list_people(call: Call[Nothing, Nothing, Nothing]) -> PersonList:
    """Lists who takes calls or scores them, by name, with the numbers that recordings and work bear."""
    accounts = [one for one in await call.services.storage.accounts.all() if one.role in AT_CALLS]
    return PersonList(items=[PersonOut.of(one) for one in sorted(accounts, key=lambda one: (one.name, one.account_id))])
