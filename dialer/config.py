"""The configuration file: what may stand in it, and a clear word when something else does.

TOML, read once at the start. Unknown keys are errors with the nearest known key named. Secrets may be given as
`env:NAME` or `file:PATH` instead of in clear.
"""

import difflib
import tomllib
from datetime import date, datetime
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, Field, ValidationError, model_validator

from dialer.config_access import Network, OidcConfig, is_loopback
from dialer.config_base import Port, Secret, Section
from dialer.config_collecting import CollectingConfig
from dialer.config_phones import PhonesConfig
from dialer.config_recordings import EvidenceConfig, RecordingsConfig
from dialer.config_supervision import SupervisionConfig
from dialer.errors import ConfigError

Transport = Literal["udp", "tcp"]


class NodeConfig(Section):
    """This process: its name among the nodes of one database, and where its files live."""

    name: str = "node1"
    """Its own among the nodes of one database; after a restart it must be the same."""
    data_dir: Path = Path("data")
    """Recordings, their spool, uploads, prompts of the house, and the SQLite file."""
    rehearsal_starts_at: datetime | None = None
    """Moves the wall clock for rehearsals; refused unless every trunk is on a loopback address."""

    @property
    def spool_dir(self) -> Path:
        """Where recordings are written first."""
        return self.data_dir / "spool"


class DatabaseConfig(Section):
    """`sqlite:///PATH` or `postgresql://USER:PASSWORD@HOST/NAME`; empty: SQLite inside `data_dir`."""

    url: Secret = ""
    """Where the database is."""
    key: Secret = ""
    """32 bytes in hex that encrypt numbers and names at rest; empty: made once in `data_dir`/secret.key."""


class SipConfig(Section):
    """Where SIP listens, for trunks and collectors' phones."""

    host: str = "127.0.0.1"
    """The address to listen on."""
    port: Port = 5060
    """The same for UDP and TCP."""
    transports: tuple[Transport, ...] = ("udp", "tcp")
    """Which are opened."""
    advertised_host: str = ""
    """What peers are told in Contact and SDP where it differs from `host` (NAT, all addresses)."""
    realm: str = "dialer"
    """Digest realm for collectors' phones."""
    digest_algorithms: tuple[Literal["SHA-256", "MD5"], ...] = Field(default=("MD5",), min_length=1)
    """What phones are challenged with, strongest first. Many give up when they meet an algorithm they do not know."""


class MediaConfig(Section):
    """The RTP engine. Keep the ports out of the kernel's ephemeral range."""

    host: str = "127.0.0.1"
    """The address RTP is received on."""
    advertised_host: str = ""
    """The IP address browsers send audio to where it differs from `host` (NAT maps the ports one to one). Trunks and
    phones are told `sip.advertised_host`."""
    port_min: Port = 20000
    """The first port; a leg takes two."""
    port_max: Port = 29999
    """The last port."""
    workers: int = Field(default=2, ge=1, le=64)
    """Threads of the engine; one per core is plenty."""
    rtp_timeout_s: float = Field(default=15.0, gt=0)
    """A leg that hears nothing for this long, not even RTCP, is taken for lost."""
    spool_min_free_mb: int = Field(default=200, ge=0)
    """Below this much free disk no new call is placed: a call that cannot be recorded is not made."""


class HttpConfig(Section):
    """The API and the pages."""

    host: str = "127.0.0.1"
    """The address to listen on; put a proxy that speaks TLS in front of anything but loopback."""
    port: Port = 8080
    """0: any free one."""
    behind_tls: bool = False
    """Whether browsers come through a proxy that speaks TLS: then the session's cookie is sent over TLS only."""
    trusted_proxies: tuple[Network, ...] = ()
    """Addresses or networks (10.1.0.0/16) of proxies whose X-Forwarded-For and X-Forwarded-Proto are believed; what
    anybody else says there is not read."""
    house_name: str = ""
    """What the log-in page calls the house."""
    language: Literal["zh", "en"] = "zh"
    """What the pages speak to somebody who chose nothing."""
    session_hours: float = Field(default=12.0, gt=0, le=168)
    """Whoever logged in must do so again after this long, come what may."""
    session_idle_minutes: float = Field(default=30.0, gt=0, le=1440)
    """The same after this long without use: what somebody does at a page renews the session, what the page asks by
    itself does not."""


