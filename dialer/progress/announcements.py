"""Which known announcement is heard: the library, and what listens to one call with it.

Every 300 ms the index guesses where in the library the last 800 ms may be (`announcement_index`); each guess is a
*track*, a fixed distance between rows of the call and rows of an entry. A track is followed row by row until what was
heard is convincing (`announcement_evidence`), contradicts, or the entry is over. Convincing is what a part of an entry
may be; certain is an entry that was heard whole (`announcement_whole`), or that belongs to a complete set.

A library is immutable and serves all calls of a process; a matcher belongs to one call. Both are pure.
"""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from dialer.model.announcement import AnnouncementMeaning
from dialer.progress.announcement_evidence import HISTORY_ROWS, LATE_ROWS, LEAST_ROWS, Evidence, convincing
from dialer.progress.announcement_index import BLOCK_ROWS, AnnouncementIndex
from dialer.progress.announcement_sharing import kinds_of, shared_rows
from dialer.progress.announcement_whole import PAUSE_ROWS, contradicted, pauses, said_once
from dialer.progress.fingerprint import WIDTH, Fingerprint, FingerprintStream, Weighted, active, weighted
from dialer.progress.frames import FRAME_BYTES, FRAME_MS

GUESS_LIKENESS = 0.7
LEAST_LIKENESS = 0.55
"""Of the 800 ms that a track begins with, row by row."""
MAX_GUESSES = 8
MAX_TRACKS = 24
_TAKEN_FRAMES = 5
"""Frames are looked at in groups of so many: 100 ms."""
_GUESS_EVERY = 3
_SAME_TRACK_ROWS = 4
_HOPELESS_LIKENESS = 0.35
_TRIAL_ROWS = 60
_NEARBY = np.arange(-2, 3)
_OF_BLOCK = np.arange(1 - BLOCK_ROWS, 1)
_NEGLIGIBLE = 1e-3


@dataclass(frozen=True, slots=True)
class LibraryEntry:
    """One known announcement, as a matcher needs it.

    `in_complete_set`: all announcements of its carrier are known, so no unknown one can begin like it.
    """

    announcement_id: int
    title: str
    meaning: AnnouncementMeaning
    fingerprint: Fingerprint
    in_complete_set: bool = False


@dataclass(frozen=True, slots=True)
class Match:
    """A known announcement was recognised. Instants in ms since the first frame.

    Not `certain`: what was heard of it so far may also be the beginning of one that nobody added.
    `matched_ms` is the end of the last frame heard, `starts_ms` where the entry's first sound lies: before 0 when the
    call joined it later. `score` is the likeness (0 to 1) over the stretch that decided.
    """

    announcement_id: int
    title: str
    meaning: AnnouncementMeaning
    matched_ms: int
    starts_ms: int
    score: float
    certain: bool


class AnnouncementLibrary:
    """Known announcements, ready to be listened for. Making one takes some 5 ms per entry: in a thread."""

    def __init__(self, entries: Iterable[LibraryEntry] = ()) -> None:
        self.entries = tuple(entry for entry in entries if len(entry.fingerprint.rows) >= LEAST_ROWS)
        said = [said_once(entry.fingerprint.rows) for entry in self.entries]
        lengths = np.array([len(rows) for rows, _ in said], dtype=np.int64)
        firsts = np.cumsum(lengths + BLOCK_ROWS) - lengths
        self.bounds = np.stack((firsts, firsts + lengths), axis=1)
        gap = np.zeros((BLOCK_ROWS, WIDTH), dtype=np.int8)  # no stretch that is looked at reaches into another entry
        parts = [part for rows, _ in said for part in (gap, rows)]
        self.rows = weighted(np.concatenate((*parts, gap)))
        self.power = np.einsum("nk,nk->n", self.rows, self.rows)
        self.active = active(self.rows)
        self.index = AnnouncementIndex(self.rows, self.bounds)
        self.told = firsts + np.array([n_said for _, n_said in said], dtype=np.int64)
        """The row after each entry's last word."""
        self.kinds = kinds_of([entry.meaning for entry in self.entries])
        self.shared = shared_rows(self.rows, self.bounds, self.kinds, self.index)
        """Which other meanings each row also stands for, one bit each."""

    def matcher(self) -> "AnnouncementMatcher":
        """What listens to one call."""
        return AnnouncementMatcher(self)

    def aligned(self, rows: list[int], block: Weighted) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
        """Near each of these rows the one at which a stretch most like the block ends, and how alike the two are."""
        ends = np.array(rows)[:, None] + _NEARBY
        at = np.minimum(ends[..., None] + _OF_BLOCK, len(self.rows) - 1)
        cross = np.einsum("gsnk,nk->gs", self.rows[at], block)
        likeness = cross / np.sqrt(self.power[at].sum(axis=2) * np.einsum("nk,nk->", block, block) + _NEGLIGIBLE)
        best = likeness.argmax(axis=1)[:, None]
        return np.take_along_axis(ends, best, 1)[:, 0], np.take_along_axis(likeness, best, 1)[:, 0]

    def entry_at(self, row: int) -> int:
        """The number of the entry a row belongs to."""
        return int(np.searchsorted(self.bounds[:, 0], row, side="right")) - 1


