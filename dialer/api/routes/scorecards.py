"""Scorecards: drawn up, frozen, used, retired. What is frozen never changes; a change is a new version."""

import asyncio
from typing import Annotated

from pydantic import BaseModel, Field, StringConstraints, model_validator

from dialer.api.auditing import audit
from dialer.api.problems import conflict, not_found
from dialer.api.routing import MAX_ID, Call, Id, Input, Nothing, Routes
from dialer.api.scorecard_models import Name, ScorecardIn, ScorecardList, ScorecardOut, VersionOut
from recording.review.ready_made import NAMES, ready_made
from recording.review.scorecard import Scorecard

routes = Routes("scorecards")

Revision = Annotated[int, Field(ge=0, le=MAX_ID, description="As it was read; 0: there is none yet.")]


class ScorecardPath(Input):
    scorecard_id: Id


class VersionPath(Input):
    version_id: Id


class CreateIn(Input):
    """A new scorecard: with a `content`, or with a copy of a ready-made one."""

    name: Name
    content: ScorecardIn | None = None
    ready_made: Annotated[str, StringConstraints(max_length=100)] | None = None

    @model_validator(mode="after")
    def _either(self) -> "CreateIn":
        if (self.content is None) == (self.ready_made is None):
            raise ValueError("give either `content` or `ready_made`")
        if self.ready_made is not None and self.ready_made not in NAMES:
            raise ValueError(f"`ready_made` must be one of: {', '.join(NAMES)}")
        return self

    async def value(self) -> Scorecard:
        """The content of the draft."""
        if self.content is not None:
            return self.content.value()
        return await asyncio.to_thread(ready_made, self.ready_made or "")


class DraftIn(Input):
    """What the draft is to be; `revision` is the one that was read."""

    revision: Revision
    content: ScorecardIn


class FreezeIn(Input):
    """The draft as it was read."""

    revision: Revision


class ReadyMade(BaseModel):
    """A form that is shipped with the program, to copy."""

    name: str
    content: Scorecard


class ReadyMadeList(BaseModel):
    """All of them."""

    items: list[ReadyMade]


@routes.add("GET", "/v1/scorecards", "scorecards.list")
async def list_scorecards(call: Call[Nothing, Nothing, Nothing]) -> ScorecardList:
    """Lists all scorecards with their versions."""
    return ScorecardList(items=[ScorecardOut.of(info) for info in await call.services.storage.scorecards.all()])


@routes.add("GET", "/v1/scorecards/ready-made", "scorecards.ready_made")
async def list_ready_made(call: Call[Nothing, Nothing, Nothing]) -> ReadyMadeList:
    """Shows the forms that are shipped, in English and Chinese."""
    shipped = {name: await asyncio.to_thread(ready_made, name) for name in NAMES}
    return ReadyMadeList(items=[ReadyMade(name=name, content=content) for name, content in shipped.items()])


@routes.add("POST", "/v1/scorecards", "scorecards.create", status=201)
async def create(call: Call[Nothing, Nothing, CreateIn]) -> ScorecardOut:
    """Creates a scorecard with a draft; nobody scores by it before it is frozen."""
    asked, now = call.body, call.services.clock.utcnow()
    content = await asked.value()
    info = await call.services.storage.scorecards.create(asked.name, content, call.actor.actor, now)
    await audit(call, "scorecard.create", f"scorecard/{info.scorecard_id}")
    return ScorecardOut.of(info)


@routes.add("GET", "/v1/scorecards/{scorecard_id}", "scorecards.get")
async def get_scorecard(call: Call[ScorecardPath, Nothing, Nothing]) -> ScorecardOut:
    """Shows a scorecard and its versions."""
    info = await call.services.storage.scorecards.get(call.path.scorecard_id)
    if info is None:
        raise not_found("scorecard")
    return ScorecardOut.of(info)


@routes.add("PUT", "/v1/scorecards/{scorecard_id}/draft", "scorecards.save_draft")
async def save_draft(call: Call[ScorecardPath, Nothing, DraftIn]) -> VersionOut:
    """Changes the draft, or begins one for the next version; the answer names what is wrong with it."""
    asked, now = call.body, call.services.clock.utcnow()
    draft = await call.services.storage.scorecards.save_draft(
        call.path.scorecard_id, asked.revision, asked.content.value(), call.actor.actor, now
    )
    if draft is None:
        raise not_found("scorecard")
    await audit(call, "scorecard.draft", f"scorecard/{draft.scorecard_id}", f"revision {draft.revision}")
    return VersionOut.of(draft)


@routes.add("POST", "/v1/scorecards/{scorecard_id}/freeze", "scorecards.freeze")
async def freeze(call: Call[ScorecardPath, Nothing, FreezeIn]) -> VersionOut:
    """Makes the draft the next version, which never changes and by which calls are scored from now on."""
    scorecards, now = call.services.storage.scorecards, call.services.clock.utcnow()
    if await scorecards.get(call.path.scorecard_id) is None:
        raise not_found("scorecard")
    frozen = await scorecards.freeze(call.path.scorecard_id, call.body.revision, call.actor.actor, now)
    if frozen is None:
        raise conflict("there is no draft to freeze: save one first")
    await audit(call, "scorecard.freeze", f"scorecard/{frozen.scorecard_id}", f"version {frozen.number}")
    return VersionOut.of(frozen)


@routes.add("GET", "/v1/scorecard-versions/{version_id}", "scorecards.version")
async def get_version(call: Call[VersionPath, Nothing, Nothing]) -> VersionOut:
    """Shows a version with its questions."""
    version = await call.services.storage.scorecards.version(call.path.version_id)
    if version is None:
        raise not_found("version of a scorecard")
    return VersionOut.of(version)


@routes.add("POST", "/v1/scorecard-versions/{version_id}/retire", "scorecards.retire")
async def retire(call: Call[VersionPath, Nothing, Nothing]) -> VersionOut:
    """Takes a version out of use: nothing is begun with it any more, what was begun goes on."""
    now = call.services.clock.utcnow()
    version = await call.services.storage.scorecards.retire(call.path.version_id, call.actor.actor, now)
    if version is None:
        raise not_found("version of a scorecard")
    await audit(call, "scorecard.retire", f"scorecard/{version.scorecard_id}", f"version {version.number}")
    return VersionOut.of(version)
