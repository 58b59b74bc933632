"""The section on log-ins that another service answers for."""

import ipaddress
from typing import Annotated, Literal
from urllib.parse import urlsplit

from pydantic import AfterValidator, Field, model_validator

from dialer.config_base import Secret, Section
from dialer.model.account import Role


def _checked_url(value: str) -> str:
    """What is asked there decides who is logged in: over a network it must be TLS."""
    parts = urlsplit(value)
    if not parts.hostname or parts.query or parts.fragment:
        raise ValueError("not an address; write it as https://HOST/PATH")
    if parts.scheme != "https" and not (parts.scheme == "http" and is_loopback(parts.hostname)):
        raise ValueError("must begin with https:// (http:// only on a loopback address)")
    return value


def is_loopback(host: str) -> bool:
    """Whether a name or an address is this machine's own."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _checked_network(value: str) -> str:
    ipaddress.ip_network(value)  # ValueError in words that name the value
    return value


Url = Annotated[str, AfterValidator(_checked_url)]
Network = Annotated[str, AfterValidator(_checked_network)]


class OidcConfig(Section):
    """An OpenID provider by which people may log in, beside their passwords. See access.md."""

    name: str = "OpenID"
    """What stands on the button of the log-in page."""
    issuer: Url
    """The provider's address, exactly as its configuration document says it."""
    client_id: str
    """What the provider knows this service by."""
    client_secret: Secret = ""
    """Belongs to `client_id`; empty: a public client, with PKCE alone."""
    redirect_url: Url
    """Where browsers come back to: https://HOST/v1/session/oidc/callback, as it is registered with the provider."""
    scopes: tuple[str, ...] = ("openid", "profile", "email")
    """What is asked for; the ID token must then hold the claims that are named here."""
    prompt: Literal["", "login", "select_account"] = ""
    """What the provider asks of somebody who is logged in there already; for desks that people share: `login`."""
    match: Literal["nothing", "email", "preferred_username"] = "nothing"
    """By what somebody who comes for the first time is found among the accounts: a verified `email` by an account's
    e-mail, `preferred_username` by its log-in (only where people cannot choose that name themselves)."""
    create_accounts: bool = False
    """Whether somebody who has no account gets one; needs `roles`."""
    roles_claim: str = "groups"
    """The claim with somebody's groups; a dot leads into an object: realm_access.roles."""
    roles: dict[str, Role] = Field(default={})
    """Which group makes which role, the first that fits; empty: roles are set here. Whoever is in none is refused."""

    @model_validator(mode="after")
    def _consistent(self) -> "OidcConfig":
        if "openid" not in self.scopes:
            raise ValueError("scopes must hold openid")
        if self.create_accounts and not self.roles:
            raise ValueError("create_accounts needs roles: somebody new has none yet")
        return self
