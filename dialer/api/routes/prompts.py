"""What the house says in calls: recordings are uploaded here, heard here, and replaced without losing the old ones."""

import asyncio
from collections.abc import Iterable
from datetime import datetime
from http import HTTPStatus
from pathlib import Path
from typing import Annotated, Literal, Self

from aiohttp import web
from pydantic import BaseModel, StringConstraints

from dialer.api.auditing import audit
from dialer.api.problems import ApiError, bad_field, not_found
from dialer.api.ranges import part_asked_for
from dialer.api.routes.announcements import SUFFIXES
from dialer.api.routing import AnyCall, Call, Id, Input, Nothing, Routes
from dialer.api.uploads import uploaded
from dialer.calls.prompts import prompts_of
from dialer.errors import ConfigError, InputError
from dialer.model.campaign import Campaign, CampaignState
from dialer.model.prompt import NewPrompt, PromptVersion
from dialer.prompts.audio import RATE_HZ, flac_of, pcm_of_flac, read_audio
from dialer.prompts.store import NAME_PATTERN, PromptFiles
from recording.playback import wav_header

routes = Routes("prompts")

MAX_UPLOAD_BYTES = 64 << 20
"""The longest prompt (`prompts.audio.MAX_FILE_S`) as 48 kHz stereo."""
MIN_LENGTH_MS = 200
WAV = "audio/wav"
NOT_OVER = tuple(state for state in CampaignState if state is not CampaignState.FINISHED)

Name = Annotated[str, StringConstraints(pattern=NAME_PATTERN)]
Language = Literal["", "zh-CN", "en"]


class PromptPath(Input):
    name: Name


class VersionPath(Input):
    prompt_id: Id


class LanguageQuery(Input):
    """`language` empty: the recording that is played for every language without one of its own."""

    language: Language = ""


class UploadQuery(LanguageQuery):
    """The recording is the body: WAV, FLAC or Ogg of any rate, five minutes at most; calls hear it at 8 kHz."""

    note: Annotated[str, StringConstraints(strip_whitespace=True, max_length=200)] = ""


class ListenQuery(Input):
    """What a call in this language hears."""

    language: Literal["zh-CN", "en"] = "zh-CN"


class PromptVersionOut(BaseModel):
    """A recording that was uploaded. Of those of one name and language, the one `in_use` is played."""

    prompt_id: int
    name: str
    language: str
    in_use: bool
    note: str
    uploaded_by: str
    uploaded_at: datetime
    length_ms: int

    @classmethod
    def of(cls, version: PromptVersion) -> Self:
        """As stored."""
        return cls(**{name: getattr(version, name) for name in cls.model_fields})


class UsedBy(BaseModel):
    """A campaign that is not over and may play it."""

    campaign_id: int
    name: str


class PromptOut(BaseModel):
    """A prompt by its name: what was uploaded goes before files of this node, and those before what is shipped.

    A `script` is put together from other prompts and a contact's own values. `spoken_in`: scripts that speak it.
    """

    name: str
    kind: Literal["recording", "script"]
    source: Literal["uploaded", "files", "shipped", "nothing"]
    languages: list[str]
    used_by: list[UsedBy]
    spoken_in: list[str]
    versions: list[PromptVersionOut]


class PromptList(BaseModel):
    """All prompts, by name."""

    items: list[PromptOut]


@routes.add("GET", "/v1/prompts", "prompts.list")
async def list_prompts(call: Call[Nothing, Nothing, Nothing]) -> PromptList:
    """Lists all prompts with their versions and the campaigns that play them."""
    storage = call.services.storage
    files = {prompt.name: prompt for prompt in await asyncio.to_thread(call.services.prompts.files)}
    versions: dict[str, list[PromptVersion]] = {}
    for version in await storage.prompts.all():
        versions.setdefault(version.name, []).append(version)
    used = _uses(await storage.campaigns.all(NOT_OVER))
    scripts = [prompt for prompt in files.values() if prompt.is_script]
    names = sorted(files.keys() | versions.keys() | used.keys())
    items = [_shown(name, files.get(name), versions.get(name, []), used.get(name, []), scripts) for name in names]
    return PromptList(items=items)


@routes.add("POST", "/v1/prompts/{name}", "prompts.upload", status=HTTPStatus.CREATED, consumes=tuple(SUFFIXES))
async def upload(call: Call[PromptPath, UploadQuery, Nothing]) -> PromptVersionOut:
    """Uploads a recording; calls that begin from now on play it instead of what was in use."""
    pcm = await _received(call)
    length_ms = len(pcm) * 1000 // (2 * RATE_HZ)
    if length_ms < MIN_LENGTH_MS:
        raise bad_field("body", f"is {length_ms} ms long", f"record at least {MIN_LENGTH_MS} ms")
    flac = await asyncio.to_thread(flac_of, pcm)
    new = NewPrompt(call.path.name, call.query.language, flac, length_ms, call.query.note)
    version = await call.services.storage.prompts.add(new, call.actor.actor, call.services.clock.utcnow())
    await audit(call, "prompt.upload", f"prompt/{new.name}", f"version {version.prompt_id} {new.language}".strip())
    return PromptVersionOut.of(version)


