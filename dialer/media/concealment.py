"""What is heard in place of a lost packet, for the loopback twin: as `native/src/tap/conceal.rs` does it, to the bit.

The last pitch period is repeated, at full level for 20 ms, then down to silence after 60 ms (in the manner of ITU-T
G.711 appendix I, without its added delay).
"""

import numpy as np
from numpy.typing import NDArray

Samples = NDArray[np.int16]

SHORTEST_PERIOD = 40  # 200 Hz
LONGEST_PERIOD = 160  # 50 Hz: the last packet is repeated where nothing has a pitch
COMPARED = 80  # 10 ms
FULL = 160
FADED = 480


class Concealer:
    """Remembers what was heard last and goes on with it."""

    def __init__(self) -> None:
        self._history: NDArray[np.int64] = np.zeros(LONGEST_PERIOD + COMPARED, dtype=np.int64)
        self._period = LONGEST_PERIOD
        self._filled = 0

    def heard(self, samples: Samples) -> None:
        """Audio that came, `int16[n]`."""
        self._filled = 0
        kept = len(self._history)
        self._history = np.concatenate((self._history, samples.astype(np.int64)))[-kept:]

    def silent(self) -> None:
        """It was silent meanwhile: what was heard before is no longer to be repeated."""
        self._filled = FADED

    def fill(self, n_samples: int) -> Samples:
        """The next samples in place of lost ones, `int16[n_samples]`."""
        if self._filled == 0:
            self._period = _pitch_period(self._history)
        index = np.arange(self._filled, self._filled + n_samples)
        level = np.clip(FADED - index, 0, FADED - FULL)
        repeated = self._history[len(self._history) - self._period + index % self._period]
        self._filled += n_samples
        filled: Samples = np.fix(repeated * level / (FADED - FULL)).astype(np.int16)
        return filled


def _pitch_period(history: NDArray[np.int64]) -> int:
    """How many samples ago the last 10 ms sounded most alike, up to their level."""
    recent = history[LONGEST_PERIOD:]
    best, best_period = 0.0, LONGEST_PERIOD
    for period in range(SHORTEST_PERIOD, LONGEST_PERIOD + 1):
        earlier = history[LONGEST_PERIOD - period :][:COMPARED]
        product = int(recent @ earlier)
        if product <= 0:
            continue
        likeness = float(product) * float(product) / float(int(earlier @ earlier))
        if likeness > best:
            best, best_period = likeness, period
    return best_period
