"""Who may find and hear which recordings: what the roles' table of permissions leaves open.

A collector has the own calls and nobody else's, where the house allows it at all. Where redactions of a recording were
made, the original is for those who need it as it was; everyone else hears the newest, which takes out the most.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from http import HTTPStatus

from dialer.api.problems import ApiError, not_found
from dialer.api.routing import AnyCall
from dialer.evidence.exporting import ExportingBusyError
from dialer.evidence.playing import PlayingBusyError
from dialer.model.account import Role
from dialer.model.recording import RecordingInfo, RecordingState
from recording.errors import RecordingError, StoreAwayError
from recording.transcription import TranscriptionError

HEARS_ORIGINALS = frozenset({Role.SUPERVISOR, Role.ADMINISTRATOR, Role.AUDITOR})
"""Hear what a redaction took out."""
KNOWS_NUMBERS = frozenset({Role.SUPERVISOR, Role.ADMINISTRATOR, Role.AUDITOR})
"""May ask by a number; whoever else could find out by asking whose number one is."""
_SOON_S = "5"


def own_calls_only(call: AnyCall) -> int | None:
    """The collector to whose calls the caller is kept; None: nobody's (ApiError 403: not even those)."""
    if call.actor.role is not Role.COLLECTOR:
        return None
    if not call.services.config.recordings.collectors_hear_own:
        raise ApiError(HTTPStatus.FORBIDDEN, "collectors hear no recordings in this house")
    return call.actor.account_id or 0


def may_hear_call(call: AnyCall, agent_id: int | None) -> bool:
    """Whether the caller may hear a call of this collector's, as far as whose call it was decides."""
    if call.actor.role is not Role.COLLECTOR:
        return True
    return call.services.config.recordings.collectors_hear_own and agent_id == call.actor.account_id


async def found(call: AnyCall) -> RecordingInfo:
    """The recording that the path names, if the caller may know of it (ApiError 403, 404)."""
    mine = own_calls_only(call)
    info = await call.services.storage.recordings.get(call.path.recording_id)
    if info is None or (mine is not None and info.agent_id != mine):
        raise not_found("recording")  # a foreign one, too: whether there is one is not for them
    return info


async def audible(call: AnyCall) -> RecordingInfo:
    """The recording that the path names, if the caller may hear it (ApiError 403, 404, 410)."""
    info = await found(call)
    heard = await in_its_place(call, info)
    if heard.recording_id != info.recording_id:
        raise ApiError(HTTPStatus.FORBIDDEN, f"a redaction takes its place: {heard.recording_id}")
    if info.state is RecordingState.DELETED:
        raise ApiError(HTTPStatus.GONE, "its key was destroyed: nobody can hear it any more; the ledger says why")
    return info


async def in_its_place(call: AnyCall, info: RecordingInfo) -> RecordingInfo:
    """What the caller hears of a recording: the newest redaction, for those who do not hear what it took out."""
    if call.actor.role in HEARS_ORIGINALS:
        return info
    redactions = await call.services.storage.recordings.derived(info.parent_id or info.recording_id)
    return redactions[-1] if redactions else info


@asynccontextmanager
async def opened() -> AsyncIterator[None]:
    """What goes wrong before the first byte, in words (ApiError 500, 503); the log has the facts."""
    try:
        yield
    except (PlayingBusyError, ExportingBusyError) as error:
        raise ApiError(HTTPStatus.SERVICE_UNAVAILABLE, str(error), headers={"Retry-After": _SOON_S}) from error
    except (StoreAwayError, TimeoutError) as error:
        detail = "the store of the recordings does not answer; try again"
        raise ApiError(HTTPStatus.SERVICE_UNAVAILABLE, detail, headers={"Retry-After": _SOON_S}) from error
    except TranscriptionError as error:  # nothing is wrong with the recording
        raise ApiError(HTTPStatus.INTERNAL_SERVER_ERROR, f"it was not transcribed: {error}") from error
    except RecordingError as error:
        detail = "the recording cannot be opened as it was sealed: it, or its key, is not what it was; verify it"
        raise ApiError(HTTPStatus.INTERNAL_SERVER_ERROR, detail) from error
