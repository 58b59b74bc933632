"""Users: who they are, what they may do, and out with them; and tokens."""

from http import HTTPStatus
from typing import Annotated, Any, Literal

from pydantic import BaseModel, Field, StringConstraints, model_validator

from dialer.api.auditing import audit
from dialer.api.oidc_accounts import LOG_IN_PATTERN
from dialer.api.problems import bad_field, conflict, not_found
from dialer.api.routes.log_ins import AccountPath, leave_desk
from dialer.api.routing import Call, Id, Input, Instant, Nothing, Routes
from dialer.api.security import MIN_PASSWORD, hash_password, hash_token, new_token, sip_credentials
from dialer.model.account import Account, ApiToken, NewAccount, Role

routes = Routes("accounts")

Login = Annotated[str, StringConstraints(pattern=LOG_IN_PATTERN)]
PersonName = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=100)]
Email = Annotated[str, StringConstraints(pattern=r"^$|^[^@\s]{1,64}@[^@\s]{1,189}$")]
Password = Annotated[str, StringConstraints(min_length=MIN_PASSWORD, max_length=200)]
Skill = Annotated[str, StringConstraints(min_length=1, max_length=50)]


class TokenPath(Input):
    token_id: Id


class AccountIn(Input):
    """A new account. `sip_user` and `sip_password` are for a phone of its own; the browser needs none.

    Without a `password` only an OpenID provider lets them in, who may know them by `email`.
    """

    login: Login
    name: PersonName
    role: Role
    password: Password | None = None
    email: Email = ""
    skills: Annotated[frozenset[Skill], Field(max_length=50)] = frozenset()
    sip_user: Login | None = None
    sip_password: Password | None = None

    @model_validator(mode="after")
    def _phone_is_whole(self) -> "AccountIn":
        if (self.sip_user is None) != (self.sip_password is None):
            raise ValueError("sip_user and sip_password belong together")
        return self


class AccountChange(Input):
    """What is left out stays as it is. Closing an account revokes its tokens; a new password logs its holder out.

    `email` empty: none. `sip_user` empty: no phone any more.
    """

    active: bool | None = None
    name: PersonName | None = None
    role: Role | None = None
    email: Email | None = None
    password: Password | None = None
    skills: Annotated[frozenset[Skill] | None, Field(max_length=50)] = None
    sip_user: Login | Literal[""] | None = None
    sip_password: Password | None = None

    @model_validator(mode="after")
    def _phone_is_whole(self) -> "AccountChange":
        if bool(self.sip_user) != (self.sip_password is not None):
            raise ValueError("a new phone needs sip_user and sip_password")
        return self


class AccountList(BaseModel):
    """All accounts, by log-in."""

    items: list[Account]


class TokenIn(Input):
    """A new token; of a person (`account_id`, its role is theirs) or of a program (`role`)."""

    name: Annotated[str, StringConstraints(min_length=1, max_length=100)]
    role: Role | None = None
    account_id: Id | None = None
    expires_at: Instant | None = None

    @model_validator(mode="after")
    def _one_holder(self) -> "TokenIn":
        if (self.role is None) == (self.account_id is None):
            raise ValueError("give either account_id or role")
        if self.expires_at is not None and self.expires_at.tzinfo is None:
            raise ValueError("expires_at needs a UTC offset")
        return self


class TokenCreated(BaseModel):
    """The only time the token itself is shown."""

    token: str
    token_id: int
    name: str
    role: Role


class TokenList(BaseModel):
    """All tokens, without their secrets."""

    items: list[ApiToken]


@routes.add("GET", "/v1/users", "accounts.list")
async def list_accounts(call: Call[Nothing, Nothing, Nothing]) -> AccountList:
    """Lists all accounts."""
    return AccountList(items=list(await call.services.storage.accounts.all()))


