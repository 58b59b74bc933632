"""Programs that transcribe, and programs that do not: real ones, given audio that is in no file."""

import os
import sys
from collections.abc import Iterator

import pytest

from recording import transcription
from recording.errors import SealBrokenError
from recording.transcription import CommandTranscriber, Transcript, TranscriptionError, Word

WAV = [b"RIFF", b"audio" * 1000]


async def _transcribed(program: str, *arguments: str) -> Transcript:
    command = (sys.executable, "-c", program, *arguments)
    return await CommandTranscriber(command).transcribe(WAV, 1.0)


async def test_a_program_reads_the_audio_and_sees_no_secret(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DIALER_RECORDINGS__KEY", "hush!")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "hush!")
    program = """
import json, os, sys
with open(sys.argv[2], "rb") as wav:
    size = len(wav.read()) + wav.seek(0)
secrets = sum("hush!" in value for value in os.environ.values())
word = f"{size} {sys.argv[1]} {secrets} {os.path.realpath(sys.argv[2])[:13]}"
print(json.dumps({"words": [{"channel": 0, "from_ms": 0, "to_ms": 1, "word": word, "sure": 0.9}]}))
"""
    transcript = await _transcribed(program, "--fast")
    assert transcript == Transcript((Word(0, 0, 1, "5004 --fast 0 /memfd:record"),))


@pytest.mark.parametrize(
    ("program", "message"),
    [
        ("raise SystemExit(3)", "ended with exit code 3"),
        ("print('hello')", "did not print a transcript"),
        ('print(\'{"words": [{"channel": 2, "from_ms": 0, "to_ms": 1, "word": "secret"}]}\')', "did not print"),
        ("print('[' * 100)", "printed more than 50 bytes"),
        ("import time; time.sleep(60)", "took too long and was ended"),
    ],
)
async def test_what_a_program_does_wrong(program: str, message: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(transcription, "MAX_ANSWER_BYTES", 90 if "channel" in program else 50)
    monkeypatch.setattr(transcription, "STARTING_S", 0.3 if "sleep" in program else 30.0)
    monkeypatch.setattr(transcription, "TIMES_REAL", 0.0)
    with pytest.raises(TranscriptionError, match=message) as failed:
        await _transcribed(program)
    assert "secret" not in str(failed.value)


async def test_no_program_and_no_audio() -> None:
    with pytest.raises(TranscriptionError, match="cannot be started"):
        await CommandTranscriber(("/no/such/program",)).transcribe(WAV, 1.0)

    def broken() -> Iterator[bytes]:
        yield b"RIFF"
        raise SealBrokenError("r-1: chunk 1")

    before = len(os.listdir("/proc/self/fd"))
    with pytest.raises(SealBrokenError):
        await CommandTranscriber(("true",)).transcribe(broken(), 1.0)
    assert len(os.listdir("/proc/self/fd")) == before, "what was in memory is gone"
