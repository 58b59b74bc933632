"""Ringing, busy and congestion by their rhythm and pitch, after the table of `dialer.progress.tone_plans`.

The sound is cut into tone and quiet. A lost packet, or the trough of a modulated tone, is no quiet; noise between two
tones is. What is heard may begin anywhere within a signal, so it is compared with every rotation of a signal's pulses.

Ringing is told early, by a tone or a pause longer than any of busy or congestion. The others are told when their rhythm
has come round once; where one plan has two signals that begin alike, not before they part.
"""

from collections import Counter, deque
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from enum import Enum
from itertools import pairwise

from dialer.progress.frames import FRAME_MS, Frame
from dialer.progress.tone_plans import NetworkTone, tones_of
from dialer.progress.verdict import Label

LOWEST_HZ, HIGHEST_HZ = 375.0, 510.0
"""Where single tones (400 to 450 Hz), close pairs (440 + 480, 400 + 450 Hz) and modulated ones are seen."""
PAIR_HZ = (480.0, 620.0)
PAIR_TOLERANCE_HZ = 25.0
PITCH_TOLERANCE_HZ = 8.0
"""E.180 allows generators 1 %, the rest is for measuring."""
STEADY_HZ, OUTLIERS = 8.0, 0.15
"""So far a single line moves in noise 3 dB below it, some frames at either end left out; a close pair moves further."""
RESTLESS_HZ, RESTLESS_SHARE = 4.0, 0.3
"""A close pair's line moves so far in so many frames; a tune's does only where a note ends."""
TONE_SHARE = 0.6
"""Share of the power in the line: a tone 3 dB above noise."""
MAX_RIVAL_SHARE = 0.15
"""Noise leaves less than this in any other line; the overtones of voices and instruments more."""
MAX_FALL_DB = 10.0
"""Further than this below where it began, a tone is its own echo; modulated tones go as low for a frame or two."""
QUIET_BELOW_TONE_DB = 3.0
QUIETEST_TONE_DBFS = -50.0
NOISE_FRAMES = 50
NOISE_RANGE_DB = 10.0
"""The line's noise varies by so much around the quietest of the last second."""
NOISE_SHARE = 0.5
"""And has no line."""
LOST_DBFS = -75.0
"""What is quieter is a lost packet."""
GAP_MS = 60
"""A shorter break is a lost packet or two."""
RINGING_MIN_ON_MS = 850
"""No busy or congestion tone sounds for so long at a time."""
RINGING_MIN_OFF_MS = 900
"""Nor pauses for so long."""
LONG_PULSE_MS = 600
"""No word holds one pitch for so long."""
EDGE_MS = 45
"""What frames and windows do to the edges of a pulse."""
EDGE_SHARE = 0.08
CYCLE_EDGE_MS = 20
CYCLE_SHARE = 0.065
"""A tone and its pause together are measured better: what one gains the other loses."""
MIN_PARTS = 4
"""Tone, pause, tone, and the pause that may still go on."""
_MAX_PARTS = 16
_SOUNDING_MS = 200
_FAR_HZ = 100.0
"""Two lines further apart than this are seen as two."""


@dataclass(frozen=True, slots=True)
class Heard:
    """A signal: what it is, in which plan ("" when none has this ringing), and why."""

    label: Label
    plan: str
    reason: str


class _Kind(Enum):
    TONE = "tone"
    QUIET = "quiet"
    OTHER = "other"


@dataclass(slots=True)
class _Part:
    """A stretch of network tone, or of the quiet after it, that may still grow."""

    kind: _Kind
    start_ms: int
    end_ms: int
    whole: bool = True
    told: bool = False
    n_pairs: int = 0
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
        return self.n_pairs > len(self.lines_hz)

    def add(self, frame: Frame) -> None:
        """The next frame belongs to it."""
        self.end_ms = frame.end_ms
        if self.kind is not _Kind.TONE:
            return
        if _is_pair(frame):
            self.n_pairs += 1
        else:
            self.lines_hz.append(frame.line_hz)


