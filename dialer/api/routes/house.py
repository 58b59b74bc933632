"""The house as it is set up, for those who look after it: what the configuration says, without its secrets."""

from datetime import datetime
from urllib.parse import urlsplit

from pydantic import BaseModel

from dialer import __version__
from dialer.api.routing import AnyCall, Call, Nothing, Routes
from dialer.config import Config
from dialer.evidence.ledger_keeper import TOPIC as LEDGER_TOPIC
from dialer.model.account import Role
from dialer.outcomes.delivery import destination_names
from recording.retention import Terms
from recording.retention_words import tell_terms

routes = Routes("system")


class TermsOut(BaseModel):
    """How long one pack has recordings kept; periods like 2y, 90d or 5y+90d, null: it says none."""

    pack: str
    zone: str
    law_min: str
    house: str
    delete_by: str | None
    en: str
    zh: str

    @classmethod
    def of(cls, terms: Terms) -> "TermsOut":
        """With words."""
        return cls(
            pack=terms.name,
            zone=terms.zone,
            law_min=str(terms.law_min),
            house=str(terms.house),
            delete_by=None if terms.delete_by is None else str(terms.delete_by),
            en=tell_terms(terms, "en"),
            zh=tell_terms(terms, "zh"),
        )


class RecordingsOut(BaseModel):
    """Where recordings are kept and who may hear them; `store` is a directory or an S3 address, without its keys."""

    store: str
    s3_endpoint: str
    object_lock: str
    second_spool: bool
    collectors_hear_own: bool
    longest_pause_s: float
    transcribed: bool
    notice_required: bool


class NodeOut(BaseModel):
    """A node by its chain of the ledger: `signed_at` is when it last signed something new. `problem`: of this node."""

    name: str
    this: bool
    sequence: int
    signed_at: datetime | None
    stamped: bool
    problem: str


class OidcOut(BaseModel):
    """The OpenID provider by which people may log in."""

    name: str
    issuer: str
    match: str
    create_accounts: bool
    roles_claim: str
    roles: dict[str, Role]


class HouseOut(BaseModel):
    """What the configuration file says and what follows from it; it is changed there and by a restart."""

    version: str
    house_name: str
    language: str
    zone: str
    shared_database: bool
    nodes: list[NodeOut]
    session_hours: float
    session_idle_minutes: float
    behind_tls: bool
    trusted_proxies: list[str]
    oidc: OidcOut | None
    retention: list[TermsOut]
    recordings: RecordingsOut
    time_stamps: str
    destinations: list[str]


@routes.add("GET", "/v1/house", "house.show")
async def show_house(call: Call[Nothing, Nothing, Nothing]) -> HouseOut:
    """Shows how the house is set up: log-ins, recordings and how long they are kept, the nodes and their ledgers."""
    services, config = call.services, call.services.config
    now = services.clock.utcnow()
    policy = services.policy.current(now)
    return HouseOut(
        version=__version__,
        house_name=config.http.house_name,
        language=config.http.language,
        zone=policy.house_zone.key,
        shared_database=services.storage.is_shared,
        nodes=await _nodes(call),
        session_hours=config.http.session_hours,
        session_idle_minutes=config.http.session_idle_minutes,
        behind_tls=config.http.behind_tls,
        trusted_proxies=list(config.http.trusted_proxies),
        oidc=_oidc(config),
        retention=[TermsOut.of(terms) for terms in policy.retention(now)],
        recordings=_recordings(config, notice_required=policy.notice_required(now)),
        time_stamps=urlsplit(config.evidence.tsa_url).hostname or "",
        destinations=sorted(destination_names(config)),
    )


def _oidc(config: Config) -> OidcOut | None:
    said = config.oidc
    return None if said is None else OidcOut(**{name: getattr(said, name) for name in OidcOut.model_fields})


def _recordings(config: Config, *, notice_required: bool) -> RecordingsOut:
    said = config.recordings
    return RecordingsOut(
        store=said.store or str(config.node.data_dir / "recordings"),
        s3_endpoint=said.s3_endpoint,
        object_lock=said.object_lock,
        second_spool=said.second_spool_dir is not None,
        collectors_hear_own=said.collectors_hear_own,
        longest_pause_s=said.longest_pause_s,
        transcribed=bool(said.transcriber),
        notice_required=notice_required,
    )


async def _nodes(call: AnyCall) -> list[NodeOut]:
    services = call.services
    reading, own = services.storage.ledger_reading, services.config.node.name
    newest = await reading.newest_signed()
    nodes = [await _node(call, chain, place) for chain, place in newest.items()]
    if own not in newest:
        nodes.append(NodeOut(name=own, this=True, sequence=0, signed_at=None, stamped=False, problem=_problem(call)))
    return sorted(nodes, key=lambda node: node.name)


async def _node(call: AnyCall, chain: str, place: int) -> NodeOut:
    head = await call.services.storage.ledger_reading.newest_at(chain, place)
    said = None if head is None else head[1].said
    is_own = chain == call.services.config.node.name
    return NodeOut(
        name=chain,
        this=is_own,
        sequence=place,
        signed_at=None if said is None else said.signed_at,
        stamped=head is not None and head[1].stamp is not None,
        problem=_problem(call) if is_own else "",
    )


def _problem(call: AnyCall) -> str:
    """Why this node's ledger is not signed, as its keeper told the board."""
    told = call.services.live.snapshot().get(f"{LEDGER_TOPIC}/{call.services.config.node.name}", {})
    return str(told.get("problem", ""))
