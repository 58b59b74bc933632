"""The part of the configuration that is about phones in browsers."""

from pydantic import Field, model_validator

from dialer.config_base import Secret, Section


class IceServerConfig(Section):
    """A STUN or TURN server that browsers are told of; needed only where they cannot send UDP to this node."""

    urls: tuple[str, ...] = Field(min_length=1)
    """Such as turn:turn.example:3478?transport=tcp, turns:… or stun:…"""
    username: str = ""
    """With `credential`: the same for everybody."""
    credential: Secret = ""
    """Belongs to `username`."""
    shared_secret: Secret = ""
    """Instead of both: what the TURN server shares with us, for credentials that last a day (coturn:
    use-auth-secret, static-auth-secret)."""

    @model_validator(mode="after")
    def _consistent(self) -> "IceServerConfig":
        for url in self.urls:
            if url.partition(":")[0] not in ("stun", "stuns", "turn", "turns"):
                raise ValueError(f"{url!r} is no STUN or TURN server; write e.g. turn:turn.example:3478?transport=tcp")
        if self.shared_secret and (self.username or self.credential):
            raise ValueError("either shared_secret or username and credential")
        if bool(self.username) is not bool(self.credential):
            raise ValueError("username and credential belong together")
        return self


class PhonesConfig(Section):
    """Phones in browsers. Their audio takes ports of `media`, and goes to the address that browsers reach."""

    reconnect_s: float = Field(default=20.0, ge=3.0, le=300.0)
    """How long a browser may be gone, by a reload or a change of network, before its shift or talk is lost."""
    ice_servers: tuple[IceServerConfig, ...] = ()
    """What browsers may go through; none: they send to this node straight."""
