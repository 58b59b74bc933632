"""Users and tokens, and the audit log."""

from typing import Annotated

from pydantic import BaseModel, Field, StringConstraints, model_validator

from dialer.api.auditing import audit
from dialer.api.paging import PageQuery, next_cursor
from dialer.api.problems import bad_field, not_found
from dialer.api.routing import Call, Id, Input, Instant, Nothing, Routes
from dialer.api.security import MIN_PASSWORD, hash_password, hash_token, new_token, sip_credentials
from dialer.model.account import Account, ApiToken, AuditEntry, NewAccount, Role

routes = Routes("accounts")

Login = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9._-]{1,64}$")]
Password = Annotated[str, StringConstraints(min_length=MIN_PASSWORD, max_length=200)]
Skill = Annotated[str, StringConstraints(min_length=1, max_length=50)]


class AccountPath(Input):
    account_id: Id


class TokenPath(Input):
    token_id: Id


class AccountIn(Input):
    """A new account. A collector needs `sip_user` and `sip_password` for the phone."""

    login: Login
    name: Annotated[str, StringConstraints(min_length=1, max_length=100)]
    role: Role
    password: Password
    skills: Annotated[frozenset[Skill], Field(max_length=50)] = frozenset()
    sip_user: Login | None = None
    sip_password: Password | None = None

    @model_validator(mode="after")
    def _phone_is_whole(self) -> "AccountIn":
        if (self.sip_user is None) != (self.sip_password is None):
            raise ValueError("sip_user and sip_password belong together")
        return self


class AccountChange(Input):
    """What is left out stays as it is. Closing an account revokes its tokens."""

    active: bool | None = None
    password: Password | None = None
    skills: Annotated[frozenset[Skill] | None, Field(max_length=50)] = None


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


class AuditQuery(PageQuery):
    """`subject` as it was recorded, e.g. `recording/<id>`."""

    subject: Annotated[str, StringConstraints(max_length=200)] | None = None


class AuditItem(BaseModel):
    """One line of the audit log."""

    audit_id: int
    entry: AuditEntry


class AuditPage(BaseModel):
    """The audit log, newest first."""

    items: list[AuditItem]
    next: int | None


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
    new = NewAccount(asked.login, asked.name, asked.role, await hash_password(asked.password), asked.skills, sip)
    account = await services.storage.accounts.create(new, services.clock.utcnow())
    await audit(call, "account.create", f"account/{account.account_id}", f"role {asked.role.value}")
    return account


@routes.add("PATCH", "/v1/users/{account_id}", "accounts.update")
async def update_account(call: Call[AccountPath, Nothing, AccountChange]) -> Account:
    """Changes an account: open or closed, password, skills."""
    accounts, change = call.services.storage.accounts, call.body
    account_id = call.path.account_id
    if await accounts.get(account_id) is None:
        raise not_found("account")
    if change.active is not None:
        await accounts.set_active(account_id, change.active, call.services.clock.utcnow())
    if change.password is not None:
        await accounts.set_password(account_id, await hash_password(change.password))
    if change.skills is not None:
        await accounts.set_skills(account_id, change.skills)
    await audit(call, "account.update", f"account/{account_id}", ", ".join(sorted(change.model_fields_set)))
    account = await accounts.get(account_id)
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
    await audit(call, "token.create", f"token/{made.token_id}", f"role {role.value}")
    return TokenCreated(token=secret, token_id=made.token_id, name=made.name, role=role)


@routes.add("DELETE", "/v1/tokens/{token_id}", "tokens.revoke")
async def revoke_token(call: Call[TokenPath, Nothing, Nothing]) -> None:
    """Ends a token at once."""
    if not await call.services.storage.accounts.revoke_token(call.path.token_id, call.services.clock.utcnow()):
        raise not_found("valid token")
    await audit(call, "token.revoke", f"token/{call.path.token_id}", "")


@routes.add("GET", "/v1/audit", "audit.list")
async def list_audit(call: Call[Nothing, AuditQuery, Nothing]) -> AuditPage:
    """Lists the audit log, newest first."""
    found = await call.services.storage.audit.list(call.query.subject, call.query.cursor, call.query.limit)
    items = [AuditItem(audit_id=audit_id, entry=entry) for audit_id, entry in found]
    return AuditPage(items=items, next=next_cursor([item.audit_id for item in items], call.query.limit))


async def _role_of(call: Call[Nothing, Nothing, TokenIn], account_id: int) -> Role:
    account = await call.services.storage.accounts.get(account_id)
    if account is None or not account.active:
        raise bad_field("body.account_id", "there is no such active account", "list them at /v1/users")
    return account.role
