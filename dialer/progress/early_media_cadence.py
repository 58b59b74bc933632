"""Ringing, busy and congestion by their rhythm and pitch, after the table of `dialer.progress.tone_plans`.

The sound is cut into tone and quiet. A lost packet, or the trough of a modulated tone, is no quiet; noise between two
tones is. What is heard may begin anywhere within a signal, so it is compared with every rotation of a signal's pulses.

Ringing is told early, by a tone or a pause longer than any of busy or congestion. The others are told when their rhythm
has come round once; where one plan has two signals that begin alike, not before they part.
"""

from collections import Counter, deque
from collections.abc import Collection, Sequence
from dataclasses import dataclass

from dialer.progress.early_media_rhythm import Kind, Part, is_network_tone, pitch_fits, rhythm_fits
from dialer.progress.frames import FRAME_MS, Frame
from dialer.progress.tone_plans import NetworkTone, tones_of
from dialer.progress.verdict import Label

SAME_HZ = 5.0
"""A single line is known by its pitch when it is no further off ..."""
RESTING_HZ = 418.0
"""... and lies above this: the line of 400 and 450 Hz may rest, too, mostly below."""
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
MIN_PARTS = 4
"""Tone, pause, tone, and the pause that may still go on."""
_MAX_PARTS = 20
"""Room for the longest cycle of the table, twice."""


@dataclass(frozen=True, slots=True)
class Heard:
    """A signal: what it is, in which plan, and why."""

    label: Label
    plan: str
    reason: str


class Cadence:
    """Feed it frames; it names the signal when its rhythm is plain, and again whenever that is confirmed."""

    def __init__(self, plans: Collection[str] = ()) -> None:
        """`plans`: the tone plans to expect; all without any. Raises ValueError for an unknown one."""
        self._tones = tones_of(plans)
        self._ringing_tones = [tone for tone in self._tones if tone.label is Label.RINGBACK]
        self._parts: deque[Part] = deque(maxlen=_MAX_PARTS)
        self._level_dbfs = QUIETEST_TONE_DBFS
        self._levels: deque[float] = deque(maxlen=NOISE_FRAMES)
        self._pending: list[tuple[Kind, Frame]] = []
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
        return last.length_ms if last is not None and last.kind is Kind.TONE else 0

    def _kind_of(self, frame: Frame) -> Kind:
        if is_network_tone(frame):
            return Kind.TONE if frame.level_dbfs >= self._level_dbfs - MAX_FALL_DB else Kind.QUIET
        return Kind.QUIET if frame.level_dbfs < self._loud_dbfs(frame) else Kind.OTHER

    def _loud_dbfs(self, frame: Frame) -> float:
        """What is as loud as this and no tone is neither quiet nor the line's noise."""
        floor_dbfs = min((level for level in self._levels if level > LOST_DBFS), default=QUIETEST_TONE_DBFS)
        above_noise_dbfs = max(floor_dbfs + NOISE_RANGE_DB, QUIETEST_TONE_DBFS)
        if self._parts:
            return min(above_noise_dbfs, max(self._level_dbfs - QUIET_BELOW_TONE_DB, QUIETEST_TONE_DBFS))
        return above_noise_dbfs if frame.line_share < NOISE_SHARE else QUIETEST_TONE_DBFS

    def _add(self, part: Part, frame: Frame) -> None:
        part.add(frame)
        if part.kind is Kind.TONE:
            self._level_dbfs = max(self._level_dbfs, frame.level_dbfs)

    def _begin(self, kind: Kind) -> None:
        """What has lasted too long for a lost packet is a part of its own; quiet counts only after a tone."""
        if kind is Kind.OTHER:
            self._parts.clear()
            self.signalling = False
            self._level_dbfs = QUIETEST_TONE_DBFS
            self._from_start = False
        elif kind is Kind.TONE or self._parts:
            start_ms = self._pending[0][1].start_ms
            part = Part(kind, start_ms, start_ms, whole=self._after_quiet)
            for pending_kind, frame in self._pending:
                if pending_kind is kind:
                    self._add(part, frame)
            self._parts.append(part)
        self._after_quiet = kind is not Kind.OTHER
        self._pending.clear()

    def _ringing(self, last: Part) -> Heard | None:
        """Told once by the tone or pause that grows, when it passes the length that makes it ringing."""
        long_ms = RINGING_MIN_ON_MS if last.kind is Kind.TONE else RINGING_MIN_OFF_MS
        if last.told or last.length_ms < long_ms:
            return None
        last.told = True
        if last.kind is Kind.TONE:
            ringing = [tone for tone in self._in_order(self._ringing_tones) if pitch_fits([last], tone)]
            plan = next((tone.plan for tone in ringing if tone.pulses[0][0] > RINGING_MIN_ON_MS), None)
            if plan is None or not (last.whole or self._from_start):
                return None  # a note of a tune
            return Heard(Label.RINGBACK, plan, f"a tone of {last.length_ms} ms")
        parts = list(self._parts)[-MIN_PARTS:]
        cut = self._from_start and not parts[0].whole
        if len(parts) < MIN_PARTS and not cut and parts[0].length_ms < LONG_PULSE_MS:
            return None  # one short tone and a pause: a word would do
        for tone in self._in_order(self._ringing_tones):
            if rhythm_fits(parts, tone):
                return Heard(Label.RINGBACK, tone.plan, f"a tone, then {last.length_ms} ms of pause")
        return None

    def _rhythm(self) -> Heard | None:
        """The first signal in the order of the plans that the latest tones and pauses fit."""
        if len(self._parts) < MIN_PARTS:
            return None
        for tone in self._in_order(self._tones):
            if self._fits(tone, _rivals(tone, self._tones)):
                on_ms, off_ms = tone.pulses[0]
                return Heard(tone.label, tone.plan, f"tones of {on_ms} ms and pauses of {off_ms} ms, as in {tone.plan}")
        return None

    def _in_order(self, tones: Sequence[NetworkTone]) -> list[NetworkTone]:
        """Single lines of this very pitch first: a pair's line, which lies anywhere between, may rest by chance."""
        hz = [part.hz for part in self._parts if part.kind is Kind.TONE and part.steady and part.hz >= RESTING_HZ]
        return sorted(
            tones, key=lambda tone: not (tone.steady and hz and abs(hz[-1] - tone.frequencies_hz[0]) <= SAME_HZ)
        )

    def _fits(self, tone: NetworkTone, rivals: Sequence[NetworkTone]) -> bool:
        """Whether so much of the signal was heard that it can be none of its rivals."""
        rivals = [rival for rival in rivals if rhythm_fits(list(self._parts)[-MIN_PARTS:], rival)]
        n_parts = max([MIN_PARTS, *(2 * len(rival.pulses) for rival in rivals)])
        if len(tone.pulses) > 1:
            n_parts = 2 * len(tone.pulses) + 1
        parts = list(self._parts)[-n_parts:]
        if len(parts) < n_parts or not rhythm_fits(parts, tone):
            return False
        if not parts[0].whole and (len(tone.pulses) > 1 or not self._from_start):
            return False
        return not any(rhythm_fits(list(self._parts)[-2 * len(rival.pulses) :], rival) for rival in rivals)


def _rivals(tone: NetworkTone, tones: Sequence[NetworkTone]) -> list[NetworkTone]:
    """Signals of the same plan that take longer to be told."""
    return [other for other in tones if other.plan == tone.plan and len(other.pulses) > len(tone.pulses)]