@routes.add("POST", "/v1/users", "accounts.create", status=201)
async def create_account(call: Call[Nothing, Nothing, AccountIn]) -> Account:
    """Adds an account."""
    asked, services = call.body, call.services
    sip = None
    if asked.sip_user and asked.sip_password:
        sip = sip_credentials(asked.sip_user, services.config.sip.realm, asked.sip_password)
    password_hash = await hash_password(asked.password) if asked.password else ""
    new = NewAccount(asked.login, asked.name, asked.role, password_hash, asked.skills, sip, asked.email)
    account = await services.storage.accounts.create(new, services.clock.utcnow())
    await audit(call, "account.create", f"account/{account.account_id}", f"role {asked.role.value}")
    return account


@routes.add("PATCH", "/v1/users/{account_id}", "accounts.update", refuses_with=(HTTPStatus.CONFLICT,))
async def update_account(call: Call[AccountPath, Nothing, AccountChange]) -> Account:
    """Changes an account: who it is, what it may do, how it logs in, whether it is open.

    Nobody closes their own or takes their own role away: there must be somebody left who can undo it.
    """
    change, account_id = call.body, call.path.account_id
    before = await _account(call)
    if account_id == call.actor.account_id and (change.active is False or change.role not in (None, before.role)):
        raise conflict("this is your own account; ask another administrator")
    await _store(call, account_id, change)
    if change.active is False or change.role not in (None, before.role):
        await leave_desk(call, account_id, "the account was changed")
    details = [f"role {change.role.value}" if change.role else "", *sorted(change.model_fields_set - {"role"})]
    await audit(call, "account.update", f"account/{account_id}", ", ".join(detail for detail in details if detail))
    return await _account(call)


async def _store(call: Call[AccountPath, Nothing, AccountChange], account_id: int, change: AccountChange) -> None:
    accounts, realm = call.services.storage.accounts, call.services.config.sip.realm
    now = call.services.clock.utcnow()
    sip = None if change.sip_user is None else sip_credentials(change.sip_user, realm, change.sip_password or "")
    await accounts.set_person(account_id, now, name=change.name, role=change.role, email=change.email, sip=sip)
    if change.skills is not None:
        await accounts.set_skills(account_id, change.skills)
    if change.password is not None:
        await accounts.set_password(account_id, await hash_password(change.password))
    if change.active is not None:
        await accounts.set_active(account_id, change.active, now)


async def _account(call: Call[AccountPath, Nothing, Any]) -> Account:
    account = await call.services.storage.accounts.get(call.path.account_id)
    if account is None:
        raise not_found("account")
    return account


@routes.add("GET", "/v1/tokens", "tokens.list")
async def list_tokens(call: Call[Nothing, Nothing, Nothing]) -> TokenList:
    """Lists all tokens, revoked ones too."""
    return TokenList(items=list(await call.services.storage.accounts.tokens()))


@routes.add("POST", "/v1/tokens", "tokens.create", status=201, answers_secret=True)
async def create_token(call: Call[Nothing, Nothing, TokenIn]) -> TokenCreated:
    """Makes a token. Its secret is in this answer and nowhere else: the same Idempotency-Key again answers 409."""
    accounts, asked = call.services.storage.accounts, call.body
    role = asked.role or await _role_of(call, asked.account_id or 0)
    secret = new_token()
    made = await accounts.add_token(
        hash_token(secret),
        asked.name,
        role,
        call.services.clock.utcnow(),
        account_id=asked.account_id,
        expires_at=asked.expires_at,
    )
    whose = f" of account/{asked.account_id}" if asked.account_id else ""
    await audit(call, "token.create", f"token/{made.token_id}", f"role {role.value}{whose}")
    return TokenCreated(token=secret, token_id=made.token_id, name=made.name, role=role)


@routes.add("DELETE", "/v1/tokens/{token_id}", "tokens.revoke")
async def revoke_token(call: Call[TokenPath, Nothing, Nothing]) -> None:
    """Ends a token at once."""
    if not await call.services.storage.accounts.revoke_token(call.path.token_id, call.services.clock.utcnow()):
        raise not_found("valid token")
    await audit(call, "token.revoke", f"token/{call.path.token_id}", "")


async def _role_of(call: Call[Nothing, Nothing, TokenIn], account_id: int) -> Role:
    account = await call.services.storage.accounts.get(account_id)
    if account is None or not account.active:
        raise bad_field("body.account_id", "there is no such active account", "list them at /v1/users")
    return account.role
