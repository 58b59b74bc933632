"""Network announcements: the library of those that are known, and naming those that are not.

What is kept of an announcement is how it sounds, not its audio; only what waits for a name can be heard, for as long as
it waits.
"""

import asyncio
import base64
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Annotated, Self

from aiohttp import web
from pydantic import BaseModel, Field, StringConstraints

from dialer.api.auditing import audit
from dialer.api.paging import Limit
from dialer.api.problems import bad_field, conflict, not_found
from dialer.api.routing import AnyCall, Call, Id, Input, Nothing, Routes
from dialer.api.uploads import uploaded
from dialer.errors import InputError
from dialer.model.announcement import Announcement, AnnouncementMeaning, HeardWith, NewAnnouncement, UnknownCluster
from dialer.outcomes import verdict_audio
from dialer.progress.announcements import AnnouncementLibrary, Match, matches_in
from dialer.progress.clusters import nearest
from dialer.progress.fingerprint import LEAST_ACTIVE_MS, Fingerprint, fingerprint_of
from dialer.prompts.audio import read_audio

routes = Routes("announcements")

MAX_AUDIO_BYTES = 32 << 20
"""A minute of 96 kHz stereo; a telephone recording of that length is 1 MB at most."""
SUFFIXES = {
    "audio/wav": ".wav",
    "audio/x-wav": ".wav",
    "audio/flac": ".flac",
    "audio/ogg": ".ogg",
}

MEANINGS: Mapping[AnnouncementMeaning, tuple[str, str]] = {
    AnnouncementMeaning.EMPTY_NUMBER: ("空号", "number not in use"),
    AnnouncementMeaning.POWERED_OFF: ("关机", "switched off"),
    AnnouncementMeaning.SUSPENDED: ("停机", "service suspended"),
    AnnouncementMeaning.UNREACHABLE: ("无法接通", "unreachable"),
    AnnouncementMeaning.BUSY: ("正在通话中", "busy"),
    AnnouncementMeaning.NO_ANSWER: ("无人接听", "no answer"),
    AnnouncementMeaning.INCOMING_BARRED: ("呼入限制", "takes no calls"),
    AnnouncementMeaning.CALL_ASSISTANT: ("来电助理", "a service answers"),
    AnnouncementMeaning.NETWORK_BUSY: ("网络忙", "network busy"),
    AnnouncementMeaning.KEEP_WAITING: ("请稍候", "the call goes on"),
    AnnouncementMeaning.OTHER: ("其他", "of no consequence"),
}
"""In Chinese and in English, as people read them."""

Title = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=200)]
Language = Annotated[str, StringConstraints(pattern=r"^[a-z]{2,3}(\+[a-z]{2,3}){0,3}$")]


class AnnouncementPath(Input):
    announcement_id: Id


class ClusterPath(Input):
    cluster_id: Id


class NameIn(Input):
    """What an announcement says and means. `language`: zh, en, or zh+en for one after the other."""

    title: Title
    meaning: AnnouncementMeaning
    language: Language = "zh"


class AddQuery(NameIn):
    """The recording is the body: WAV, FLAC or Ogg of any rate, with nothing but the announcement in it."""

    source: Annotated[str, StringConstraints(max_length=200)] = ""


class UnknownQuery(Input):
    limit: Limit = 100


class CompleteIn(Input):
    """All announcements of one carrier, its mailbox's greeting among them; none takes the statement back."""

    carrier: Title
    announcement_ids: Annotated[list[Id], Field(max_length=500)]


class AnnouncementOut(BaseModel):
    """An entry of the library; `meaning_zh` and `meaning_en` are its meaning in words.

    `complete_set`: the carrier of which this and the others of that name are all announcements; empty: nobody says so.
    """

    announcement_id: int
    title: str
    meaning: AnnouncementMeaning
    meaning_zh: str
    meaning_en: str
    language: str
    source: str
    added_by: str
    added_at: datetime
    length_ms: int
    complete_set: str

    @classmethod
    def of(cls, entry: Announcement) -> Self:
        """As stored, with words for its meaning."""
        zh, en = MEANINGS[entry.meaning]
        words = {"meaning_zh": zh, "meaning_en": en}
        stored = {name: getattr(entry, name) for name in cls.model_fields if name not in words}
        return cls.model_validate(stored | words)


class AnnouncementList(BaseModel):
    """The library, in the order in which it grew."""

    items: list[AnnouncementOut]