def matches_in(library: AnnouncementLibrary, pcm: bytes) -> tuple[Match, ...]:
    """What a live call would have recognised in a recording: int16 little-endian, 8 kHz, mono. Silence follows it."""
    group = FRAME_BYTES * _TAKEN_FRAMES
    heard = pcm + bytes(-len(pcm) % group + FRAME_BYTES * PAUSE_ROWS + group)
    matcher = library.matcher()
    matches = (matcher.feed(heard[at : at + FRAME_BYTES]) for at in range(0, len(heard), FRAME_BYTES))
    return tuple(match for match in matches if match is not None)


@dataclass(slots=True)
class _Track:
    """A guess: row n of the call is row n + shift of the library, which lies in this entry."""

    entry: int
    shift: int
    named: bool = False
    certain: bool = False
    doubtful: bool = False
    """Some part of the entry contradicted, or cannot be looked at any more."""


class AnnouncementMatcher:
    """Listens to one direction of one call; made by `AnnouncementLibrary.matcher`."""

    def __init__(self, library: AnnouncementLibrary) -> None:
        self._library = library
        self._stream = FingerprintStream()
        self._waiting: list[bytes] = []
        self._rows = np.zeros((HISTORY_ROWS, WIDTH), dtype=np.float32)
        self._power = np.zeros(HISTORY_ROWS, dtype=np.float32)
        self._n_rows = 0
        self._n_taken = 0
        self._tracks: list[_Track] = []

    def feed(self, frame: bytes) -> Match | None:
        """Takes one frame: int16 little-endian, 8 kHz, mono, 20 ms.

        Each playing of an entry matches once when it is named and, unless it was certain then, again when it is.
        Raises ValueError for another length.
        """
        if len(frame) != FRAME_BYTES:
            raise ValueError(f"a frame is {FRAME_BYTES} bytes, not {len(frame)}")
        self._waiting.append(frame)
        if len(self._waiting) < _TAKEN_FRAMES or not self._library.entries:
            del self._waiting[:-_TAKEN_FRAMES]
            return None
        self._take()
        self._n_taken += 1
        self._drop_tracks_that_ended()
        if self._n_taken % _GUESS_EVERY == 0:
            self._guess()
        return self._judge() if self._tracks else None

    def _take(self) -> None:
        fresh = weighted(self._stream.feed(b"".join(self._waiting)))
        self._waiting.clear()
        self._rows = np.concatenate((self._rows[len(fresh) :], fresh))
        self._power = np.concatenate((self._power[len(fresh) :], np.einsum("nk,nk->n", fresh, fresh)))
        self._n_rows += len(fresh)

    def _guess(self) -> None:
        """Begins tracks where the index sees a resemblance that is not followed yet."""
        block = self._rows[-BLOCK_ROWS:]
        last = self._n_rows - 1
        found = [int(row) for row in self._library.index.find(block, GUESS_LIKENESS, MAX_GUESSES)]
        guesses = [(self._library.entry_at(row), row) for row in found]
        new = [
            guess for guess in guesses if not any(_covers(track, guess[0], guess[1] - last) for track in self._tracks)
        ]
        if not new:
            return
        rows, likeness = self._library.aligned([row for _, row in new], block)
        for (entry, _), row, alike in zip(new, rows, likeness, strict=True):
            shift = int(row) - last
            is_new = not any(_covers(track, entry, shift) for track in self._tracks)
            if alike >= LEAST_LIKENESS and is_new and len(self._tracks) < MAX_TRACKS:
                too_late = self._began(entry, shift) < self._n_rows - HISTORY_ROWS
                self._tracks.append(_Track(entry, shift, doubtful=too_late))

    def _gather(self) -> Evidence:
        """How alike call and entries are along the tracks, over the last 1 to HISTORY_ROWS rows."""
        library = self._library
        shifts = np.array([[track.shift] for track in self._tracks])
        bounds = library.bounds[[track.entry for track in self._tracks]]
        heard = np.arange(self._n_rows - HISTORY_ROWS, self._n_rows)
        at = heard + shifts
        inside = (at >= bounds[:, :1]) & (at < bounds[:, 1:]) & (heard >= 0)
        at = np.where(inside, at, 0)
        cross = np.einsum("tnk,nk->tn", library.rows[at], self._rows) * inside
        products = cross, self._power * inside, library.power[at] * inside
        counted = library.active[at] & inside
        shared = np.where(inside, library.shared[at], 0).astype(np.uint32)
        return Evidence.of(products, counted, inside, shared)

    def _judge(self) -> Match | None:
        evidence, tracks = self._gather(), self._tracks
        self._doubt(evidence)
        whole = next((track for track in tracks if self._is_whole(track)), None)
        if whole is not None:
            whole.certain = True
            return self._match(whole, float(evidence.likeness[tracks.index(whole), 0]))
        began = np.array([self._began(track.entry, track.shift) for track in tracks])
        enough = convincing(evidence, self._library.kinds[[track.entry for track in tracks]], began)
        enough[[track.named for track in tracks]] = False
        scores = np.where(enough, evidence.likeness, 0)
        best, column = np.unravel_index(scores.argmax(), scores.shape)
        if scores[best, column] > 0:
            return self._name(tracks[best], float(scores[best, column]))
        self._drop_hopeless(evidence)
        return None

    def _began(self, entry: int, shift: int) -> int:
        """The row of the call at which the entry began, or would have."""
        return int(self._library.bounds[entry, 0]) - shift

    def _doubt(self, evidence: Evidence) -> None:
        for track, contradiction in zip(self._tracks, contradicted(evidence), strict=True):
            track.doubtful |= bool(contradiction)

    def _is_whole(self, track: _Track) -> bool:
        """Whether a named entry has just been heard from its first word to its last, and no more followed."""
        over_at = int(self._library.told[track.entry]) - track.shift + PAUSE_ROWS
        if not track.named or track.certain or track.doubtful or self._n_rows < over_at:
            return False
        goes_on = over_at + track.shift <= self._library.bounds[track.entry, 1]
        return self._began(track.entry, track.shift) >= -LATE_ROWS and (goes_on or pauses(self._power))

    def _name(self, track: _Track, score: float) -> Match:
        track.named = True
        track.certain = self._library.entries[track.entry].in_complete_set
        self._tracks = [other for other in self._tracks if other is track or other.entry != track.entry]
        return self._match(track, score)

    def _match(self, track: _Track, score: float) -> Match:
        entry = self._library.entries[track.entry]
        return Match(
            announcement_id=entry.announcement_id,
            title=entry.title,
            meaning=entry.meaning,
            matched_ms=self._n_rows * FRAME_MS,
            starts_ms=self._began(track.entry, track.shift) * FRAME_MS,
            score=round(score, 3),
            certain=track.certain,
        )

    def _drop_hopeless(self, evidence: Evidence) -> None:
        column = HISTORY_ROWS - _TRIAL_ROWS
        tried = evidence.n_rows[:, column] >= LEAST_ROWS // 2
        hopeless = tried & (evidence.likeness[:, column] < _HOPELESS_LIKENESS)
        self._tracks = [t for t, gone in zip(self._tracks, hopeless, strict=True) if t.named or not gone]

    def _drop_tracks_that_ended(self) -> None:
        """A pause after the end may still make one certain."""
        last = self._n_rows - _TAKEN_FRAMES
        ends = [
            int(self._library.bounds[track.entry, 1]) - track.shift + PAUSE_ROWS * (track.named and not track.certain)
            for track in self._tracks
        ]
        self._tracks = [track for track, end in zip(self._tracks, ends, strict=True) if last < end]


def _covers(track: _Track, entry: int, shift: int) -> bool:
    """Whether a guess is nothing new."""
    return track.entry == entry and (track.named or abs(track.shift - shift) < _SAME_TRACK_ROWS)
