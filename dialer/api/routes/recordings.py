"""Recordings: finding them, and hearing them. Every download is in the audit log before its first byte leaves."""

from datetime import datetime
from pathlib import PurePosixPath
from typing import Annotated

from aiohttp import web
from pydantic import BaseModel, StringConstraints

from dialer.api.auditing import audit
from dialer.api.paging import Limit
from dialer.api.problems import bad_field, not_found
from dialer.api.routing import AnyCall, Call, Id, Input, Nothing, Routes
from dialer.model.recording import RecordingInfo

routes = Routes("recordings")

FLAC = "audio/flac"


class RecordingPath(Input):
    recording_id: Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_-]{1,64}$")]


class RecordingQuery(Input):
    """`cursor` is the `next` of the page before."""

    attempt_id: Id | None = None
    cursor: Annotated[str, StringConstraints(max_length=120)] | None = None
    limit: Limit = 100


class RecordingOut(BaseModel):
    """A finalised recording: FLAC, channel 0 the called person, channel 1 what that person heard."""

    recording_id: str
    attempt_id: int
    started_at: datetime
    duration_s: float
    sha256: str
    size_bytes: int
    lost_ms: int
    truncated: bool

    @classmethod
    def of(cls, info: RecordingInfo) -> "RecordingOut":
        """As stored, without its place on disk."""
        return cls(**{name: getattr(info, name) for name in cls.model_fields})


class RecordingPage(BaseModel):
    """Recordings, newest first."""

    items: list[RecordingOut]
    next: str | None


@routes.add("GET", "/v1/recordings", "recordings.list")
async def list_recordings(call: Call[Nothing, RecordingQuery, Nothing]) -> RecordingPage:
    """Lists recordings, newest first."""
    asked = call.query
    before = _parse_cursor(asked.cursor) if asked.cursor else None
    found = await call.services.storage.recordings.list(asked.attempt_id, before, asked.limit)
    last = found[-1] if len(found) == asked.limit else None
    following = f"{last.started_at.isoformat()}_{last.recording_id}" if last else None
    return RecordingPage(items=[RecordingOut.of(info) for info in found], next=following)


@routes.add("GET", "/v1/recordings/{recording_id}", "recordings.get")
async def get_recording(call: Call[RecordingPath, Nothing, Nothing]) -> RecordingOut:
    """Shows what is known of one recording, with the hash of its file."""
    return RecordingOut.of(await _find(call))


@routes.add("GET", "/v1/recordings/{recording_id}/audio", "recordings.audio", produces=(FLAC,))
async def get_audio(call: Call[RecordingPath, Nothing, Nothing]) -> web.StreamResponse:
    """Sends the recording's FLAC file; understands Range."""
    info = await _find(call)
    inside = PurePosixPath(info.path)
    if inside.is_absolute() or ".." in inside.parts:
        raise not_found("recording")
    path = call.services.recordings_dir / inside
    await audit(call, "recording.audio", f"recording/{info.recording_id}", call.request.headers.get("Range", ""))
    headers = {"Content-Type": FLAC, "Cache-Control": "private, no-store"}
    return web.FileResponse(path, headers=headers)


async def _find(call: AnyCall) -> RecordingInfo:
    info = await call.services.storage.recordings.get(call.path.recording_id)
    if info is None:
        raise not_found("recording")
    return info


def _parse_cursor(cursor: str) -> tuple[datetime, str]:
    started, _, recording_id = cursor.partition("_")
    try:
        at = datetime.fromisoformat(started)
    except ValueError:
        at = datetime.min  # noqa: DTZ901 -- only to fall into the refusal below
    if at.tzinfo is None:
        raise bad_field("query.cursor", "is not a cursor of this list", "give back the `next` of the page before")
    return at, recording_id
