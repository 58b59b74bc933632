"""Recordings: what is made of them. Exports leave the house; redactions and transcripts lie sealed in the vault."""

import asyncio
import hashlib
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing, asynccontextmanager
from http import HTTPStatus
from typing import Annotated, Literal

from aiohttp import web
from pydantic import BaseModel, Field, StringConstraints

from dialer.api.auditing import audit
from dialer.api.hearing import audible, opened
from dialer.api.problems import bad_field, not_found
from dialer.api.routes.recordings import RecordingOut, RecordingPath
from dialer.api.routes.recordings_audio import MAX_FROM_MS, MEDIA_TYPES, PRIVATE
from dialer.api.routing import AnyCall, Call, Input, Nothing, Routes
from dialer.api.streaming import stream
from dialer.model.recording import RecordingInfo
from dialer.redaction import mask_numbers
from recording.decoding import Side
from recording.playback import WAV_HEADER_BYTES, Content, FlacContent, WavContent
from recording.redaction import MAX_SPANS, Span, Why
from recording.spool import RATE_HZ
from recording.transcription import Transcript

routes = Routes("recordings")

EXPORT_TYPES = MEDIA_TYPES | {"opus": "audio/ogg"}
_ENDINGS = {"flac": "flac", "wav": "wav", "opus": "ogg"}
_SAMPLES_PER_MS = RATE_HZ // 1000
Milliseconds = Annotated[int, Field(ge=0, le=MAX_FROM_MS)]


class ExportIn(Input):
    """What to hand out, and why: the reason stands in the audit log. FLAC is the whole file as it is.

    `far` is the called person, `near` what that person heard.
    """

    format: Literal["opus", "wav", "flac"]
    channel: Side = Side.BOTH
    from_ms: Milliseconds = 0
    to_ms: Milliseconds | None = None
    reason: Annotated[str, StringConstraints(min_length=3, max_length=200, strip_whitespace=True)]


class SpanIn(Input):
    """What to take out of one side or both, in milliseconds from the start."""

    channel: Side = Side.BOTH
    from_ms: Milliseconds
    to_ms: Milliseconds
    why: Why


class RedactionIn(Input):
    """All that is to be silent. What an earlier redaction took out stays out."""

    spans: Annotated[list[SpanIn], Field(min_length=1, max_length=MAX_SPANS)]


class WordOut(BaseModel):
    """A word; milliseconds from the start of the recording."""

    channel: int
    from_ms: int
    to_ms: int
    word: str


class TranscriptOut(BaseModel):
    """What was said, in order of time. Channel 0 is the called person."""

    language: str
    words: list[WordOut]

    @classmethod
    def of(cls, transcript: Transcript) -> "TranscriptOut":
        """As it was made."""
        words = [WordOut(channel=w.channel, from_ms=w.from_ms, to_ms=w.to_ms, word=w.word) for w in transcript.words]
        return cls(language=transcript.language, words=words)


@routes.add(
    "POST",
    "/v1/recordings/{recording_id}/exports",
    "recordings.export",
    produces=tuple(EXPORT_TYPES.values()),
)
async def export(call: Call[RecordingPath, Nothing, ExportIn]) -> web.StreamResponse:
    """Hands a recording out as a file: Opus, WAV, or the FLAC file as it is.

    The audit log says who took what and why before the first byte leaves, and afterwards the SHA-256 of what was taken.
    """
    info, asked = await audible(call), call.body
    _check_span(info, asked)
    player = call.services.player
    place = player.listening(call.actor.holder)
    async with opened(), place, _made(call, info, asked) as (size, pieces), aclosing(pieces):
        first = await anext(pieces, b"")
        await audit(call, "recording.export", f"recording/{info.recording_id}", _said(asked))
        handed_out = _HandedOut(call, info, first, pieces)
        response = web.StreamResponse(headers=_headers(info, asked, size))
        try:
            await stream(call, response, handed_out.pieces(), f"recording {info.recording_id}")
        finally:
            await asyncio.shield(handed_out.log_unless_whole())
        return response


@routes.add("POST", "/v1/recordings/{recording_id}/redactions", "recordings.redact", status=HTTPStatus.CREATED)
async def redact(call: Call[RecordingPath, Nothing, RedactionIn]) -> RecordingOut:
    """Makes a redaction: a recording of its own in which the spans are silent; the original stays as it is."""
    info = await audible(call)
    spans = [Span(span.channel, span.from_ms, span.to_ms, span.why) for span in call.body.spans]
    said = ", ".join(f"{s.side.value} {s.from_ms} to {s.to_ms} ms: {s.why.value}" for s in spans)
    await audit(call, "recording.redact", f"recording/{info.recording_id}", said)
    async with opened():
        return RecordingOut.of(await call.services.redactor.redact(info, spans, call.actor.account_id))


