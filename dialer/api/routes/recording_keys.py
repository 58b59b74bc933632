"""Keys of recordings: which key-encryption keys wrap them, and wrapping them with the current one."""

from typing import Annotated

from pydantic import BaseModel, Field, StringConstraints

from dialer.api.auditing import audit
from dialer.api.routing import Call, Input, Nothing, Routes
from dialer.evidence.rewrapping import BATCH

routes = Routes("recording_keys")


class KeyCounts(BaseModel):
    """How many recordings' keys each key-encryption key wraps; an id is the start of the key's SHA-256."""

    current: str
    """The one that wraps new recordings on this node."""
    counts: dict[str, int]


class RewrapIn(Input):
    """`after` is the `next` of the answer before."""

    after: Annotated[str, StringConstraints(max_length=80)] = ""
    limit: Annotated[int, Field(ge=1, le=BATCH)] = BATCH


class RewrapOut(BaseModel):
    """What one batch did."""

    rewrapped: int
    lost: list[str]
    """Recordings whose key no key-encryption key of this node opens; they were left as they are."""
    next: str | None


@routes.add("GET", "/v1/recording-keys", "recording_keys.counts")
async def count_keys(call: Call[Nothing, Nothing, Nothing]) -> KeyCounts:
    """Counts the recordings under each key-encryption key."""
    rewrapper = call.services.rewrapper
    return KeyCounts(current=rewrapper.current_id, counts=dict(await rewrapper.counts()))


@routes.add("POST", "/v1/recording-keys/rewrap", "recording_keys.rewrap")
async def rewrap_keys(call: Call[Nothing, Nothing, RewrapIn]) -> RewrapOut:
    """Wraps the keys of the next recordings with the current key-encryption key; their audio is not touched."""
    rewrapper = call.services.rewrapper
    done = await rewrapper.batch(call.body.after, call.body.limit)
    facts = f"{done.n_done} wrapped anew, {len(done.lost)} not to be opened"
    await audit(call, "recording_keys.rewrap", f"key/{rewrapper.current_id}", facts)
    return RewrapOut(rewrapped=done.n_done, lost=list(done.lost), next=done.last or None)