class ExportedEntry(BaseModel):
    """An entry with how it sounds (base64 of a form of our own)."""

    announcement_id: int
    title: str
    meaning: AnnouncementMeaning
    fingerprint: str
    in_complete_set: bool


class LibraryExport(BaseModel):
    """The library as `dialer announcements match --library` takes it."""

    items: list[ExportedEntry]


class MatchOut(BaseModel):
    """A known announcement, recognised `matched_ms` into the recording; its first sound is at `starts_ms`.

    Not `certain`: what was heard so far may also be the beginning of one that nobody added; a call goes on.
    """

    announcement_id: int
    title: str
    meaning: AnnouncementMeaning
    matched_ms: int
    starts_ms: int
    score: float
    certain: bool

    @classmethod
    def of(cls, match: Match) -> Self:
        return cls(**{name: getattr(match, name) for name in cls.model_fields})


class MatchList(BaseModel):
    """In the order in which they were recognised; empty: nothing that is known."""

    items: list[MatchOut]


class UnknownOut(BaseModel):
    """An announcement without a name: how often it was heard, first on `attempt_id`, and on which trunks with what."""

    cluster_id: int
    times: int
    first_heard_at: datetime
    last_heard_at: datetime
    length_ms: int
    attempt_id: int
    campaign_id: int
    heard_with: list[HeardWith] = Field(description="sip_status 0: the call had no final status.")

    @classmethod
    def of(cls, cluster: UnknownCluster) -> Self:
        return cls(**{name: getattr(cluster, name) for name in cls.model_fields})


class UnknownList(BaseModel):
    """The most often heard first."""

    items: list[UnknownOut]


@routes.add("GET", "/v1/announcements", "announcements.list")
async def list_announcements(call: Call[Nothing, Nothing, Nothing]) -> AnnouncementList:
    """Lists the known announcements."""
    return AnnouncementList(
        items=[AnnouncementOut.of(entry) for entry in await call.services.storage.announcements.all()]
    )


@routes.add("POST", "/v1/announcements", "announcements.add", status=201, consumes=tuple(SUFFIXES))
async def add(call: Call[Nothing, AddQuery, Nothing]) -> AnnouncementOut:
    """Adds an announcement from a recording; every node listens for it within seconds."""
    pcm = await _recording(call)
    fingerprint = await asyncio.to_thread(fingerprint_of, pcm)
    if fingerprint.active_ms < LEAST_ACTIVE_MS:
        raise bad_field("body", f"holds less than {LEAST_ACTIVE_MS} ms of speech", "send the whole announcement")
    await _refuse_contradiction(call, fingerprint, call.query.meaning)
    library, asked = call.services.storage.announcements, call.query
    new = NewAnnouncement(asked.title, asked.meaning, asked.language, asked.source or "uploaded")
    entry = await library.add(new, fingerprint, call.actor.actor, call.services.clock.utcnow())
    await audit(call, "announcement.add", f"announcement/{entry.announcement_id}", f"{new.meaning.value}: {new.title}")
    return AnnouncementOut.of(entry)


@routes.add("DELETE", "/v1/announcements/{announcement_id}", "announcements.remove")
async def remove(call: Call[AnnouncementPath, Nothing, Nothing]) -> None:
    """Takes an announcement out of the library; who did it and when stays on record."""
    announcement_id, now = call.path.announcement_id, call.services.clock.utcnow()
    if not await call.services.storage.announcements.remove(announcement_id, call.actor.actor, now):
        raise not_found("announcement")
    await audit(call, "announcement.remove", f"announcement/{announcement_id}")


@routes.add("POST", "/v1/announcements/complete", "announcements.complete")
async def complete(call: Call[Nothing, Nothing, CompleteIn]) -> AnnouncementList:
    """States that these are all announcements of a carrier: calls then take their beginnings at their word."""
    library, carrier, ids = call.services.storage.announcements, call.body.carrier, call.body.announcement_ids
    if not await library.state_complete(carrier, ids):
        raise bad_field("announcement_ids", "not all of them are in the library")
    named = ", ".join(str(announcement_id) for announcement_id in sorted(set(ids)))
    await audit(call, "announcement.complete", f"announcement_set/{carrier}", named or "taken back")
    return AnnouncementList(
        items=[AnnouncementOut.of(entry) for entry in await library.all() if entry.complete_set == carrier]
    )


