"""What was said, written down by a program of the house's choice. Nothing is transcribed unless one is named.

The program is given a WAV file (PCM, 8 kHz, channel 0 the called person, channel 1 what that person heard) that lies in
memory and nowhere else: its path, `/dev/fd/N`, is the last argument, or stands where an argument is `{wav}`. It prints

    {"language": "zh", "words": [{"channel": 0, "from_ms": 120, "to_ms": 480, "word": "您好"}]}

and ends with exit code 0. What it writes to standard error is for its own logs and read by nobody.
"""

import asyncio
import os
from asyncio.subprocess import DEVNULL, PIPE, Process
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from typing import Annotated, Protocol

import msgspec

from recording.errors import RecordingError

PLACE = "{wav}"
NICENESS = 10
STARTING_S = 120.0
"""Of the time a program may take: for loading what it knows."""
TIMES_REAL = 3.0
"""Of the time a program may take: for each second of the recording."""
MAX_ANSWER_BYTES = 16 << 20
"""An hour of speech has some 10,000 words of 70 bytes each."""
_READ_BYTES = 1 << 16
_SECRET = ("DIALER_", "AWS_")
"""How names of settings begin that are nobody else's business."""

Milliseconds = Annotated[int, msgspec.Meta(ge=0)]


class TranscriptionError(RecordingError):
    """The program that writes down what was said failed."""


class Word(msgspec.Struct, frozen=True, forbid_unknown_fields=False):
    """A word, or as much as the program takes for one; milliseconds from the start of the recording."""

    channel: Annotated[int, msgspec.Meta(ge=0, le=1)]
    from_ms: Milliseconds
    to_ms: Milliseconds
    word: Annotated[str, msgspec.Meta(max_length=1000)]


class Transcript(msgspec.Struct, frozen=True, forbid_unknown_fields=False):
    """What was said, in order of time."""

    words: tuple[Word, ...]
    language: Annotated[str, msgspec.Meta(max_length=35)] = ""

    def text(self) -> str:
        """What each side said, a line a turn, without its times."""
        turns: list[tuple[int, list[str]]] = []
        for word in self.words:
            if not turns or turns[-1][0] != word.channel:
                turns.append((word.channel, []))
            turns[-1][1].append(word.word)
        return "\n".join(_sentence(words) for _, words in turns)


class Transcriber(Protocol):
    """Writes down what was said. Raises TranscriptionError and what reading `wav` raises."""

    async def transcribe(self, wav: Iterable[bytes], duration_s: float) -> Transcript: ...


class CommandTranscriber:
    """A program of the house, started for each recording."""

    def __init__(self, command: Sequence[str]) -> None:
        self._command = tuple(command)

    async def transcribe(self, wav: Iterable[bytes], duration_s: float) -> Transcript:
        """Raises TranscriptionError: it cannot be started, fails, takes too long, or prints something else."""
        memory = os.memfd_create("recording", os.MFD_CLOEXEC)
        try:
            await asyncio.to_thread(_write_all, memory, iter(wav))
            async with asyncio.timeout(STARTING_S + TIMES_REAL * duration_s):
                answer = await self._ask(memory)
        except TimeoutError as error:
            raise TranscriptionError(f"{self._command[0]}: took too long and was ended") from error
        finally:
            os.close(memory)
        return _read(answer, self._command[0])

    async def _ask(self, memory: int) -> bytes:
        path = f"/dev/fd/{memory}"
        arguments = [argument.replace(PLACE, path) for argument in self._command]
        if arguments == list(self._command):
            arguments.append(path)
        try:
            process = await asyncio.create_subprocess_exec(
                *arguments, stdin=DEVNULL, stdout=PIPE, stderr=DEVNULL, pass_fds=(memory,), env=_environment()
            )
        except OSError as error:
            raise TranscriptionError(f"{self._command[0]}: cannot be started: {error.strerror}") from error
        try:
            with suppress(OSError):  # ended already
                os.setpriority(os.PRIO_PROCESS, process.pid, NICENESS)
            answer = await self._answer(process)
            code = await process.wait()
        finally:
            if process.returncode is None:
                process.kill()
                await process.wait()
        if code != 0:
            raise TranscriptionError(f"{self._command[0]}: ended with exit code {code}")
        return answer

    async def _answer(self, process: Process) -> bytes:
        if process.stdout is None:
            raise TranscriptionError(f"{self._command[0]}: has no standard output")
        answer = bytearray()
        while piece := await process.stdout.read(_READ_BYTES):
            answer += piece
            if len(answer) > MAX_ANSWER_BYTES:
                raise TranscriptionError(f"{self._command[0]}: printed more than {MAX_ANSWER_BYTES} bytes")
        return bytes(answer)


def encode_transcript(transcript: Transcript) -> bytes:
    """As it is sealed."""
    return msgspec.json.encode(transcript)


def decode_transcript(data: bytes) -> Transcript:
    """What `encode_transcript` wrote. Raises msgspec.ValidationError or msgspec.DecodeError for anything else."""
    return msgspec.json.decode(data, type=Transcript)


def dispute_words(transcript: Transcript, words: Iterable[str]) -> tuple[Word, ...]:
    """Where one of these was said, in order of time; case does not matter, and where words end does not either.

    A program for Chinese cuts a sentence where it likes, so each side is read as one text without blanks.
    """
    found: set[tuple[int, int, int, str]] = set()
    for channel in (0, 1):
        said = [word for word in transcript.words if word.channel == channel]
        text, owners = _joined(said)
        for phrase in words:
            found |= {
                (said[owners[at]].from_ms, said[owners[end - 1]].to_ms, channel, phrase)
                for at, end in _occurrences(text, _plain(phrase))
            }
    return tuple(Word(channel, from_ms, to_ms, phrase) for from_ms, to_ms, channel, phrase in sorted(found))


def _sentence(words: Sequence[str]) -> str:
    """With blanks between words that are written with blanks: Chinese is not."""
    sentence = words[0]
    for word in words[1:]:
        is_spaced = bool(sentence and word) and sentence[-1].isascii() and word[0].isascii()
        sentence += f" {word}" if is_spaced else word
    return sentence


def _joined(words: Sequence[Word]) -> tuple[str, list[int]]:
    """The text, and for each character the number of its word."""
    text: list[str] = []
    owners: list[int] = []
    for n, word in enumerate(words):
        plain = _plain(word.word)
        text.append(plain)
        owners += [n] * len(plain)
    return "".join(text), owners


def _plain(text: str) -> str:
    return "".join(text.casefold().split())


def _occurrences(text: str, phrase: str) -> Iterator[tuple[int, int]]:
    at = text.find(phrase) if phrase else -1
    while at >= 0:
        yield at, at + len(phrase)
        at = text.find(phrase, at + 1)


def _read(answer: bytes, program: str) -> Transcript:
    try:
        transcript = decode_transcript(answer)
    except (msgspec.DecodeError, msgspec.ValidationError) as error:
        raise TranscriptionError(f"{program}: did not print a transcript: {error}") from error
    words = sorted(transcript.words, key=lambda word: (word.from_ms, word.channel, word.to_ms))
    return Transcript(tuple(words), transcript.language)


def _write_all(descriptor: int, pieces: Iterator[bytes]) -> None:
    with os.fdopen(os.dup(descriptor), "wb") as stream:
        for piece in pieces:
            stream.write(piece)


def _environment() -> Mapping[str, str]:
    return {name: value for name, value in os.environ.items() if not name.startswith(_SECRET)}
