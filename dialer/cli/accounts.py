"""`dialer user add` and `dialer token create`: the first way in, straight into the database."""

import asyncio
import sys
from typing import TYPE_CHECKING, Annotated

import typer

from dialer.cli.house import DEFAULT_CONFIG, ConfigFile, open_storage, read_config
from dialer.cli.output import note, say
from dialer.errors import InputError
from dialer.model.account import Role

if TYPE_CHECKING:
    from dialer.config import Config
    from dialer.storage import Storage

ACTOR = "command line"
"""Whoever may read the configuration; the audit log knows no more of them."""

user_app = typer.Typer(no_args_is_help=True, help="People who may log in.")
token_app = typer.Typer(no_args_is_help=True, help="API tokens.")


@user_app.command("add")
def add_user(
    login: Annotated[str, typer.Argument(help="The log-in.")],
    name: Annotated[str, typer.Option("--name", help="As colleagues know them.")],
    role: Annotated[Role, typer.Option("--role", help="What they may do.")] = Role.COLLECTOR,
    password: Annotated[str, typer.Option("--password", envvar="DIALER_PASSWORD", help="Asked for if missing.")] = "",
    skills: Annotated[list[str] | None, typer.Option("--skill", help="May be repeated.")] = None,
    sip_user: Annotated[str, typer.Option("--sip-user", help="The account of the collector's phone.")] = "",
    sip_password: Annotated[
        str, typer.Option("--sip-password", envvar="DIALER_SIP_PASSWORD", help="Asked for too.")
    ] = "",
    config: ConfigFile = DEFAULT_CONFIG,
) -> None:
    """Adds a user, for a collector with the phone's account."""
    settings = read_config(config)
    password = password or _ask("Password")
    phone = (sip_user, sip_password or _ask("Password of the phone")) if sip_user else ("", "")
    account_id = asyncio.run(_add_user(settings, login, name, role, password, frozenset(skills or ()), phone))
    say(f"user {login} added as {role.value}, number {account_id}")
    if role is Role.COLLECTOR and not sip_user:
        say("without --sip-user there is no desk phone: this collector takes calls in the browser")


def _ask(what: str) -> str:
    if not sys.stdin.isatty():
        raise InputError("a password is missing and nobody is there to ask; set DIALER_PASSWORD, DIALER_SIP_PASSWORD")
    return str(typer.prompt(what, hide_input=True, confirmation_prompt=True))


async def _add_user(
    config: "Config",
    login: str,
    name: str,
    role: Role,
    password: str,
    skills: frozenset[str],
    phone: tuple[str, str],
) -> int:
    from dialer.api.security import MIN_PASSWORD, hash_password, sip_credentials
    from dialer.model.account import NewAccount

    if len(password) < MIN_PASSWORD:
        raise InputError(f"a password has at least {MIN_PASSWORD} characters")
    sip = sip_credentials(phone[0], config.sip.realm, phone[1]) if phone[0] else None
    account = NewAccount(login, name, role, await hash_password(password), skills, sip)
    async with open_storage(config) as storage:
        account_id = (await storage.accounts.create(account, storage.clock.utcnow())).account_id
        await _audit(storage, "account.create", f"account/{account_id}", f"role {role.value}")
        return account_id


@token_app.command("create")
def create_token(
    name: Annotated[str, typer.Argument(help="What it is for.")],
    role: Annotated[Role | None, typer.Option("--role", help="For a program: what it may do.")] = None,
    user: Annotated[str | None, typer.Option("--user", help="For a person: the log-in.")] = None,
    config: ConfigFile = DEFAULT_CONFIG,
) -> None:
    """Makes an API token. It is printed once and kept nowhere."""
    if (role is None) == (user is None):
        raise InputError("give either --role (a program's token) or --user (a person's)")
    typer.echo(asyncio.run(_create_token(read_config(config), name, role, user)))
    note("shown this once; commands take it from the environment: export DIALER_TOKEN=…")


async def _create_token(config: "Config", name: str, role: Role | None, user: str | None) -> str:
    from dialer.api.security import hash_token, new_token

    async with open_storage(config) as storage:
        account = await storage.accounts.by_login(user) if user else None
        if user and (account is None or not account.active):
            raise InputError(f"there is no active user {user!r}; `dialer user add` makes one")
        allowed = account.role if account else role
        if allowed is None:
            raise InputError("a token needs a role")
        secret = new_token()
        account_id = account.account_id if account else None
        made = await storage.accounts.add_token(
            hash_token(secret), name, allowed, storage.clock.utcnow(), account_id=account_id
        )
        whose = f" of account/{account_id}" if account_id else ""
        await _audit(storage, "token.create", f"token/{made.token_id}", f"role {allowed.value}{whose}")
        return secret


async def _audit(storage: "Storage", action: str, subject: str, detail: str) -> None:
    from dialer.model.account import AuditEntry

    await storage.audit.record(AuditEntry(storage.clock.utcnow(), ACTOR, action, subject, detail))
