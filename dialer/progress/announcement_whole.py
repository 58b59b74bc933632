"""Whether an entry was heard whole, which makes it certain.

Carriers cut several announcements from one recording of a beginning, and often one of an ending. Whatever part of an
entry was heard, an announcement that nobody added may hold the same part and mean something else. So an entry is
certain once it was heard from its first word to its last, no half second contradicted it, and nothing more was said. Of
an entry that says everything again only the first time counts.
"""

import numpy as np
from numpy.typing import NDArray

from dialer.progress.announcement_evidence import LEAST_ROWS, Evidence
from dialer.progress.announcement_sharing import runs
from dialer.progress.clusters import LOCAL_ROWS, contradictions, repeats_after
from dialer.progress.fingerprint import AVERAGE_POWER, Rows, sounding, weighted

PAUSE_ROWS = 30
"""Nothing more was said when nothing is for 0.6 s: pauses within an announcement are shorter."""
_FADING_ROWS = 10
"""Of the pause, in which the last word may still fade away."""
_QUIET_POWER = 0.2
"""Of an average row's, over the rest of it: noise at 15 dB stays below 0.1, speech is hardly ever below 0.3."""


def said_once(rows: Rows) -> tuple[Rows, int]:
    """A recording without what it says again but for a pause, and how many of its rows say something."""
    repeated = repeats_after(weighted(rows))
    if repeated is None:
        return rows, len(rows)
    n_said = int(np.flatnonzero(sounding(weighted(rows[:repeated]))).max(initial=LEAST_ROWS - 1)) + 1
    return rows[: n_said + PAUSE_ROWS], n_said


def contradicted(evidence: Evidence) -> NDArray[np.bool_]:
    """bool[tracks]: whether somewhere in what is remembered of the call half a second contradicts a track's entry."""
    whole = runs(evidence.inside.astype(np.int64), LOCAL_ROWS) == LOCAL_ROWS
    found: NDArray[np.bool_] = (contradictions(*evidence.products) & whole).any(axis=1)
    return found


def pauses(power: NDArray[np.float32]) -> bool:
    """Whether nothing was said in the last rows of a call, from the power of each."""
    return bool(power[_FADING_ROWS - PAUSE_ROWS :].mean() < _QUIET_POWER * AVERAGE_POWER)