class Cadence:
    """Feed it frames; it names the signal when its rhythm is plain, and again whenever that is confirmed."""

    def __init__(self, plans: Collection[str] = ()) -> None:
        """`plans`: the tone plans to expect; all without any. Raises ValueError for an unknown one."""
        self._tones = tones_of(plans)
        self._ringing_tones = [tone for tone in self._tones if tone.label is Label.RINGBACK]
        self._parts: deque[_Part] = deque(maxlen=_MAX_PARTS)
        self._level_dbfs = QUIETEST_TONE_DBFS
        self._levels: deque[float] = deque(maxlen=NOISE_FRAMES)
        self._pending: list[tuple[_Kind, Frame]] = []
        self._after_quiet = False
        self._from_start = True
        self.signalling = False
        """Whether a signal was named, and nothing but tone and quiet has been heard since."""

    def feed(self, frame: Frame) -> Heard | None:
        """The signal, if what is heard up to this frame makes it certain."""
        heard = self._hear(frame)
        self.signalling = self.signalling or heard is not None
        return heard

    def _hear(self, frame: Frame) -> Heard | None:
        self._levels.append(frame.level_dbfs)
        kind = self._kind_of(frame)
        if self._parts and self._parts[-1].kind is kind:
            self._pending.clear()
            self._add(self._parts[-1], frame)
            return self._ringing(self._parts[-1])
        self._pending.append((kind, frame))
        if len(self._pending) * FRAME_MS <= GAP_MS:
            return None
        self._begin(Counter(kind for kind, _ in self._pending).most_common(1)[0][0])
        return self._rhythm()

    @property
    def sounding_ms(self) -> int:
        """How long the network tone has lasted that sounds now."""
        last = self._parts[-1] if self._parts else None
        return last.length_ms if last is not None and last.kind is _Kind.TONE else 0

    def _kind_of(self, frame: Frame) -> _Kind:
        if _is_network_tone(frame):
            return _Kind.TONE if frame.level_dbfs >= self._level_dbfs - MAX_FALL_DB else _Kind.QUIET
        return _Kind.QUIET if frame.level_dbfs < self._loud_dbfs(frame) else _Kind.OTHER

    def _loud_dbfs(self, frame: Frame) -> float:
        """What is as loud as this and no tone is neither quiet nor the line's noise."""
        floor_dbfs = min((level for level in self._levels if level > LOST_DBFS), default=QUIETEST_TONE_DBFS)
        above_noise_dbfs = max(floor_dbfs + NOISE_RANGE_DB, QUIETEST_TONE_DBFS)
        if self._parts:
            return min(above_noise_dbfs, max(self._level_dbfs - QUIET_BELOW_TONE_DB, QUIETEST_TONE_DBFS))
        return above_noise_dbfs if frame.line_share < NOISE_SHARE else QUIETEST_TONE_DBFS

    def _add(self, part: _Part, frame: Frame) -> None:
        part.add(frame)
        if part.kind is _Kind.TONE:
            self._level_dbfs = max(self._level_dbfs, frame.level_dbfs)

    def _begin(self, kind: _Kind) -> None:
        """What has lasted too long for a lost packet is a part of its own; quiet counts only after a tone."""
        if kind is _Kind.OTHER:
            self._parts.clear()
            self.signalling = False
            self._level_dbfs = QUIETEST_TONE_DBFS
            self._from_start = False
        elif kind is _Kind.TONE or self._parts:
            start_ms = self._pending[0][1].start_ms
            part = _Part(kind, start_ms, start_ms, whole=self._after_quiet)
            for pending_kind, frame in self._pending:
                if pending_kind is kind:
                    self._add(part, frame)
            self._parts.append(part)
        self._after_quiet = kind is not _Kind.OTHER
        self._pending.clear()

    def _ringing(self, last: _Part) -> Heard | None:
        """Told once by the tone or pause that grows, when it passes the length that makes it ringing."""
        long_ms = RINGING_MIN_ON_MS if last.kind is _Kind.TONE else RINGING_MIN_OFF_MS
        if last.told or last.length_ms < long_ms:
            return None
        last.told = True
        if last.kind is _Kind.TONE:
            ringing = [tone for tone in self._ringing_tones if _pitch_fits([last], tone)]
            plan = next((tone.plan for tone in ringing if tone.pulses[0][0] >= RINGING_MIN_ON_MS), None)
            if plan is None or not (last.whole or self._from_start):
                return None  # a note of a tune
            return Heard(Label.RINGBACK, plan, f"a tone of {last.length_ms} ms")
        parts = list(self._parts)[-MIN_PARTS:]
        cut = self._from_start and not parts[0].whole
        if len(parts) < MIN_PARTS and not cut and parts[0].length_ms < LONG_PULSE_MS:
            return None  # one short tone and a pause: a word would do
        for tone in self._ringing_tones:
            if _rhythm_fits(parts, tone):
                return Heard(Label.RINGBACK, tone.plan, f"a tone, then {last.length_ms} ms of pause")
        return None

    def _rhythm(self) -> Heard | None:
        """The first signal in the order of the plans that the latest tones and pauses fit."""
        for tone in self._tones:
            if self._fits(tone) and not any(self._may_become(other) for other in _rivals(tone, self._tones)):
                on_ms, off_ms = tone.pulses[0]
                return Heard(tone.label, tone.plan, f"tones of {on_ms} ms and pauses of {off_ms} ms, as in {tone.plan}")
        return None

    def _fits(self, tone: NetworkTone) -> bool:
        n_parts = max(MIN_PARTS, 2 * len(tone.pulses) + 1)
        parts = list(self._parts)[-n_parts:]
        if len(parts) < n_parts or not _rhythm_fits(parts, tone):
            return False
        return parts[0].whole or self._from_start

    def _may_become(self, tone: NetworkTone) -> bool:
        return _rhythm_fits(list(self._parts)[-2 * len(tone.pulses) :], tone)


