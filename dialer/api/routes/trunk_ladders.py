"""Trunks in detail: load, what they answered, and the SIP messages of recent calls, masked.

All of it is of the node that answers, and since its start: messages are kept in memory only, of some hundred calls.
"""

from datetime import datetime
from typing import Annotated

from pydantic import BaseModel, Field, StringConstraints

from dialer.api.auditing import audit
from dialer.api.problems import not_found
from dialer.api.routes.attempts import AttemptPath
from dialer.api.routes.system import TrunkOut
from dialer.api.routing import AnyCall, Call, Input, Nothing, Routes
from dialer.sip.ladder_book import Ladder
from dialer.sip.trunks import TrunkStatus

routes = Routes("trunks")


class TrunkPath(Input):
    name: Annotated[str, StringConstraints(min_length=1, max_length=100)]


class LaddersQuery(Input):
    """`failed`: only calls that failed by nobody's will; busy, declined and taken back are left out."""

    limit: Annotated[int, Field(ge=1, le=200)] = 50
    failed: bool = False


class TrunkDetails(TrunkOut):
    """A trunk with what it answered to the newest calls of this node: how many of each final status (0: none came).

    `answered_share`: answered of all (ASR); `delay_median_s`: from the INVITE to the first sign of ringing (PDD).
    """

    node: str
    n_calls: int
    since: datetime | None
    statuses: dict[int, int]
    answered_share: float | None
    delay_median_s: float | None


class LadderList(BaseModel):
    """The SIP messages of calls, the newest call first: numbers masked, no credentials, chosen headers only."""

    node: str
    items: tuple[Ladder, ...]


@routes.add("GET", "/v1/trunks/{name}", "trunks.get")
async def get(call: Call[TrunkPath, Nothing, Nothing]) -> TrunkDetails:
    """Shows a trunk: its load, what keeps it from taking a call, and what it answered lately."""
    status = _find(call)
    answers = call.services.supervision.ladders.answers(status.name)
    return TrunkDetails(
        **{name: getattr(status, name) for name in TrunkOut.model_fields},
        node=call.services.config.node.name,
        n_calls=answers.n_calls,
        since=answers.since,
        statuses=answers.statuses,
        answered_share=answers.answered_share,
        delay_median_s=answers.delay_median_s,
    )


@routes.add("GET", "/v1/trunks/{name}/ladders", "trunks.ladders")
async def ladders(call: Call[TrunkPath, LaddersQuery, Nothing]) -> LadderList:
    """Shows the SIP messages of the newest calls over a trunk."""
    name = _find(call).name
    found = call.services.supervision.ladders.of_trunk(name, call.query.limit, failed_only=call.query.failed)
    await audit(call, "trunk.ladders", f"trunk/{name}", f"{len(found)} calls")
    return LadderList(node=call.services.config.node.name, items=found)


@routes.add("GET", "/v1/attempts/{attempt_id}/sip", "attempts.sip")
async def of_attempt(call: Call[AttemptPath, Nothing, Nothing]) -> LadderList:
    """Shows the SIP messages of an attempt, a call for each trunk tried; none when it is too long ago."""
    if await call.services.storage.attempts.get(call.path.attempt_id) is None:
        raise not_found("attempt")
    found = call.services.supervision.ladders.of_attempt(call.path.attempt_id)
    await audit(call, "attempt.sip", f"attempt/{call.path.attempt_id}")
    return LadderList(node=call.services.config.node.name, items=found)


def _find(call: AnyCall) -> TrunkStatus:
    for status in call.services.trunks.status():
        if status.name == call.path.name:
            return status
    raise not_found("trunk")
