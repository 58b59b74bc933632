"""Speech played faster or slower at its own pitch. Pure.

Waveform similarity overlap-add (Verhelst and Roelands, ICASSP 1993): the output is laid out in steps of equal length;
each begins in the input near the place its time says, at the very place where the sound goes on most alike to what the
step before would have gone on with, and the two are faded into each other. Voices keep their pitch because whole
periods are left out or repeated. The channels move together, so that who spoke when stays as it was.
"""

import numpy as np
from numpy.typing import NDArray

MIN_SPEED = 0.5
MAX_SPEED = 3.0

_STEP = 160
"""Samples between two steps: 20 ms at 8 kHz, over which one fades into the next."""
_REACH = 100
"""How far from its time a step may begin, either way: 12.5 ms, a period of a voice of 80 Hz."""
_RISE = (0.5 - 0.5 * np.cos(np.pi * (np.arange(_STEP) + 0.5) / _STEP)).astype(np.float32)[:, np.newaxis]
_FALL = 1 - _RISE
_SILENT = 1.0
"""Energy below this is no sound, only a quotient that must not be taken."""


def stretched_length(n_samples: int, speed: float) -> int:
    """Samples that come of so many."""
    return round(n_samples / speed)


class Stretcher:
    """Feed it int16[n, channels] at 8 kHz, then `finish`. Memory: a few steps, however long the input."""

    def __init__(self, speed: float, n_channels: int) -> None:
        """`speed` above 1 is faster. Raises ValueError outside of MIN_SPEED to MAX_SPEED."""
        if not MIN_SPEED <= speed <= MAX_SPEED:
            raise ValueError(f"a speed lies between {MIN_SPEED} and {MAX_SPEED}")
        self._speed = speed
        self._held = np.zeros((_REACH, n_channels), dtype=np.float32)
        self._held_from = -_REACH
        self._n_fed = 0
        self._n_given = 0
        self._n_steps = 0
        self._goes_on_at = 0
        """Where in the input the last step would go on."""

    def feed(self, samples: NDArray[np.int16]) -> NDArray[np.int16]:
        """What can be said of the output with these, too."""
        self._n_fed += len(samples)
        self._hold(samples)
        return self._make(self._held_from + len(self._held))

    def finish(self) -> NDArray[np.int16]:
        """The rest: in all, as many samples came out as `stretched_length` says."""
        wanted = stretched_length(self._n_fed, self._speed) - self._n_given
        n_steps = -(-wanted // _STEP)
        room = int((self._n_steps + n_steps) * _STEP * self._speed) + 4 * (_STEP + _REACH)
        self._hold(np.zeros((max(0, room - self._held_from - len(self._held)), self._held.shape[1]), dtype=np.int16))
        return self._make(room)[:wanted]

    def _hold(self, samples: NDArray[np.int16]) -> None:
        self._held = np.concatenate((self._held, samples.astype(np.float32)))

    def _make(self, until: int) -> NDArray[np.int16]:
        """Every step that looks at nothing from `until` on."""
        made: list[NDArray[np.float32]] = []
        while (due := int(self._n_steps * _STEP * self._speed)) + _REACH + 2 * _STEP <= until:
            begins = due if self._n_steps == 0 else due + self._shift(due)
            fading, rising = self._part(self._goes_on_at), self._part(begins)
            made.append(fading * _FALL + rising * _RISE)
            self._goes_on_at = begins + _STEP
            self._n_steps += 1
        self._forget()
        if not made:
            return np.zeros((0, self._held.shape[1]), dtype=np.int16)
        self._n_given += len(made) * _STEP
        return np.rint(np.concatenate(made)).clip(-32768, 32767).astype(np.int16)

    def _shift(self, due: int) -> int:
        """How far from its time the next step begins: where it is most alike to what it takes the place of."""
        wanted = self._part(self._goes_on_at).sum(axis=1)
        first = due - _REACH - self._held_from
        around = self._held[first : first + 2 * _REACH + _STEP].sum(axis=1)
        energies = np.concatenate(([0.0], np.cumsum(around.astype(np.float64) ** 2)))
        energy = energies[_STEP:] - energies[:-_STEP]
        likeness = np.correlate(around, wanted, "valid") / np.sqrt(np.maximum(energy, _SILENT))
        best = int(likeness.argmax())
        return best - _REACH if likeness[best] > 0 else 0

    def _part(self, begins: int) -> NDArray[np.float32]:
        at = begins - self._held_from
        return self._held[at : at + _STEP]

    def _forget(self) -> None:
        needed = min(self._goes_on_at, int(self._n_steps * _STEP * self._speed) - _REACH)
        if needed > self._held_from:
            self._held = self._held[needed - self._held_from :]
            self._held_from = needed
