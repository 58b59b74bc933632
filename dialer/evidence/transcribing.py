"""Transcripts: made by the house's program, sealed beside the audio under the recording's key, and read again."""

import asyncio
import hashlib
from functools import partial

import msgspec

from dialer.clock import Clock
from dialer.errors import DialerError
from dialer.evidence.playing import Player
from dialer.evidence.stores import transcript_path
from dialer.model.recording import RecordingInfo, RecordingState
from dialer.storage import Storage
from recording.decoding import Side
from recording.errors import KeyLostError, ObjectMissingError, RecordingError
from recording.keys import Wrapped
from recording.playback import WavContent
from recording.transcription import Transcriber, Transcript, decode_transcript, encode_transcript
from recording.vault import Vault

PART = "transcript"


class NoTranscriberError(DialerError):
    """Nothing is transcribed here: recordings.transcriber names no program."""


class Transcripts:
    """One per node; transcribes one recording at a time. Without a transcriber it reads what there is."""

    def __init__(
        self, storage: Storage, vault: Vault, player: Player, transcriber: Transcriber | None, node: str, clock: Clock
    ) -> None:
        self._storage = storage
        self._vault = vault
        self._player = player
        self._transcriber = transcriber
        self._node = node
        self._clock = clock
        self._turn = asyncio.Lock()

    async def make(self, info: RecordingInfo) -> Transcript:
        """Transcribes a recording; an earlier transcript makes room. Raises NoTranscriberError, RecordingError."""
        if self._transcriber is None:
            raise NoTranscriberError
        async with self._turn:
            audio = await self._player.audio(info, await self._player.open(info))
            wav = WavContent(audio, Side.BOTH)
            transcript = await self._transcriber.transcribe(wav.pieces(0, wav.size), info.duration_s)
            await self._keep(info, encode_transcript(transcript))
        return transcript

    async def get(self, info: RecordingInfo) -> Transcript | None:
        """What was made of it; None: nothing. Raises RecordingError."""
        wrapped = await self._key(info)
        try:
            reader = await self._player.in_thread(
                partial(self._vault.open, transcript_path(info.path), wrapped, _object_id(info))
            )
        except ObjectMissingError:
            return None
        content = await self._player.in_thread(lambda: reader.read(0, reader.size))
        try:
            return decode_transcript(content)
        except (msgspec.DecodeError, msgspec.ValidationError) as error:
            raise RecordingError(f"recording {info.recording_id}: its transcript cannot be read") from error

    async def text(self, recording_id: str) -> str:
        """What was said, "" where nobody wrote it down. Raises RecordingError."""
        info = await self._storage.recordings.get(recording_id)
        if info is None or info.state is RecordingState.DELETED:
            return ""
        transcript = await self.get(info)
        return "" if transcript is None else transcript.text()

    async def _keep(self, info: RecordingInfo, content: bytes) -> None:
        name, wrapped, object_id = transcript_path(info.path), await self._key(info), _object_id(info)
        put = partial(self._vault.keep_beside, name, wrapped, object_id, content)
        sealed_sha256, sealed_bytes = await asyncio.to_thread(put)
        made = {
            "made_of": info.sha256,
            "path": name,
            "sha256": hashlib.sha256(content).hexdigest(),
            "size_bytes": len(content),
            "sealed_sha256": sealed_sha256,
            "sealed_bytes": sealed_bytes,
        }
        await self._storage.recordings.note_transcript(info.recording_id, made, self._node, self._clock.utcnow())

    async def _key(self, info: RecordingInfo) -> Wrapped:
        key = await self._storage.recordings.key(info.recording_id)
        if key is None:
            raise KeyLostError(f"recording {info.recording_id}: its key was destroyed; nothing opens it any more")
        return Wrapped(key.kek_id, key.wrapped)


def _object_id(info: RecordingInfo) -> str:
    return f"{info.recording_id}/{PART}"
