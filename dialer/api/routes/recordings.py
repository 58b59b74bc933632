"""Recordings: finding them by what is known of their calls."""

from datetime import datetime
from http import HTTPStatus
from typing import Annotated, Self

from pydantic import BaseModel, Field, StringConstraints

from dialer.api.auditing import audit
from dialer.api.hearing import KNOWS_NUMBERS, found, own_calls_only
from dialer.api.paging import Limit
from dialer.api.problems import ApiError, bad_field
from dialer.api.routes.proofs import Bound
from dialer.api.routing import AnyCall, Call, Id, Input, Nothing, Routes
from dialer.campaigns.phone_numbers import BadNumber, to_e164
from dialer.model.attempt import Disposition
from dialer.model.contact import mask_number
from dialer.model.recording import RecordingInfo, RecordingState
from dialer.model.recording_query import Between, Place, RecordingQuery

routes = Routes("recordings")

Word = Annotated[str, StringConstraints(max_length=100)]
Share = Annotated[float, Field(ge=0, le=1, allow_inf_nan=False)]
Length = Annotated[float, Field(ge=0, allow_inf_nan=False)]

_EQUAL = (
    "attempt_id",
    "case_ref",
    "agent_id",
    "outcome",
    "qa_state",
    "campaign_id",
    "verdict",
    "since",
    "until",
    "truncated",
    "redacted",
    "held",
    "deleted",
)
_RANGES = ("duration_s", "far_share", "near_share", "silence_share", "overtalk_share")


class RecordingPath(Input):
    recording_id: Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_-]{1,64}(\.r[0-9]{1,4})?$")]


class RecordingFilter(Input):
    """All given filters must fit. `cursor` is the `next` of the page before. Began in [`since`, `until`).

    `outcome` is the collector's code; it and `qa_state` are empty while there is none. `far` is the called person,
    `near` what that person heard; shares are of the length.
    """

    attempt_id: Id | None = None
    case_ref: Word | None = None
    agent_id: Id | None = None
    outcome: Word | None = None
    qa_state: Word | None = None
    campaign_id: Id | None = None
    disposition: Disposition | None = None
    verdict: Word | None = None
    since: Bound | None = None
    until: Bound | None = None
    duration_s_from: Length | None = None
    duration_s_to: Length | None = None
    far_share_from: Share | None = None
    far_share_to: Share | None = None
    near_share_from: Share | None = None
    near_share_to: Share | None = None
    silence_share_from: Share | None = None
    silence_share_to: Share | None = None
    overtalk_share_from: Share | None = None
    overtalk_share_to: Share | None = None
    truncated: bool | None = None
    redacted: bool | None = None
    held: bool | None = None
    deleted: bool | None = None
    cursor: Annotated[str, StringConstraints(max_length=120)] | None = None
    limit: Limit = 100


class RecordingSearch(RecordingFilter):
    """The same by a number, which stands in a body and never in a URL."""

    number: Annotated[str, StringConstraints(min_length=1, max_length=40, strip_whitespace=True)] | None = None


class RecordingOut(BaseModel):
    """A finalised recording: FLAC, channel 0 the called person (far), channel 1 what that person heard (near).

    `parent_id`: what this is a redaction of; `redactions` those made of this. Size and hash are of the FLAC file.
    """

    recording_id: str
    parent_id: str
    redactions: list[str]
    state: RecordingState
    attempt_id: int
    campaign_id: int
    case_ref: str
    number_masked: str
    agent_id: int | None
    node: str
    started_at: datetime
    duration_s: float
    disposition: str
    verdict: str
    outcome: str
    qa_state: str
    far_share: float
    near_share: float
    silence_share: float
    overtalk_share: float
    sha256: str
    size_bytes: int
    lost_ms: int
    truncated: bool

    @classmethod
    def of(cls, info: RecordingInfo, redactions: tuple[str, ...] = ()) -> Self:
        """As stored, without its place in the store."""
        same = {name: getattr(info, name) for name in cls.model_fields if name != "redactions"}
        return cls(redactions=list(redactions), **same)


class RecordingPage(BaseModel):
    """Recordings, newest first. A page may hold fewer than the limit, even none, and still have a `next`.

    Then a great many were looked through for it; go on until `next` is null.
    """

    items: list[RecordingOut]
    next: str | None


@routes.add("GET", "/v1/recordings", "recordings.list")
async def list_recordings(call: Call[Nothing, RecordingFilter, Nothing]) -> RecordingPage:
    """Finds recordings, newest first."""
    return await _page(call, call.query)


@routes.add("POST", "/v1/recordings/search", "recordings.search")
async def search(call: Call[Nothing, Nothing, RecordingSearch]) -> RecordingPage:
    """Finds recordings as the list does, of a number, too; such a search is in the audit log."""
    asked = call.body
    if asked.number is None:
        return await _page(call, asked)
    if call.actor.role not in KNOWS_NUMBERS:
        raise bad_field("body.number", "your role may not search by a number", "search by the case")
    number = to_e164(asked.number)
    if isinstance(number, BadNumber):
        raise bad_field("body.number", "is not a phone number")
    await audit(call, "recording.search", f"number/{mask_number(number)}")
    return await _page(call, asked, call.services.storage.number_index(number))


@routes.add("GET", "/v1/recordings/{recording_id}", "recordings.get")
async def get_recording(call: Call[RecordingPath, Nothing, Nothing]) -> RecordingOut:
    """Shows what is known of one recording, with the hash of its file."""
    info = await found(call)
    made = await call.services.storage.recordings.derived(info.recording_id)
    return RecordingOut.of(info, tuple(redaction.recording_id for redaction in made))


async def _page(call: AnyCall, asked: RecordingFilter, number_index: bytes | None = None) -> RecordingPage:
    storage = call.services.storage
    part = "body" if isinstance(asked, RecordingSearch) else "query"
    before = _parse_cursor(asked.cursor, f"{part}.cursor") if asked.cursor else None
    page = await storage.recordings.find(_query(asked, number_index, own_calls_only(call)), before, asked.limit)
    redactions = await storage.recordings.redactions([info.recording_id for info in page.items])
    items = [RecordingOut.of(info, redactions.get(info.recording_id, ())) for info in page.items]
    return RecordingPage(items=items, next=None if page.next is None else _cursor(page.next))


def _query(asked: RecordingFilter, number_index: bytes | None, mine: int | None) -> RecordingQuery:
    values = {name: getattr(asked, name) for name in _EQUAL}
    for name in _RANGES:
        values[name] = Between(getattr(asked, f"{name}_from"), getattr(asked, f"{name}_to"))
    if mine is not None:
        if asked.agent_id not in (None, mine):
            raise ApiError(HTTPStatus.FORBIDDEN, "a collector finds the own calls only")
        values["agent_id"] = mine
    disposition = None if asked.disposition is None else asked.disposition.value
    return RecordingQuery(number_index=number_index, disposition=disposition, **values)


def _cursor(place: Place) -> str:
    return f"{place[0].isoformat()}_{place[1]}"


def _parse_cursor(cursor: str, field: str) -> Place:
    started, _, recording_id = cursor.partition("_")
    try:
        at = datetime.fromisoformat(started)
    except ValueError:
        at = datetime.min  # noqa: DTZ901 -- only to fall into the refusal below
    if at.tzinfo is None:
        raise bad_field(field, "is not a cursor of this list", "give back the `next` of the page before")
    return at, recording_id
