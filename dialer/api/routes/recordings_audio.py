"""Recordings: hearing them. What is heard is in the audit log before its first byte leaves."""

from collections.abc import AsyncIterator
from contextlib import aclosing
from typing import Annotated, Literal

import msgspec
from aiohttp import web
from pydantic import BaseModel, Field

from dialer.api.auditing import audit
from dialer.api.hearing import audible, found, opened
from dialer.api.problems import bad_field
from dialer.api.ranges import Part, part_asked_for
from dialer.api.routes.recordings import RecordingPath
from dialer.api.routing import AnyCall, Call, Input, Nothing, Routes
from dialer.api.streaming import stream
from dialer.evidence.playing import Form
from dialer.model.recording import RecordingInfo
from recording.decoding import Side
from recording.marks import MarkKind
from recording.playback import PIECE_BYTES, SAMPLE_BYTES, Content
from recording.spool import RATE_HZ
from recording.tempo import MAX_SPEED, MIN_SPEED

routes = Routes("recordings")

MEDIA_TYPES = {"flac": "audio/flac", "wav": "audio/wav"}
PEAKS_TYPE = "application/octet-stream"
PRIVATE = {"Cache-Control": "private, no-store"}
MAX_FROM_MS = 24 * 3600 * 1000
LOGGED_STEP_S = 60
"""What was asked for is logged in whole minutes of a WAV, and in quarters of a megabyte of a FLAC file."""


class AudioQuery(Input):
    """FLAC is the file as it was finalised; a single side and another speed are WAV. `from_ms` is for another speed.

    `far` is the called person, `near` what that person heard.
    """

    format: Literal["flac", "wav"] | None = None
    channel: Side = Side.BOTH
    speed: Annotated[float, Field(ge=MIN_SPEED, le=MAX_SPEED, allow_inf_nan=False)] = 1.0
    from_ms: Annotated[int, Field(ge=0, le=MAX_FROM_MS)] = 0

    def form(self) -> Form:
        """ApiError 422: FLAC of a side or at a speed."""
        as_made = self.channel is Side.BOTH and self.speed == 1.0
        if self.format == "flac" and not as_made:
            raise bad_field("query.format", "FLAC is the file as it is", "ask for wav")
        if self.from_ms and self.speed == 1.0:
            raise bad_field("query.from_ms", "is for another speed", "ask for a Range of bytes")
        return Form(self.format or ("flac" if as_made else "wav"), self.channel, self.speed, self.from_ms)


class MarkOut(BaseModel):
    """A span in milliseconds that is silence, or a guess, on one channel or both.

    `parts`: so many of them with good audio between. `why`: of what a redaction took out.
    """

    kind: MarkKind
    channel: Literal[0, 1, "both"]
    from_ms: int
    to_ms: int
    parts: int = 1
    why: str = ""


class MarkList(BaseModel):
    """Marks by time."""

    items: list[MarkOut]


@routes.add("GET", "/v1/recordings/{recording_id}/audio", "recordings.audio", produces=tuple(MEDIA_TYPES.values()))
async def get_audio(call: Call[RecordingPath, AudioQuery, Nothing]) -> web.StreamResponse:
    """Sends a recording to a listener, as a whole or a Range of it; at another speed it keeps its pitch.

    The FLAC file has the hash that the ledger holds; WAV is made of it while it is sent. A listening is in the audit
    log, with what was asked for; several ranges within minutes make one entry.
    """
    info, form, player = await audible(call), call.query.form(), call.services.player
    async with opened(), player.listening(call.actor.holder):
        content = await player.content(info, form)
        etag = f'"{info.sha256}"' if form.container == "flac" else f'"{info.sha256}-{form}"'
        part = _part(call, form, content, etag)
        async with aclosing(player.pieces(info, content.pieces(part.begin, part.end))) as pieces:
            first = await anext(pieces, b"")
            await _log_listening(call, info, form, part)
            headers = {"Content-Type": MEDIA_TYPES[form.container], **PRIVATE}
            headers |= part.headers | {"ETag": etag} if form.in_ranges else {"Content-Length": str(content.size)}
            response = web.StreamResponse(status=part.status, headers=headers)
            await stream(call, response, _after(first, pieces), f"recording {info.recording_id}")
            return response


async def _after(first: bytes, rest: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    yield first
    async for piece in rest:
        yield piece


@routes.add("GET", "/v1/recordings/{recording_id}/peaks", "recordings.peaks", produces=(PEAKS_TYPE,))
async def get_peaks(call: Call[RecordingPath, Nothing, Nothing]) -> web.Response:
    """Sends the waveform of a recording, both sides; no word can be told from it."""
    info = await audible(call)
    async with opened():
        body = await call.services.player.peaks(info)
    return web.Response(body=body, content_type=PEAKS_TYPE, headers=PRIVATE)


@routes.add("GET", "/v1/recordings/{recording_id}/marks", "recordings.marks")
async def get_marks(call: Call[RecordingPath, Nothing, Nothing]) -> MarkList:
    """Lists where a recording is not what was said, and why."""
    info = await found(call)
    return MarkList.model_validate({"items": msgspec.json.decode(info.marks)})


def _part(call: AnyCall, form: Form, content: Content, etag: str) -> Part:
    if not form.in_ranges:
        return Part(0, content.size, content.size)
    return part_asked_for(call.request.headers, content.size, etag)


async def _log_listening(call: AnyCall, info: RecordingInfo, form: Form, part: Part) -> None:
    listenings, now, actor = call.services.player.listenings, call.services.clock.monotonic(), call.actor
    key = (actor.actor, str(actor.account_id), str(actor.token_id), actor.remote, info.recording_id, str(form))
    a_second = RATE_HZ * SAMPLE_BYTES * form.side.n_channels
    step = LOGGED_STEP_S * a_second if form.container == "wav" else PIECE_BYTES
    untold = listenings.untold(key, part.begin, part.end, step, now)
    if untold is not None:
        begin, end = untold[0], min(untold[1], part.size)
        heard = f"{begin // a_second} to {-(-end // a_second)} s" if form.container == "wav" else f"{begin} to {end} B"
        said = f"{form}: {heard}" if form.in_ranges else str(form)
        await audit(call, "recording.audio", f"recording/{info.recording_id}", said)
        listenings.told(key, untold, now)
