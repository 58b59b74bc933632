"""Redactions made: of an original in the vault a second recording without some spans, with its own key and entry."""

import asyncio
from collections.abc import Sequence
from functools import partial

from dialer.clock import Clock
from dialer.errors import InputError
from dialer.evidence.playing import Player
from dialer.evidence.recording_keeper import on_record
from dialer.model.recording import RecordingInfo
from dialer.storage import Storage
from recording.decoding import AudioReader
from recording.finalize import Feed, Laid
from recording.marks import MarkKind, decode_marks
from recording.redaction import Span, redacted
from recording.spool import RATE_HZ
from recording.vault import FinalizedRecording, Vault

REDACT_TIMEOUT_S = 300.0
"""An hour of audio takes some 6 s of CPU and its way into the store."""


class Redactor:
    """One per node; makes one redaction at a time."""

    def __init__(self, storage: Storage, vault: Vault, player: Player, node: str, clock: Clock) -> None:
        self._storage = storage
        self._vault = vault
        self._player = player
        self._node = node
        self._clock = clock
        self._turn = asyncio.Lock()

    async def redact(self, original: RecordingInfo, spans: Sequence[Span], account_id: int | None) -> RecordingInfo:
        """Makes and stores the next redaction of an original; whose `account_id` it was stands in the ledger.

        Raises InputError (a span is outside of the recording, or this is a redaction itself), RecordingError.
        """
        _check(original, spans)
        async with self._turn, asyncio.timeout(REDACT_TIMEOUT_S):
            earlier = await self._storage.recordings.derived(original.recording_id)
            recording_id = f"{original.recording_id}.r{len(earlier) + 1}"
            audio = await self._player.audio(original, await self._player.open(original))
            feed = _feed(original, earlier, spans, audio)
            kept = await asyncio.to_thread(partial(self._vault.keep, recording_id, original.started_at, feed))
            return await self._note(original, kept, spans, account_id)

    async def _note(
        self, original: RecordingInfo, kept: FinalizedRecording, spans: Sequence[Span], account_id: int | None
    ) -> RecordingInfo:
        row, key = on_record(kept, original.attempt_id, self._node, parent_id=original.recording_id)
        made = {"made_of": original.sha256, "redacted": [span.facts() for span in spans], "account": account_id}
        await self._storage.recordings.add(row, key, self._clock.utcnow(), made=made)
        info = await self._storage.recordings.get(kept.recording_id)
        if info is None:
            raise InputError(f"recording {original.recording_id}: it was deleted meanwhile")
        return info


def _check(original: RecordingInfo, spans: Sequence[Span]) -> None:
    if original.parent_id:
        raise InputError(f"{original.recording_id} is a redaction itself; make another one of {original.parent_id}")
    length_ms = round(original.duration_s * 1000)
    for span in spans:
        if not 0 <= span.from_ms < span.to_ms <= length_ms:
            raise InputError(f"a span lies within the {length_ms} ms of the recording and has a length")


def _feed(original: RecordingInfo, earlier: Sequence[RecordingInfo], spans: Sequence[Span], audio: AudioReader) -> Feed:
    lost_samples = original.lost_ms * RATE_HZ // 1000
    marks = decode_marks(original.marks)
    laid = Laid(audio.n_samples, lost_samples, original.truncated, marks)
    taken = [mark for info in earlier for mark in decode_marks(info.marks) if mark.kind is MarkKind.REDACTED]
    return redacted(audio, spans, laid, taken)