@routes.add("POST", "/v1/prompts/versions/{prompt_id}/use", "prompts.use")
async def use(call: Call[VersionPath, Nothing, Nothing]) -> PromptVersionOut:
    """Takes an earlier version into use again, instead of the one that is."""
    version = await call.services.storage.prompts.use(call.path.prompt_id)
    if version is None:
        raise not_found("version of a prompt")
    await audit(call, "prompt.use", f"prompt/{version.name}", f"version {version.prompt_id} {version.language}".strip())
    return PromptVersionOut.of(version)


@routes.add("DELETE", "/v1/prompts/{name}", "prompts.withdraw")
async def withdraw(call: Call[PromptPath, LanguageQuery, Nothing]) -> None:
    """Takes what was uploaded out of use, so that files count again; every version is kept."""
    if not await call.services.storage.prompts.withdraw(call.path.name, call.query.language):
        raise not_found("uploaded prompt in use")
    await audit(call, "prompt.withdraw", f"prompt/{call.path.name}", call.query.language)


@routes.add("GET", "/v1/prompts/{name}/audio", "prompts.audio", produces=(WAV,), refuses_with=(HTTPStatus.CONFLICT,))
async def listen(call: Call[PromptPath, ListenQuery, Nothing]) -> web.Response:
    """Sends what a call hears under this name, as a whole or a Range of it; a script with made-up values."""
    try:
        pcm = await call.services.prompts.sample(call.path.name, call.query.language)
    except (ConfigError, InputError) as error:
        raise ApiError(HTTPStatus.CONFLICT, f"cannot be played: {error}") from error
    return _wav(call, pcm)


@routes.add("GET", "/v1/prompts/versions/{prompt_id}/audio", "prompts.version_audio", produces=(WAV,))
async def listen_to_version(call: Call[VersionPath, Nothing, Nothing]) -> web.Response:
    """Sends one version as it is played, in use or not."""
    flac = await call.services.storage.prompts.audio(call.path.prompt_id)
    if flac is None:
        raise not_found("version of a prompt")
    return _wav(call, await asyncio.to_thread(pcm_of_flac, flac))


async def _received(call: AnyCall) -> bytes:
    suffix = SUFFIXES[call.request.content_type]
    async with uploaded(call.request, call.services.uploads_dir, suffix, MAX_UPLOAD_BYTES) as path:
        return await asyncio.to_thread(_read, path)


def _read(path: Path) -> bytes:
    try:
        return read_audio(path)
    except InputError as error:
        words = str(error).removeprefix(f"{path}: ")
        raise bad_field("body", words, "send a sound recording as WAV, FLAC or Ogg") from error


def _wav(call: AnyCall, pcm: bytes) -> web.Response:
    body = wav_header(len(pcm) // 2, 1) + pcm
    part = part_asked_for(call.request.headers, len(body), "")
    headers = part.headers | {"Cache-Control": "private, no-cache"}
    del headers["Content-Length"]  # aiohttp knows it
    return web.Response(status=part.status, body=body[part.begin : part.end], content_type=WAV, headers=headers)


def _uses(campaigns: Iterable[Campaign]) -> dict[str, list[UsedBy]]:
    used: dict[str, list[UsedBy]] = {}
    for campaign in campaigns:
        for name in prompts_of(campaign.settings):
            used.setdefault(name, []).append(UsedBy(campaign_id=campaign.campaign_id, name=campaign.name))
    return used


def _shown(
    name: str,
    files: PromptFiles | None,
    versions: list[PromptVersion],
    used_by: list[UsedBy],
    scripts: list[PromptFiles],
) -> PromptOut:
    in_use = [version for version in versions if version.in_use]
    languages = {version.language for version in in_use} | (files.languages if files else set())
    is_script = files is not None and files.is_script and not in_use
    return PromptOut(
        name=name,
        kind="script" if is_script else "recording",
        source="uploaded" if in_use else _source(files),
        languages=sorted(languages),
        used_by=used_by,
        spoken_in=[script.name for script in scripts if name in script.speaks],
        versions=[PromptVersionOut.of(version) for version in versions],
    )


def _source(files: PromptFiles | None) -> Literal["files", "shipped", "nothing"]:
    if files is None:
        return "nothing"
    return "shipped" if files.is_shipped else "files"
