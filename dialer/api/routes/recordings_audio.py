"""Recordings: hearing them. Every listening is in the audit log before its first byte leaves."""

from pathlib import PurePosixPath

from aiohttp import web

from dialer.api.auditing import audit
from dialer.api.hearing import audible
from dialer.api.problems import not_found
from dialer.api.routes.recordings import RecordingPath
from dialer.api.routing import Call, Nothing, Routes

routes = Routes("recordings")

FLAC = "audio/flac"


@routes.add("GET", "/v1/recordings/{recording_id}/audio", "recordings.audio", produces=(FLAC,))
async def get_audio(call: Call[RecordingPath, Nothing, Nothing]) -> web.StreamResponse:
    """Sends the recording's FLAC file; understands Range."""
    info = await audible(call)
    inside = PurePosixPath(info.path)
    if inside.is_absolute() or ".." in inside.parts:
        raise not_found("recording")
    path = call.services.recordings_dir / inside
    await audit(call, "recording.audio", f"recording/{info.recording_id}", call.request.headers.get("Range", ""))
    headers = {"Content-Type": FLAC, "Cache-Control": "private, no-store"}
    return web.FileResponse(path, headers=headers)
