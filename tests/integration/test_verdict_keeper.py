"""The keeper of verdicts beside the calls: nothing waits for it, nothing is lost unseen, its disk is bounded."""

import asyncio
import logging
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from dialer.clock import SystemClock
from dialer.compliance.policy import Policy
from dialer.config import VerdictsConfig
from dialer.live import LiveBoard
from dialer.media import g711
from dialer.media.interface import Codec
from dialer.model.verdict_sample import NewVerdictSample, SampleFilter, VerdictPhase, VerdictSample
from dialer.outcomes import verdict_keeper
from dialer.outcomes.verdict_keeper import VerdictKeeper
from dialer.progress.verdict import Label, Verdict
from dialer.storage import Storage
from dialer.storage.database import Database
from dialer.storage.failures import TransientStorageError
from dialer.storage.verdict_samples import VerdictSamples
from tests.support.policy import bank_policy
from tests.support.storage import MONDAY, open_storage
from tests.support.verdicts import Judged, answered

PATIENCE_S = 30.0
VERDICT = Verdict(Label.MACHINE, 0.93, 1840, first_speech_ms=240, reason="talks on")
TONE = g711.decode(b"\xd5\x2a\x55\x0f" * 10_000, Codec.PCMA).tobytes()
MUCH = VerdictsConfig(max_bytes=1_000_000_000)


@pytest.fixture(scope="module")
def policy() -> Policy:
    return bank_policy()


@pytest.fixture
async def judged(tmp_path: Path, policy: Policy) -> AsyncIterator[Judged]:
    async with open_storage(f"sqlite:///{tmp_path / 'dialer.db'}") as storage:
        yield await answered(storage, policy, 8)


@dataclass
class MovedClock(SystemClock):
    """The wall clock, set by hand."""

    now: datetime = MONDAY

    def utcnow(self) -> datetime:
        return self.now


@dataclass
class Keeping:
    """A keeper over a folder, with its clock and board."""

    folder: Path
    clock: MovedClock = field(default_factory=MovedClock)

    def __post_init__(self) -> None:
        self.board = LiveBoard(self.clock)

    def keeper(self, samples: VerdictSamples, limits: VerdictsConfig = MUCH) -> VerdictKeeper:
        return VerdictKeeper(samples, self.folder, "node1", limits, self.clock, self.board)

    def files(self) -> list[str]:
        return sorted(str(path.relative_to(self.folder)) for path in self.folder.rglob("*") if path.is_file())


@pytest.fixture
def keeping(tmp_path: Path) -> Keeping:
    return Keeping(tmp_path / "verdicts")


async def until(happened: Callable[[], object]) -> None:
    async with asyncio.timeout(PATIENCE_S):
        while not happened():  # noqa: ASYNC110 -- the keeper has no event for this, and needs none
            await asyncio.sleep(0.01)


async def kept(storage: Storage) -> tuple[VerdictSample, ...]:
    return await storage.verdict_samples.find(SampleFilter())


class Away(VerdictSamples):
    """A database that refuses so many verdicts before it takes one."""

    def __init__(self, database: Database, errors: list[Exception]) -> None:
        super().__init__(database)
        self.errors = errors

    async def keep(self, sample: NewVerdictSample) -> int:
        if self.errors:
            raise self.errors.pop(0)
        return await super().keep(sample)


async def test_a_verdict_and_its_audio_are_kept(judged: Judged, keeping: Keeping) -> None:
    async with keeping.keeper(judged.storage.verdict_samples) as keeper:
        for phase in VerdictPhase:
            keeper.keep(judged.attempts[0], phase, VERDICT, TONE, audio_from_ms=120)
    early, answer = sorted(await kept(judged.storage), key=lambda sample: sample.phase.value, reverse=True)
    name = f"2026-11-23/{judged.attempts[0].attempt_id}"
    assert (early.audio_path, answer.audio_path) == (f"{name}-early.wav", f"{name}-answered.wav")
    assert (answer.label, answer.confidence, answer.decided_ms, answer.first_speech_ms) == ("machine", 0.93, 1840, 240)
    assert (answer.made_at, answer.audio_from_ms, answer.audio_bytes) == (MONDAY, 120, 40_058)
    assert keeping.files() == [answer.audio_path, early.audio_path]
    assert keeping.board.snapshot()["verdicts/node1"] == {"waiting": 0, "kept": 2, "dropped": 0}