@routes.add("POST", "/v1/announcements/match", "announcements.match", consumes=tuple(SUFFIXES))
async def match(call: Call[Nothing, Nothing, Nothing]) -> MatchList:
    """Says which known announcements a live call would have recognised in a recording, and when."""
    pcm = await _recording(call)
    _, known = await call.services.storage.announcements.known()
    found = await asyncio.to_thread(lambda: matches_in(AnnouncementLibrary(known), pcm))
    return MatchList(items=[MatchOut.of(one) for one in found])


@routes.add("GET", "/v1/announcements/export", "announcements.export")
async def export(call: Call[Nothing, Nothing, Nothing]) -> LibraryExport:
    """Gives the library with how its announcements sound, to match recordings elsewhere."""
    _, known = await call.services.storage.announcements.known()
    return LibraryExport(
        items=[
            ExportedEntry(
                announcement_id=entry.announcement_id,
                title=entry.title,
                meaning=entry.meaning,
                fingerprint=base64.b64encode(entry.fingerprint.to_bytes()).decode(),
                in_complete_set=entry.in_complete_set,
            )
            for entry in known
        ]
    )


@routes.add("GET", "/v1/announcements/unknown", "announcements.unknown")
async def list_unknown(call: Call[Nothing, UnknownQuery, Nothing]) -> UnknownList:
    """Lists announcements that were heard before the answer and wait for a name, each once."""
    found = await call.services.storage.announcements.unknown(call.query.limit)
    return UnknownList(items=[UnknownOut.of(cluster) for cluster in found])


@routes.add(
    "GET",
    "/v1/announcements/unknown/{cluster_id}/audio",
    "announcements.audio",
    produces=(verdict_audio.MEDIA_TYPE,),
)
async def get_audio(call: Call[ClusterPath, Nothing, Nothing]) -> web.StreamResponse:
    """Sends how an announcement without a name begins, as a WAV of five seconds at most."""
    audio = await call.services.storage.announcements.unknown_audio(call.path.cluster_id)
    if audio is None:
        raise not_found("announcement without a name")
    await audit(call, "announcement.audio", f"unknown_announcement/{call.path.cluster_id}")
    headers = {"Cache-Control": "private, no-store"}
    return web.Response(body=audio, content_type=verdict_audio.MEDIA_TYPE, headers=headers)


@routes.add("POST", "/v1/announcements/unknown/{cluster_id}/name", "announcements.name")
async def name(call: Call[ClusterPath, Nothing, NameIn]) -> AnnouncementOut:
    """Names an announcement that was heard; from now on calls recognise it."""
    cluster_id, asked = call.path.cluster_id, call.body
    fingerprint = await call.services.storage.announcements.unknown_fingerprint(cluster_id)
    if fingerprint is not None:
        await _refuse_contradiction(call, fingerprint, asked.meaning)
    new = NewAnnouncement(asked.title, asked.meaning, asked.language, f"calls, cluster {cluster_id}")
    now = call.services.clock.utcnow()
    entry = await call.services.storage.announcements.name_cluster(cluster_id, new, call.actor.actor, now)
    if entry is None:
        raise not_found("announcement without a name")
    await audit(call, "announcement.name", f"announcement/{entry.announcement_id}", f"{new.meaning.value}: {new.title}")
    return AnnouncementOut.of(entry)


async def _recording(call: AnyCall) -> bytes:
    suffix = SUFFIXES[call.request.content_type]
    async with uploaded(call.request, call.services.uploads_dir, suffix, MAX_AUDIO_BYTES) as path:
        return await asyncio.to_thread(_read, path)


def _read(path: Path) -> bytes:
    try:
        return read_audio(path)
    except InputError as error:  # it names the file by its place on our disk
        raise bad_field("body", str(error).replace(f"{path}: ", "")) from None


async def _refuse_contradiction(call: AnyCall, fingerprint: Fingerprint, meaning: AnnouncementMeaning) -> None:
    """One recording with two meanings would have none: neither entry would ever be recognised."""
    _, known = await call.services.storage.announcements.known()
    others = [(entry.announcement_id, entry.fingerprint) for entry in known if entry.meaning is not meaning]
    same = await asyncio.to_thread(nearest, fingerprint, others)
    if same is not None:
        raise conflict(f"announcement {same} sounds the same and means something else; remove it first")