def _rivals(tone: NetworkTone, tones: Sequence[NetworkTone]) -> list[NetworkTone]:
    """Signals of the same plan that take longer to be told."""
    return [other for other in tones if other.plan == tone.plan and len(other.pulses) > len(tone.pulses)]


def _rhythm_fits(parts: Sequence[_Part], tone: NetworkTone) -> bool:
    """Whether the parts, the first perhaps cut off and the last still going on, are a piece of the signal."""
    if not _pitch_fits([part for part in parts if part.kind is _Kind.TONE], tone):
        return False
    cycle = [length_ms for pulse in tone.pulses for length_ms in pulse]
    first = 0 if parts[0].kind is _Kind.TONE else 1
    return any(_lengths_fit(parts, cycle[at:] + cycle[:at]) for at in range(first, len(cycle), 2))


def _lengths_fit(parts: Sequence[_Part], cycle: Sequence[int]) -> bool:
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


def _pitch_fits(parts: Sequence[_Part], tone: NetworkTone) -> bool:
    """Whether all these tones sound as the signal does."""
    lowest, highest = min(tone.frequencies_hz), max(tone.frequencies_hz)
    if highest - lowest > _FAR_HZ:
        return all(part.is_pair for part in parts)
    return all(
        not part.is_pair
        and lowest - PITCH_TOLERANCE_HZ <= part.hz <= highest + PITCH_TOLERANCE_HZ
        and (part.steady or (part.restless and not tone.steady))
        for part in parts
    )


def _is_network_tone(frame: Frame) -> bool:
    """Nothing but a line, or a pair of lines, at the pitch of the network's tones."""
    alone = frame.line_share >= TONE_SHARE and frame.pair_share - frame.line_share <= MAX_RIVAL_SHARE
    return (alone and LOWEST_HZ <= frame.line_hz <= HIGHEST_HZ) or _is_pair(frame)


def _is_pair(frame: Frame) -> bool:
    low_hz, high_hz = sorted((frame.line_hz, frame.rival_hz))
    near = abs(low_hz - PAIR_HZ[0]) <= PAIR_TOLERANCE_HZ and abs(high_hz - PAIR_HZ[1]) <= PAIR_TOLERANCE_HZ
    return near and frame.pair_share >= TONE_SHARE