class TrunkConfig(Section):
    """One SIP trunk. `channels` and `cps` (new calls a second) are two separate limits."""

    name: str
    """Its own among the trunks."""
    host: str
    """A name or an address; only requests from there are heard."""
    port: Port = 5060
    """Where it takes calls."""
    transport: Transport = "udp"
    """How messages travel."""
    group: str = "default"
    """Campaigns choose a group; its trunks stand in for each other until something has rung."""
    priority: int = 0
    """The lowest number is used first."""
    weight: int = Field(default=1, ge=1)
    """The share among trunks of one priority."""
    channels: int = Field(default=30, ge=1)
    """Calls at a time."""
    cps: float = Field(default=10.0, gt=0)
    """New calls in any one second."""
    username: str = ""
    """Answers the trunk's challenges; empty: its address is enough."""
    password: Secret = ""
    """Belongs to `username`."""
    from_domain: str = ""
    """The domain of our From; empty: the trunk's host."""
    number_format: Literal["e164", "national", "e164_no_plus"] = "e164"
    """How numbers are written on this trunk: +8613…, 13…, 8613…"""
    region: str = Field(default="CN", pattern="^[A-Z]{2}$")
    """The trunk's country (ISO 3166), for `number_format = "national"`: numbers of other countries are sent as 00…"""
    prefix: str = ""
    """Put before every number."""
    first_response_timeout_s: float = Field(default=3.0, gt=0)
    """An INVITE without any response for this long goes to the next trunk of the group."""
    options_interval_s: float = Field(default=20.0, gt=0)
    """How often the trunk is asked whether it is alive."""
    codecs: tuple[Literal["PCMA", "PCMU"], ...] = ("PCMA", "PCMU")
    """What is offered, the preferred one first."""


class PolicyConfig(Section):
    """Which policy packs are in force, and what the house has on its lists."""

    packs: tuple[str, ...] = ("cn-bank-card",)
    """Names of shipped packs, or paths of folders or YAML files; of several, the strictest wins."""
    overrides: tuple[str, ...] = ()
    """Paths of YAML files in which a bank or an agency changes rules of those packs."""
    agencies: tuple[str, ...] = ()
    """The outsourced agencies that may call, by the names campaigns use; the house itself needs no entry."""


class VerdictsConfig(Section):
    """How much audio of verdicts on what answered is kept for listening; what listeners heard stays beyond it."""

    keep_days: int = Field(default=30, ge=1, le=3650)
    """Older audio is removed."""
    max_bytes: int = Field(default=2_000_000_000, ge=1_000_000)
    """Beyond it the oldest audio is removed; five seconds take 40 kB."""


class CallerIdConfig(Section):
    """A number that may be shown to called persons, as it is registered with the carrier."""

    number: str
    """As campaigns name it, e.g. +8621… or 95588."""
    purposes: tuple[str, ...] = ("collection",)
    """What it is registered for."""
    agency: str = ""
    """Whose number it is; empty: the house's own."""
    valid_from: date | None = None
    """The registration's first day; none: always."""
    valid_through: date | None = None
    """The registration's last day; none: until further notice."""


class WebhookConfig(Section):
    """A receiver of outcomes over HTTP, signed per Standard Webhooks."""

    url: str
    """Where events are posted."""
    secrets: tuple[Secret, ...] = Field(min_length=1)
    """Every event is signed with each, newest first: so that they can be rotated."""
    timeout_s: float = Field(default=10.0, gt=0)
    """How long an answer may take."""


class MqttConfig(Section):
    """A broker that outcomes are published to (MQTT 5, QoS 1)."""

    host: str
    """Name or address of the broker."""
    port: Port = 1883
    """Without TLS: keep the broker on a network of your own."""
    username: str = ""
    """Empty: none is given."""
    password: Secret = ""
    """Belongs to `username`."""
    topic_prefix: str = "dialer"
    """Events go to `PREFIX/events/TYPE`."""
    timeout_s: float = Field(default=10.0, gt=0)
    """How long the broker may take to acknowledge."""


