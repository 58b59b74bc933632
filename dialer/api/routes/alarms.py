"""Alarms: what is wrong, since when, and what to do about it. They are of the node that answers."""

from datetime import datetime
from http import HTTPStatus
from typing import Annotated, Self

from pydantic import BaseModel, StringConstraints

from dialer.api.auditing import audit
from dialer.api.problems import not_found
from dialer.api.routing import Call, Input, Nothing, Routes
from dialer.supervising.alarm import Severity
from dialer.supervising.alarm_keeper import Standing
from dialer.words.bilingual import Bilingual

routes = Routes("alarms")


class AlarmBody(Input):
    """The alarm's key, as the list says it."""

    key: Annotated[str, StringConstraints(min_length=1, max_length=300)]


class AlarmOut(BaseModel):
    """One trouble that lasts. `subject` is what it is about: a trunk, a campaign's number, a node, a destination.

    `seen_by`: who has acknowledged it, empty while nobody has. The live topic `alarms` holds the same.
    """

    key: str
    code: str
    subject: str
    severity: Severity
    words: Bilingual
    advice: Bilingual
    since: datetime
    seen_by: str
    seen_at: datetime | None

    @classmethod
    def of(cls, standing: Standing) -> Self:
        """As it stands."""
        alarm = standing.alarm
        return cls(
            key=alarm.key,
            code=alarm.code,
            subject=alarm.subject,
            severity=alarm.severity,
            words=alarm.words,
            advice=alarm.advice,
            since=standing.since,
            seen_by=standing.seen_by,
            seen_at=standing.seen_at,
        )


class AlarmList(BaseModel):
    """What is wrong on `node`, the gravest first."""

    node: str
    items: list[AlarmOut]


@routes.add("GET", "/v1/alarms", "alarms.list")
async def list_alarms(call: Call[Nothing, Nothing, Nothing]) -> AlarmList:
    """Lists what is wrong now, and what to do about it."""
    items = [AlarmOut.of(standing) for standing in call.services.supervision.alarms.standing]
    return AlarmList(node=call.services.config.node.name, items=items)


@routes.add("POST", "/v1/alarms/acknowledge", "alarms.acknowledge", refuses_with=(HTTPStatus.NOT_FOUND,))
async def acknowledge(call: Call[Nothing, Nothing, AlarmBody]) -> AlarmOut:
    """Says that you have seen an alarm; it stays until its reason is gone."""
    standing = call.services.supervision.alarms.acknowledge(call.body.key, call.actor.actor)
    if standing is None:
        raise not_found("alarm any more")
    await audit(call, "alarm.acknowledge", f"alarm/{standing.alarm.code}", standing.alarm.subject)
    return AlarmOut.of(standing)
