"""What a rehearsal with kills leaves behind, side by side: the carrier's record, the database, the events."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from dialer.model.attempt import Attempt, AttemptFilter, AttemptState
from dialer.model.outcome import EventType, OutboxEvent, WrapUp
from dialer.model.recording import RecordingInfo
from dialer.model.recording_query import RecordingQuery
from dialer.storage import Storage
from tests.support.service_world import CarrierCall

PAGE = 500


@dataclass(slots=True)
class Run:
    """One life of the service. Monotonic instants, but for `clock_starts_at` (the rehearsed clock) and `ended_wall`."""

    number: int
    clock_starts_at: datetime
    began_at: float
    up_at: float | None = None
    ended_at: float = 0.0
    ended_wall: float = 0.0
    killed: bool = True


@dataclass(slots=True)
class Books:
    """The database after the last run. Everything is in order of ids."""

    attempts: list[Attempt] = field(default_factory=list)
    numbers: dict[int, str] = field(default_factory=dict)
    recordings: dict[str, RecordingInfo] = field(default_factory=dict)
    wrap_ups: dict[int, WrapUp] = field(default_factory=dict)
    events: list[OutboxEvent] = field(default_factory=list)

    def number_of(self, attempt: Attempt) -> str:
        """The number an attempt dialed, as its INVITE bore it."""
        return self.numbers[attempt.phone_id]

    def recording_of(self, attempt: Attempt) -> RecordingInfo | None:
        """The finalised recording."""
        mine = [found for found in self.recordings.values() if found.attempt_id == attempt.attempt_id]
        assert len(mine) <= 1, f"attempt {attempt.attempt_id} has {len(mine)} recordings"
        return mine[0] if mine else None


@dataclass(slots=True)
class Evidence:
    """Everything the tests judge.

    `reconciled` says when (monotonic) a person gave a word on an unknown attempt.

    `set_aside` holds the bytes of each spool that could not be finalised.
    """

    runs: list[Run]
    calls: list[CarrierCall]
    books: Books
    received: Sequence[Mapping[str, Any]]
    forged: int
    repeats: int
    reconciled: dict[int, float]
    refusals: Mapping[str, int]
    set_aside: Mapping[str, int]
    exit_code: int
    log: str

    def run_of(self, attempt: Attempt) -> Run:
        """The run that reserved it: the rehearsed clock is put forward between runs."""
        return [run for run in self.runs if run.clock_starts_at <= attempt.reserved_at][-1]

    def run_of_call(self, call: CarrierCall) -> Run:
        """The run that sent this INVITE."""
        return [run for run in self.runs if run.began_at <= call.invited_at][-1]

    def dialed(self) -> dict[tuple[str, int], tuple[list[CarrierCall], list[Attempt]]]:
        """By number and run: the INVITEs the carrier saw, and the attempts that were reserved and not given back."""
        table: dict[tuple[str, int], tuple[list[CarrierCall], list[Attempt]]] = defaultdict(lambda: ([], []))
        for call in self.calls:
            table[call.number, self.run_of_call(call).number][0].append(call)
        for attempt in self.books.attempts:
            if attempt.state is not AttemptState.RELEASED:
                table[self.books.number_of(attempt), self.run_of(attempt).number][1].append(attempt)
        return table

    def pairs(self) -> Iterable[tuple[CarrierCall, Attempt, Run]]:
        """Each INVITE with its attempt: to one number there is one call at a time, so order tells which is which."""
        for (_, number), (calls, attempts) in self.dialed().items():
            for call, attempt in zip(calls, attempts, strict=False):
                yield call, attempt, self.runs[number]

    def told(self, kind: EventType) -> list[Mapping[str, Any]]:
        """The data of the events of one type, each once, in the order in which they first arrived."""
        return [event["data"] for event in self.received if event["type"] == kind.value]

    @property
    def unknown_ids(self) -> set[int]:
        """The attempts a crash left behind."""
        return {data["attempt_id"] for data in self.told(EventType.ATTEMPT_UNKNOWN)}


async def read_books(storage: Storage) -> Books:
    """Reads the whole database through its own face."""
    books = Books()
    before: int | None = None
    while page := await storage.attempts.list(AttemptFilter(), before, PAGE):
        books.attempts[:0] = page[::-1]
        before = page[-1].attempt_id
    for attempt in books.attempts:
        await _note(storage, books, attempt)
    after = 0
    while events := await storage.outbox.events(after, PAGE):
        books.events += events
        after = events[-1].sequence
    return books


async def _note(storage: Storage, books: Books, attempt: Attempt) -> None:
    if attempt.phone_id not in books.numbers:
        contact = await storage.lists.contact(attempt.contact_id)
        assert contact is not None
        books.numbers |= {phone.phone_id: phone.number for phone in contact.phones}
    found = await storage.recordings.find(RecordingQuery(attempt_id=attempt.attempt_id))
    for recording in found.items:
        books.recordings[recording.recording_id] = recording
    wrap_up = await storage.wrap_ups.get(attempt.attempt_id)
    if wrap_up is not None:
        books.wrap_ups[attempt.attempt_id] = wrap_up


def wall(instant: datetime) -> float:
    """Seconds of the machine's wall clock."""
    return instant.astimezone(UTC).timestamp()