class Config(Section):
    """Everything a node needs to know."""

    node: NodeConfig = NodeConfig()
    database: DatabaseConfig = DatabaseConfig()
    sip: SipConfig = SipConfig()
    media: MediaConfig = MediaConfig()
    http: HttpConfig = HttpConfig()
    phones: PhonesConfig = PhonesConfig()
    policy: PolicyConfig = PolicyConfig()
    collecting: CollectingConfig = CollectingConfig()
    supervision: SupervisionConfig = SupervisionConfig()
    verdicts: VerdictsConfig = VerdictsConfig()
    recordings: RecordingsConfig = RecordingsConfig()
    evidence: EvidenceConfig = EvidenceConfig()
    caller_ids: tuple[CallerIdConfig, ...] = ()
    trunks: tuple[TrunkConfig, ...] = ()
    webhooks: tuple[WebhookConfig, ...] = ()
    mqtt: MqttConfig | None = None
    oidc: OidcConfig | None = None

    @model_validator(mode="after")
    def _consistent(self) -> "Config":
        names = [trunk.name for trunk in self.trunks]
        for name in names:
            if names.count(name) > 1:
                raise ValueError(f"two trunks are named {name!r}; give each its own name")
        if self.media.port_max - self.media.port_min < 3:
            raise ValueError("media.port_max must be at least 3 above media.port_min")
        second_dir = self.recordings.second_spool_dir
        if second_dir is not None and second_dir.resolve() == self.node.spool_dir.resolve():
            raise ValueError("recordings.second_spool_dir is the first one; give it a directory on another disk")
        if self.node.rehearsal_starts_at is not None:
            self._check_rehearsal(self.node.rehearsal_starts_at)
        return self

    def _check_rehearsal(self, starts_at: datetime) -> None:
        if starts_at.tzinfo is None:
            raise ValueError("node.rehearsal_starts_at needs a UTC offset, e.g. 2026-11-23T10:00:00+08:00")
        if self.oidc is not None:
            raise ValueError(
                "node.rehearsal_starts_at moves the clock that log-ins by [oidc] are checked by; remove one"
            )
        outside = [trunk.name for trunk in self.trunks if not is_loopback(trunk.host)]
        if outside:
            raise ValueError(
                f"node.rehearsal_starts_at moves the clock the calling hours are checked by, but trunk {outside[0]!r} "
                "is not on a loopback address; remove one of the two"
            )


def load_config(path: Path) -> Config:
    """Reads and checks a configuration file.

    Raises:
        ConfigError: the file cannot be read, is not TOML, or holds unknown keys or bad values; each is named.
    """
    try:
        raw = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise ConfigError(f"{path}: cannot read the configuration: {error.strerror}") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path}: not valid TOML: {error}") from error
    return parse_config(raw, str(path))


def parse_config(raw: dict[str, Any], source: str) -> Config:
    """Checks configuration data already read; `source` names it in errors (ConfigError)."""
    try:
        return Config.model_validate(raw)
    except ValidationError as error:
        lines = [f"{source}: {_describe(problem)}" for problem in error.errors()]
        raise ConfigError("\n".join(lines)) from error


def _describe(problem: Any) -> str:
    location = [str(part) for part in problem["loc"]]
    where = ".".join(location) or "the file"
    if problem["type"] != "extra_forbidden":
        return f"{where}: {str(problem['msg']).removeprefix('Value error, ')}"
    known = _known_keys(location[:-1])
    close = difflib.get_close_matches(location[-1], known, n=1)
    hint = f"did you mean {close[0]!r}?" if close else f"known here: {', '.join(known)}"
    return f"{where}: unknown key; {hint}"


def _known_keys(location: list[str]) -> list[str]:
    sections: dict[str, type[BaseModel]] = {
        "node": NodeConfig,
        "database": DatabaseConfig,
        "sip": SipConfig,
        "media": MediaConfig,
        "http": HttpConfig,
        "phones": PhonesConfig,
        "policy": PolicyConfig,
        "collecting": CollectingConfig,
        "supervision": SupervisionConfig,
        "verdicts": VerdictsConfig,
        "recordings": RecordingsConfig,
        "evidence": EvidenceConfig,
        "caller_ids": CallerIdConfig,
        "trunks": TrunkConfig,
        "webhooks": WebhookConfig,
        "mqtt": MqttConfig,
        "oidc": OidcConfig,
    }
    model = sections[location[0]] if location and location[0] in sections else Config
    return sorted(model.model_fields)
