"""Why a number or a case is called, or is not: now, or at another instant."""

from typing import Annotated

from pydantic import Field, StringConstraints

from dialer.api.auditing import audit
from dialer.api.explaining import Subject, WhyOut, explain
from dialer.api.hearing import KNOWS_NUMBERS
from dialer.api.problems import bad_field
from dialer.api.routes.proofs import Bound
from dialer.api.routing import Call, Input, Nothing, Routes
from dialer.campaigns.phone_numbers import BadNumber, to_e164

routes = Routes("why")

MAX_RECORDS = 100


class WhyIn(Input):
    """A number or a case, as people have it before them; it stands in the body, never in a URL.

    What is known as a case is taken for one, anything else for a number if it can be one. Who may not search by a
    number asks of cases only.
    """

    about: Annotated[str, StringConstraints(min_length=1, max_length=200, strip_whitespace=True)]
    at: Bound | None = None
    records: Annotated[int, Field(ge=1, le=MAX_RECORDS, description="Decisions on record to show, newest first.")] = 10


@routes.add("POST", "/v1/why", "why.ask")
async def why(call: Call[Nothing, Nothing, WhyIn]) -> WhyOut:
    """Explains: what is on record, what the gate says of every number by all its rules, and what else is in the way.

    The gate is asked as of `at`: with the facts as they were known then, by the packs that were in force.
    """
    asked = call.body
    subject = await _subject(call, asked.about)
    answer = await explain(call.services, subject, asked.at, asked.records)
    await audit(call, "why.ask", _audited(subject, answer), "" if asked.at is None else asked.at.isoformat())
    return answer


async def _subject(call: Call[Nothing, Nothing, WhyIn], about: str) -> Subject:
    number = to_e164(about)
    if isinstance(number, BadNumber):
        return Subject(case_ref=about)
    storage, now = call.services.storage, call.services.clock.utcnow()
    is_case = await storage.explaining.of_case(about, 1) or await storage.proof_reading.of_case(about, now, 1)
    if is_case:
        return Subject(case_ref=about)
    if call.actor.role not in KNOWS_NUMBERS:
        raise bad_field("body.about", "your role may not search by a number", "search by the case")
    return Subject(number=number)


def _audited(subject: Subject, answer: WhyOut) -> str:
    """What nobody knows may be a mistyped number: it is not written down."""
    if subject.number:
        return f"number/{subject.shown}"
    return f"case/{subject.case_ref}" if answer.is_known else "unknown"
