"""Who asks: the holder of a token or of a session, as every handler sees it."""

from dataclasses import dataclass

from dialer.model.account import Role


@dataclass(frozen=True, slots=True)
class Principal:
    """The holder of one token, or somebody who logged in (`session_id`).

    `role` is None where no token was asked for; `account_id` is None for a program's token, a collector's `agent_id`.
    """

    name: str
    role: Role | None
    token_id: int = 0
    account_id: int | None = None
    remote: str = ""
    session_id: int = 0

    @property
    def holder(self) -> str:
        """Whose doing it is: of a session the person's, who may have logged in again meanwhile, else the token's."""
        return f"account {self.account_id}" if self.session_id else str(self.token_id)

    @property
    def actor(self) -> str:
        """How records name them."""
        return named(self.name, self.role, self.account_id, self.token_id) if self.role else "nobody"


def named(name: str, role: Role, account_id: int | None, token_id: int = 0) -> str:
    """Who it is, for records: `Li (auditor, account/12)`, with a token `(…, token/7)` or `(…, account/12, token/7)`.

    A name is anybody's choice, and two may have the same; the ids at the end are one person's or one token's.
    """
    ids = (f"account/{account_id}" if account_id else "", f"token/{token_id}" if token_id else "")
    return f"{name} ({', '.join((role.value, *filter(None, ids)))})"
