"""A stretch of tone or quiet, as heard, and whether a row of them is a piece of a signal of the network."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import Enum
from itertools import pairwise

from dialer.progress.frames import Frame
from dialer.progress.tone_plans import NetworkTone

LOWEST_HZ, HIGHEST_HZ = 375.0, 510.0
"""Where single tones (400 to 450 Hz), close pairs (440 + 480, 400 + 450 Hz) and modulated ones are seen."""
PAIR_HZ = (480.0, 620.0)
PAIR_TOLERANCE_HZ = 25.0
PITCH_TOLERANCE_HZ = 8.0
"""1 % for the generator, the rest for measuring."""
STEADY_HZ, OUTLIERS = 8.0, 0.15
"""So far a single line moves in noise 3 dB below it, some frames at either end left out; a close pair moves further."""
RESTLESS_HZ, RESTLESS_SHARE = 4.0, 0.3
"""A close pair's line moves so far in so many frames; a tune's does only where a note ends."""
TONE_SHARE = 0.6
"""Share of the power in the line: a tone 3 dB above noise."""
CLOSE_PAIR_SHARE = 0.75
"""Together, of the lines of 400 and 450 Hz, where they are seen as two."""
MAX_RIVAL_SHARE = 0.15
"""Noise leaves less than this in any other line; the overtones of voices and instruments more."""
EDGE_MS = 45
"""What frames and windows do to the edges of a pulse."""
EDGE_SHARE = 0.08
CYCLE_EDGE_MS = 20
CYCLE_SHARE = 0.065
"""A tone and its pause together are measured better: what one gains the other loses."""
MAX_LINES = 50
"""The last second is enough to know a pitch."""
_FAR_HZ = 100.0
"""Two lines further apart than this are seen as two."""


class Kind(Enum):
    """What a frame is: the network's tone, as quiet as the line is without it, or something else."""

    TONE = "tone"
    QUIET = "quiet"
    OTHER = "other"


@dataclass(slots=True)
class Part:
    """A stretch of network tone, or of the quiet after it, that may still grow."""

    kind: Kind
    start_ms: int
    end_ms: int
    whole: bool = True
    told: bool = False
    n_pairs: int = 0
    n_lines: int = 0
    lines_hz: list[float] = field(default_factory=list)

    @property
    def length_ms(self) -> int:
        return self.end_ms - self.start_ms

    @property
    def hz(self) -> float:
        """Median pitch of the line."""
        return sorted(self.lines_hz)[len(self.lines_hz) // 2] if self.lines_hz else 0.0

    @property
    def steady(self) -> bool:
        """Whether the line stays where it is, but for what lost packets do to it."""
        lines_hz = sorted(self.lines_hz)
        outliers = int(len(lines_hz) * OUTLIERS)
        return bool(lines_hz) and lines_hz[-1 - outliers] - lines_hz[outliers] <= STEADY_HZ

    @property
    def restless(self) -> bool:
        """Whether the line wanders as that of a close pair does."""
        n_moves = sum(abs(after - before) > RESTLESS_HZ for before, after in pairwise(self.lines_hz))
        return n_moves >= RESTLESS_SHARE * len(self.lines_hz)

    @property
    def is_pair(self) -> bool:
        """Whether two lines were seen, far from each other."""
        return self.n_pairs > self.n_lines

    def add(self, frame: Frame) -> None:
        """The next frame belongs to it."""
        self.end_ms = frame.end_ms
        if self.kind is not Kind.TONE:
            return
        if _is_pair(frame):
            self.n_pairs += 1
        else:
            self.n_lines += 1
            self.lines_hz = [*self.lines_hz[1 - MAX_LINES :], frame.line_hz]


def rhythm_fits(parts: Sequence[Part], tone: NetworkTone) -> bool:
    """Whether the parts, the first perhaps cut off and the last still going on, are a piece of the signal."""
    if not pitch_fits([part for part in parts if part.kind is Kind.TONE], tone):
        return False
    cycle = [length_ms for pulse in tone.pulses for length_ms in pulse]
    first = 0 if parts[0].kind is Kind.TONE else 1
    return any(_lengths_fit(parts, cycle[at:] + cycle[:at]) for at in range(first, len(cycle), 2))


def _lengths_fit(parts: Sequence[Part], cycle: Sequence[int]) -> bool:
    excess_before = 0
    for index, part in enumerate(parts):
        expected_ms = cycle[index % len(cycle)]
        excess = part.length_ms - expected_ms
        tolerance = EDGE_MS + EDGE_SHARE * expected_ms
        whole = part.whole and index < len(parts) - 1
        if excess > tolerance or (whole and excess < -tolerance):
            return False
        together_ms = expected_ms + cycle[(index - 1) % len(cycle)]
        both_whole = whole and index > 0 and parts[index - 1].whole
        if both_whole and abs(excess + excess_before) > CYCLE_EDGE_MS + CYCLE_SHARE * together_ms:
            return False
        excess_before = excess
    return True


def pitch_fits(parts: Sequence[Part], tone: NetworkTone) -> bool:
    """Whether all these tones sound as the signal does. In a short one the line of a pair may rest or drift."""
    lowest, highest = min(tone.frequencies_hz), max(tone.frequencies_hz)
    if highest - lowest > _FAR_HZ:
        return all(part.is_pair for part in parts)
    return all(
        not part.is_pair
        and lowest - PITCH_TOLERANCE_HZ <= part.hz <= highest + PITCH_TOLERANCE_HZ
        and (part.steady or (not tone.steady and (part.restless or len(tone.pulses) > 1)))
        for part in parts
    )


def is_network_tone(frame: Frame) -> bool:
    """Nothing but a line, or a pair of lines, at the pitch of the network's tones."""
    if not LOWEST_HZ <= frame.line_hz <= HIGHEST_HZ:
        return _is_pair(frame)
    if LOWEST_HZ <= frame.rival_hz <= HIGHEST_HZ and frame.pair_share >= CLOSE_PAIR_SHARE:
        return True
    return (frame.line_share >= TONE_SHARE and frame.pair_share - frame.line_share <= MAX_RIVAL_SHARE) or _is_pair(
        frame
    )


def _is_pair(frame: Frame) -> bool:
    low_hz, high_hz = sorted((frame.line_hz, frame.rival_hz))
    near = abs(low_hz - PAIR_HZ[0]) <= PAIR_TOLERANCE_HZ and abs(high_hz - PAIR_HZ[1]) <= PAIR_TOLERANCE_HZ
    return near and frame.pair_share >= TONE_SHARE