async def test_the_oldest_gives_way_when_too_many_wait(
    judged: Judged, keeping: Keeping, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(verdict_keeper, "MAX_WAITING", 3)
    async with keeping.keeper(judged.storage.verdict_samples) as keeper:
        for attempt in judged.attempts[:5]:
            keeper.keep(attempt, VerdictPhase.ANSWERED, VERDICT, TONE)
    expected = [attempt.attempt_id for attempt in judged.attempts[2:5]]
    assert [sample.attempt_id for sample in await kept(judged.storage)][::-1] == expected
    assert (keeper.kept, keeper.dropped) == (3, 2)
    assert caplog.text.count("a verdict is not kept") == 2


async def test_a_verdict_waits_for_a_database_that_is_away(
    judged: Judged, keeping: Keeping, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(verdict_keeper, "RETRY_PAUSE_S", 0.01)
    away = Away(judged.storage._database, [TransientStorageError(), TimeoutError()])
    async with keeping.keeper(away) as keeper:
        for attempt in judged.attempts[:2]:
            keeper.keep(attempt, VerdictPhase.ANSWERED, VERDICT, TONE)
        await until(lambda: keeper.kept == 2)
    assert (len(await kept(judged.storage)), keeper.dropped) == (2, 0)


async def test_what_is_wrong_with_one_verdict_does_not_stop_the_others(
    judged: Judged, keeping: Keeping, caplog: pytest.LogCaptureFixture
) -> None:
    away = Away(judged.storage._database, [ValueError("a fault of ours")])
    async with keeping.keeper(away) as keeper:
        for attempt in judged.attempts[:2]:
            keeper.keep(attempt, VerdictPhase.ANSWERED, VERDICT, TONE)
    (sample,) = await kept(judged.storage)
    assert sample.attempt_id == judged.attempts[1].attempt_id
    assert keeper.dropped == 1
    assert "a fault of ours" in caplog.text


async def test_a_disk_that_takes_no_audio_costs_no_verdict(
    judged: Judged, keeping: Keeping, caplog: pytest.LogCaptureFixture
) -> None:
    keeping.folder.write_bytes(b"a file where the folder should be")
    async with keeping.keeper(judged.storage.verdict_samples) as keeper:
        keeper.keep(judged.attempts[0], VerdictPhase.ANSWERED, VERDICT, TONE)
    (sample,) = await kept(judged.storage)
    assert (sample.label, sample.audio_path, sample.audio_bytes) == ("machine", "", 0)
    assert "the audio of a verdict cannot be written" in caplog.text


async def test_a_stop_does_not_wait_for_a_database_that_is_away(
    judged: Judged, keeping: Keeping, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(verdict_keeper, "CLOSE_LIMIT_S", 0.05)
    monkeypatch.setattr(verdict_keeper, "RETRY_PAUSE_S", 60.0)

    class Stuck(VerdictSamples):
        async def keep(self, sample: NewVerdictSample) -> int:
            await asyncio.Event().wait()
            return 0

    caplog.set_level(logging.WARNING)
    async with asyncio.timeout(PATIENCE_S), keeping.keeper(Stuck(judged.storage._database)) as keeper:
        keeper.keep(judged.attempts[0], VerdictPhase.ANSWERED, VERDICT, TONE)
    assert "the node stops; verdicts are not kept" in caplog.text


async def test_audio_is_kept_for_its_days(judged: Judged, keeping: Keeping) -> None:
    samples, limits = judged.storage.verdict_samples, VerdictsConfig(keep_days=2)
    async with keeping.keeper(samples, limits) as keeper:
        keeper.keep(judged.attempts[0], VerdictPhase.ANSWERED, VERDICT, TONE)
        await until(lambda: keeper.kept)
        keeping.clock.now = MONDAY + timedelta(days=2)
        keeper.keep(judged.attempts[1], VerdictPhase.ANSWERED, VERDICT, TONE)
    (keeping.folder / "2026-11-23" / "left-by-a-crash.tmp").write_bytes(b"RIFF")
    keeping.clock.now = MONDAY + timedelta(days=3)
    async with keeping.keeper(samples, limits):
        await until(lambda: not (keeping.folder / "2026-11-23").exists())
    after = {sample.attempt_id: bool(sample.audio_path) for sample in await kept(judged.storage)}
    assert after == {judged.attempts[0].attempt_id: False, judged.attempts[1].attempt_id: True}
    assert keeping.files() == [f"2026-11-25/{judged.attempts[1].attempt_id}-answered.wav"]


async def test_the_oldest_audio_goes_when_there_is_too_much(judged: Judged, keeping: Keeping) -> None:
    """While the node runs: the limit is checked as audio comes in, not only now and then."""
    limits = MUCH.model_copy(update={"max_bytes": 200_000})
    async with keeping.keeper(judged.storage.verdict_samples, limits) as keeper:
        for attempt in judged.attempts:
            keeper.keep(attempt, VerdictPhase.ANSWERED, VERDICT, TONE * 2)  # of which five seconds are kept
        async with asyncio.timeout(PATIENCE_S):
            while len(await with_audio(judged.storage)) != 4 or keeper.kept < 8:  # noqa: ASYNC110 -- as above
                await asyncio.sleep(0.01)
    assert await with_audio(judged.storage) == [attempt.attempt_id for attempt in judged.attempts[4:]]
    assert len(keeping.files()) == 4


async def with_audio(storage: Storage) -> list[int]:
    return [sample.attempt_id for sample in await kept(storage) if sample.audio_path][::-1]