@routes.add("GET", "/v1/recordings/{recording_id}/transcript", "recordings.transcript")
async def get_transcript(call: Call[RecordingPath, Nothing, Nothing]) -> TranscriptOut:
    """Shows what was said, if it was transcribed; reading it is in the audit log."""
    info = await audible(call)
    async with opened():
        transcript = await call.services.transcripts.get(info)
    if transcript is None:
        raise not_found("transcript")
    await audit(call, "recording.transcript", f"recording/{info.recording_id}")
    return TranscriptOut.of(transcript)


@routes.add(
    "POST",
    "/v1/recordings/{recording_id}/transcript",
    "recordings.transcribe",
    status=HTTPStatus.CREATED,
    answers_secret=True,  # kept for an Idempotency-Key it would outlive the recording's key
)
async def transcribe(call: Call[RecordingPath, Nothing, Nothing]) -> TranscriptOut:
    """Has a recording transcribed by the house's program; an earlier transcript makes room."""
    info = await audible(call)
    await audit(call, "recording.transcribe", f"recording/{info.recording_id}")
    async with opened():
        return TranscriptOut.of(await call.services.transcripts.make(info))


class _HandedOut:
    """What left, with its SHA-256; the audit log has it before the caller can see the end of a stream."""

    def __init__(self, call: AnyCall, info: RecordingInfo, first: bytes, rest: AsyncIterator[bytes]) -> None:
        self._call = call
        self._subject = f"recording/{info.recording_id}"
        self._first = first
        self._rest = rest
        self._sha256 = hashlib.sha256()
        self._size = 0
        self._is_whole = False

    async def pieces(self) -> AsyncIterator[bytes]:
        """A piece counts when it is handed over."""
        yield self._counted(self._first)
        async for piece in self._rest:
            yield self._counted(piece)
        self._is_whole = True
        await audit(self._call, "recording.exported", self._subject, self._said())

    async def log_unless_whole(self) -> None:
        """Whoever left early, or was cut off, has no more than this."""
        if not self._is_whole:
            await audit(self._call, "recording.exported", self._subject, f"cut short: {self._said()}")

    def _counted(self, piece: bytes) -> bytes:
        self._sha256.update(piece)
        self._size += len(piece)
        return piece

    def _said(self) -> str:
        return f"sha256 {self._sha256.hexdigest()}, {self._size} bytes"


@asynccontextmanager
async def _made(
    call: AnyCall, info: RecordingInfo, asked: ExportIn
) -> AsyncIterator[tuple[int | None, AsyncGenerator[bytes, None]]]:
    """The file's length, as far as it is known before, and its pieces."""
    player = call.services.player
    reader = await player.open(info)
    if asked.format == "flac":
        whole: Content = FlacContent(reader)
        yield whole.size, player.pieces(info, whole.pieces(0, whole.size))
        return
    last = None if asked.to_ms is None else asked.to_ms * _SAMPLES_PER_MS
    wav = WavContent(await player.audio(info, reader), asked.channel, asked.from_ms * _SAMPLES_PER_MS, last)
    if asked.format == "wav":
        yield wav.size, player.pieces(info, wav.pieces(0, wav.size))
        return
    pcm = player.pieces(info, wav.pieces(WAV_HEADER_BYTES, wav.size))
    async with aclosing(pcm), call.services.encoders.opus(pcm, asked.channel.n_channels) as pieces:
        yield None, pieces


def _check_span(info: RecordingInfo, asked: ExportIn) -> None:
    as_made = asked.channel is Side.BOTH and asked.from_ms == 0 and asked.to_ms is None
    if asked.format == "flac" and not as_made:
        raise bad_field("body.format", "FLAC is the whole file as it is", "ask for wav or opus")
    length_ms = info.duration_s * 1000
    end_ms = length_ms if asked.to_ms is None else min(asked.to_ms, length_ms)
    if asked.from_ms >= max(end_ms, 1):
        raise bad_field("body.from_ms", "is not before the end of what is asked for")


def _said(asked: ExportIn) -> str:
    until = "the end" if asked.to_ms is None else f"{asked.to_ms} ms"
    return f"{asked.format}, {asked.channel.value}, {asked.from_ms} ms to {until}: {mask_numbers(asked.reason)}"


def _headers(info: RecordingInfo, asked: ExportIn, size: int | None) -> dict[str, str]:
    side = "" if asked.channel is Side.BOTH else f".{asked.channel.value}"
    name = f"{info.recording_id}{side}.{_ENDINGS[asked.format]}"
    headers = {"Content-Type": EXPORT_TYPES[asked.format], "Content-Disposition": f'attachment; filename="{name}"'}
    return headers | PRIVATE | ({} if size is None else {"Content-Length": str(size)})
