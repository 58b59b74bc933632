"""A link of a chain of proofs as people read it."""

import asyncio
import logging
from collections.abc import Collection, Mapping
from datetime import date, datetime
from typing import Any

import msgspec
from pydantic import BaseModel

from dialer.api.decision_words import DecisionOut, LocalTime, Words, by_short_hash, decision_out, local_times
from dialer.compliance.packs import pack_from_content
from dialer.compliance.policy import SHORT_HASH, Pack
from dialer.compliance.proof import ProofKind
from dialer.compliance.proof_replay import Question, read_question
from dialer.errors import ConfigError
from dialer.storage.proof_reading import ProofReading, StoredLink, StoredPack

logger = logging.getLogger(__name__)

TITLES: Mapping[ProofKind, Words] = {
    ProofKind.ALLOWED: Words(en="the gate allowed the call", zh="闸门允许呼叫"),
    ProofKind.REFUSED: Words(en="the gate refused the call", zh="闸门拒绝呼叫"),
    ProofKind.RELEASED: Words(en="given back: no call left the house", zh="已退回：呼叫未发出"),
    ProofKind.SETTLED: Words(en="the attempt ended", zh="呼叫已结束"),
    ProofKind.UNKNOWN: Words(en="its end was lost: it counts as placed", zh="结局不明：按已拨出计"),
    ProofKind.RECONCILED: Words(en="a person said how it ended", zh="人工核对了结局"),
    ProofKind.WRAP_UP: Words(en="the collector wrapped up", zh="坐席已小结"),
    ProofKind.POLICY: Words(en="these packs are in force from now on", zh="自此起生效的规则包"),
}
_TOLD_ELSEWHERE = frozenset(
    {
        *("v", "chain", "sequence", "previous", "kind", "at", "attempt_id", "facts", "decision"),
        *("number", "number_index", "person_ref", "case_ref", "campaign_id", "path", "node"),
        *("packs", "calendars", "clock", "counters", "first", "retiring"),
    }
)


class UsedPackOut(BaseModel):
    """A pack a decision was made by, with the calendar it reads."""

    sha256: str
    name: str
    title: str
    status: str
    valid_from: date
    valid_through: date | None
    zone: str
    calendar: str
    calendar_complete_through: date | None

    @classmethod
    def of(cls, pack: Pack) -> "UsedPackOut":
        """Without its rules."""
        calendar = pack.calendar
        return cls(
            **{name: getattr(pack, name) for name in cls.model_fields if not name.startswith("calendar")},
            calendar="" if calendar is None else calendar.name,
            calendar_complete_through=None if calendar is None else calendar.complete_through,
        )


class CounterOut(BaseModel):
    """How much of a rule's limit was used before and after the call; of a call given back, after and before it."""

    rule: str
    pack: str
    before: int
    after: int
    limit: int


class LinkOut(BaseModel):
    """One link. `said` is what else stands in it; `body` are its very bytes, of which `hash` is the SHA-256.

    `intact`: whether they still give that hash; of what was altered nothing is put into words.
    """

    chain: str
    sequence: int
    hash: str
    intact: bool
    kind: ProofKind
    title: Words
    at: datetime
    local_times: list[LocalTime]
    node: str
    path: str
    campaign_id: int | None
    case_ref: str
    number_masked: str
    decision: DecisionOut | None
    packs: list[UsedPackOut]
    counters: list[CounterOut]
    said: dict[str, Any]
    body: str


async def link_out(proofs: ProofReading, link: StoredLink) -> LinkOut:
    """A link with its decision in words, where it holds one, and the packs that was made by."""
    said: dict[str, Any] = msgspec.json.decode(link.body) if link.intact else {}
    question = read_question(link.body) if "decision" in said else None
    packs = [] if question is None else await packs_of(proofs, question)
    zones = () if question is None else question.facts.zones.zones
    return LinkOut(
        chain=link.chain,
        sequence=link.sequence,
        hash=link.hash.hex(),
        intact=link.intact,
        kind=link.kind,
        title=TITLES[link.kind],
        at=link.at,
        local_times=local_times(link.at, zones),
        node=said.get("node", link.chain),
        path=said.get("path", ""),
        campaign_id=said.get("campaign_id"),
        case_ref=said.get("case_ref", ""),
        number_masked=said.get("number", ""),
        decision=None if question is None else decision_out(question.decision, zones, by_short_hash(packs)),
        packs=[UsedPackOut.of(pack) for pack in packs],
        counters=[CounterOut(**counter) for counter in said.get("counters", ())],
        said={name: value for name, value in said.items() if name not in _TOLD_ELSEWHERE},
        body=link.body.decode("utf-8", "replace"),
    )


async def packs_of(proofs: ProofReading, question: Question) -> list[Pack]:
    """The packs whose rules were evaluated; one whose content is not on record is left out."""
    short = {result.pack for result in question.decision.evaluated}
    return await load_packs(proofs, [sha256 for sha256 in await proofs.packs() if sha256[:SHORT_HASH] in short])


async def load_packs(proofs: ProofReading, hashes: Collection[str]) -> list[Pack]:
    """Packs by their hashes, built from what is on record; one that is missing or was altered there is left out."""
    stored = [pack for sha256 in hashes if (pack := await proofs.pack(sha256)) is not None]
    return await asyncio.to_thread(lambda: [pack for one in stored if (pack := _built(one)) is not None])


def _built(stored: StoredPack) -> Pack | None:
    try:
        return pack_from_content(stored.content, stored.sha256)
    except ConfigError as error:
        logger.warning("a policy pack on record cannot be read: %s", error, extra={"action": "proofs"})
        return None
