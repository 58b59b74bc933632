"""From what an OpenID provider says of somebody to their account: known by subject, found once, or made."""

import re
from collections.abc import Mapping
from datetime import datetime

from dialer.api.oidc_tokens import Claims, OidcRefusedError, Refusal
from dialer.config_access import OidcConfig
from dialer.errors import InputError
from dialer.model.account import Account, AuditEntry, Identity, NewAccount, Role
from dialer.storage import Storage

ACTOR = "OpenID provider"
"""Who changes accounts here, in the audit log."""
LOG_IN_PATTERN = r"^[A-Za-z0-9._-]{1,64}$"
_LOG_IN = re.compile(LOG_IN_PATTERN)
MAX_NAME = 100
MAX_EMAIL = 254  # RFC 5321 §4.5.3.1.3, without the angle brackets


async def account_for(storage: Storage, config: OidcConfig, claims: Claims, now: datetime, remote: str) -> Account:
    """The open account of whoever these claims are about, with the role they have there (OidcRefusedError)."""
    identity = Identity(config.issuer, str(claims["sub"]))
    role = role_in(config, claims)
    if config.roles and role is None:
        raise OidcRefusedError(Refusal.NO_ROLE, "none of the groups in the ID token has a role here")
    account = await storage.identities.account(identity)
    if account is None:
        account = await _newcomer(storage, config, identity, claims, role, now, remote)
    if not account.active:
        raise OidcRefusedError(Refusal.CLOSED, "the account is closed")
    if role is None or account.role is role:
        return account
    await storage.accounts.set_person(account.account_id, now, role=role)
    await _note(storage, account, "account.update", f"role {role.value}", now, remote)
    return await storage.accounts.get(account.account_id) or account


def role_in(config: OidcConfig, claims: Claims) -> Role | None:
    """The role of the first configured group that somebody is in; None: there is none, or roles are set here."""
    said: object = claims
    for step in config.roles_claim.split("."):
        said = said.get(step) if isinstance(said, Mapping) else None
    groups = (
        {said}
        if isinstance(said, str)
        else {group for group in said if isinstance(group, str)}
        if (isinstance(said, list))
        else set()
    )
    return next((role for group, role in config.roles.items() if group in groups), None)


async def _newcomer(
    storage: Storage,
    config: OidcConfig,
    identity: Identity,
    claims: Claims,
    role: Role | None,
    now: datetime,
    remote: str,
) -> Account:
    """Somebody who comes for the first time."""
    found = await _found(storage, config, claims)
    if found is not None:
        if not await storage.identities.link(identity, found.account_id, now):
            raise OidcRefusedError(Refusal.NO_ACCOUNT, "the account found is known there as somebody else")
        await _note(storage, found, "account.link", f"found by {config.match}", now, remote)
        return found
    if not config.create_accounts or role is None:
        raise OidcRefusedError(Refusal.NO_ACCOUNT, "nobody here has this identity")
    try:
        account = await storage.identities.create(identity, _new_account(claims, role), now)
    except InputError as error:
        raise OidcRefusedError(Refusal.NO_ACCOUNT, "no account could be made: its log-in or e-mail is taken") from error
    await _note(storage, account, "account.create", f"role {role.value}", now, remote)
    return account


async def _found(storage: Storage, config: OidcConfig, claims: Claims) -> Account | None:
    if config.match == "email":
        email = verified_email(claims)
        return await storage.accounts.by_email(email) if email else None
    log_in = claims.get("preferred_username")
    if config.match == "preferred_username" and isinstance(log_in, str) and _LOG_IN.match(log_in):
        return await storage.accounts.by_login(log_in)
    return None


def _new_account(claims: Claims, role: Role) -> NewAccount:
    log_in, name = claims.get("preferred_username"), claims.get("name")
    if not isinstance(log_in, str) or not _LOG_IN.match(log_in):
        raise OidcRefusedError(Refusal.NO_ACCOUNT, "preferred_username is no log-in that can be used here")
    shown = name.strip()[:MAX_NAME] if isinstance(name, str) and name.isprintable() else ""
    return NewAccount(log_in, shown or log_in, role, password_hash="", email=verified_email(claims))


def verified_email(claims: Claims) -> str:
    """The e-mail address if the provider vouches for it; empty: none, or nobody checked that it is theirs."""
    email = claims.get("email")
    if claims.get("email_verified") is not True or not isinstance(email, str):
        return ""
    return email if 3 <= len(email) <= MAX_EMAIL and email.isascii() and email.isprintable() else ""


async def _note(storage: Storage, account: Account, action: str, detail: str, now: datetime, remote: str) -> None:
    await storage.audit.record(AuditEntry(now, ACTOR, action, f"account/{account.account_id}", detail, remote))
