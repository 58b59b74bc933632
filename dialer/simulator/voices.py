"""The voices of a rehearsal, as PCM ready to play: greetings, answering machines, announcements, talk."""

from dataclasses import dataclass
from pathlib import Path

from dialer.prompts.audio import read_audio
from dialer.prompts.signals import silence

VOICES_DIR = Path(__file__).parent / "voices"
PAUSE_MS = 400


@dataclass(frozen=True, slots=True)
class Voices:
    """int16, little-endian, mono, 8 kHz, by what it is for."""

    greetings: tuple[bytes, ...]
    machines: tuple[bytes, ...]
    talk: tuple[bytes, ...]
    powered_off: bytes
    bad_number: bytes


def load_voices(folder: Path = VOICES_DIR) -> Voices:
    """Reads the shipped files; blocking, so before the loop runs. Raises InputError naming a file that is broken."""

    def those(pattern: str) -> tuple[bytes, ...]:
        return tuple(read_audio(path) for path in sorted(folder.glob(pattern)))

    return Voices(
        greetings=those("human_*.flac"),
        machines=those("machine_*.flac"),
        talk=tuple(clip + silence(PAUSE_MS) for clip in those("human_zh_*.flac")),
        powered_off=read_audio(folder / "announcement_powered_off.flac"),
        bad_number=read_audio(folder / "announcement_empty_number.flac"),
    )


def pick(clips: tuple[bytes, ...], draw: float) -> bytes:
    """One of the clips, by a number in [0, 1)."""
    return clips[int(draw * len(clips))]
