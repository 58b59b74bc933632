"""Audio with labels for the tests of what live calls hear, and what the detectors make of the same audio offline."""

import csv
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from dialer.media import g711
from dialer.media.interface import Codec
from dialer.progress.amd import AmdDetector
from dialer.progress.early_media import EarlyMediaDetector
from dialer.progress.frames import FRAME_BYTES
from dialer.progress.verdict import Verdict
from dialer.prompts.audio import read_audio
from dialer.prompts.signals import silence
from dialer.simulator.voices import VOICES_DIR

QUIET_LINE_MS = 10_000
"""After the words of whoever answered the line stays open: longer than any detector takes to make up its mind."""
QUIET_NETWORK_MS = 300
"""After an announcement the network soon ends the call."""
SHIPPED = (
    "human_en_hello",
    "human_en_speaking",
    "human_zh_na_wei",
    "human_zh_qing_shuo",
    "human_zh_wei",
    "human_zh_wei_nihao",
    "machine_en_carrier",
    "machine_zh_personal",
    "announcement_powered_off",
    "announcement_sit_en",
)


@dataclass(frozen=True)
class Clip:
    """One labelled recording: A-law frames of 20 ms; `early` when it is heard before the answer."""

    name: str
    label: str
    early: bool
    codes: bytes

    @property
    def line(self) -> bytes:
        """What the line carries, A-law: the clip, then quiet."""
        quiet = silence(QUIET_NETWORK_MS if self.early else QUIET_LINE_MS)
        return self.codes + g711.encode(g711.samples_of(quiet), Codec.PCMA)

    def frames(self) -> list[bytes]:
        """The line as the detectors would hear it if nothing happened to it on the way."""
        return frames_of(g711.decode(self.line, Codec.PCMA).tobytes())


def frames_of(pcm: bytes) -> list[bytes]:
    """Whole 20 ms frames."""
    return [pcm[at : at + FRAME_BYTES] for at in range(0, len(pcm) - FRAME_BYTES + 1, FRAME_BYTES)]


def clip_of(name: str, label: str, early: bool, pcm: bytes) -> Clip:
    """A clip of whole frames; a last half one is filled with quiet."""
    codes = g711.encode(g711.samples_of(pcm + bytes(-len(pcm) % FRAME_BYTES)), Codec.PCMA)
    return Clip(name, label, early, codes)


def shipped_clips() -> list[Clip]:
    """The simulator's voices that the detectors name right."""
    return [_shipped(name) for name in SHIPPED]


def _shipped(name: str) -> Clip:
    kind = name.partition("_")[0]
    label = "sit" if "_sit_" in name else kind
    return clip_of(name, label, kind == "announcement", read_audio(VOICES_DIR / f"{name}.flac"))


def clips_of(folder: Path) -> list[Clip]:
    """A folder with `manifest.csv` (file, label, phase answered or early) and the files in `audio/` or beside it."""
    with (folder / "manifest.csv").open(encoding="utf-8", newline="") as stream:
        rows = list(csv.DictReader(stream))
    audio = folder / "audio" if (folder / "audio").is_dir() else folder
    return [
        clip_of(row["file"].rpartition(".")[0], row["label"], row["phase"] == "early", read_audio(audio / row["file"]))
        for row in rows
    ]


def greeting_verdict(frames: list[bytes]) -> Verdict | None:
    """The verdict after the answer; None: undecided to the end of the frames."""
    detector = AmdDetector()
    return next((verdict for frame in frames if (verdict := detector.feed(frame))), None)


def early_verdicts(frames: list[bytes]) -> Iterator[Verdict]:
    """Every verdict before the answer, in order."""
    detector = EarlyMediaDetector()
    for frame in frames:
        verdict = detector.feed(frame)
        if verdict is not None:
            yield verdict


def verdict_of(frames: list[bytes], early: bool) -> Verdict | None:
    """What counts: the only verdict after the answer, the last one before it."""
    return next(reversed([None, *early_verdicts(frames)])) if early else greeting_verdict(frames)
