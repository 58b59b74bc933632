"""Keeps the verdicts of ended calls with their audio, beside the calls: none waits for a disk or a database.

A bounded queue and one task. When the queue is full the oldest gives way, and is counted: a gap in what people can
check by listening must be seen, but must cost no call. Audio is kept for so many days and so many bytes, whichever is
less; the verdicts themselves, and what listeners heard, stay.
"""

import asyncio
import logging
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path
from types import TracebackType
from typing import Self

from dialer.clock import Clock
from dialer.config import VerdictsConfig
from dialer.errors import StorageError, system_reason
from dialer.live import LiveBoard
from dialer.model.attempt import Attempt
from dialer.model.verdict_sample import NewVerdictSample, VerdictPhase
from dialer.outcomes import verdict_audio
from dialer.outcomes.backlog import Backlog
from dialer.progress.verdict import Verdict
from dialer.storage.verdict_samples import VerdictSamples

logger = logging.getLogger(__name__)

MAX_WAITING = 256
"""Verdicts that may wait: 20 MB of audio at most."""
KEEP_LIMIT_S = 40.0
"""For keeping one: longer than the database itself takes to give up."""
RETRY_PAUSE_S = 2.0
CLOSE_LIMIT_S = 5.0
"""At the end, those still waiting get this long."""
EXPIRE_EVERY_S = 600.0
EXPIRE_BATCH = 1000
OVERRUN = 50
"""Audio is also removed whenever a fiftieth of all that may be kept was added: so far may it go past its limit."""


@dataclass(frozen=True, slots=True)
class _Waiting:
    sample: NewVerdictSample
    pcm: bytes


class VerdictKeeper:
    """`async with` object of one node; `folder` is where the audio goes."""

    def __init__(
        self,
        samples: VerdictSamples,
        folder: Path,
        node: str,
        limits: VerdictsConfig,
        clock: Clock,
        board: LiveBoard,
    ) -> None:
        self._samples = samples
        self._folder = folder
        self._node = node
        self._limits = limits
        self._clock = clock
        self._board = board
        self._backlog: Backlog[_Waiting] = Backlog(MAX_WAITING)
        self._grown = asyncio.Event()
        self._tasks = asyncio.TaskGroup()
        self._running: list[asyncio.Task[None]] = []
        self._added_bytes = 0
        self.kept = 0
        self.dropped = 0

    async def __aenter__(self) -> Self:
        await self._tasks.__aenter__()
        self._running = [
            self._tasks.create_task(self._keep_all(), name="verdicts"),
            self._tasks.create_task(self._expire_always(), name="verdicts' audio that expires"),
        ]
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        keeping, expiring = self._running
        self._backlog.close()
        expiring.cancel()
        await asyncio.wait([keeping], timeout=CLOSE_LIMIT_S)
        if not keeping.done():
            keeping.cancel()
            logger.warning(
                "the node stops; verdicts are not kept", extra={"action": "verdicts", "n": len(self._backlog)}
            )
        await self._tasks.__aexit__(None, None, None)

    def keep(
        self, attempt: Attempt, phase: VerdictPhase, verdict: Verdict, pcm: bytes, *, audio_from_ms: int = 0
    ) -> None:
        """Takes a verdict on an attempt; returns at once, never raises. Of several in one phase the first is kept.

        `pcm` is what was heard (`int16`, 8 kHz, mono), from `audio_from_ms` after the first frame the verdict counts
        from; of more than `KEPT_S` the end is left out.
        """
        oldest = self._backlog.put(_Waiting(self._sample(attempt, phase, verdict, audio_from_ms), pcm))
        if oldest is not None:
            self._drop(oldest.sample, "too many verdicts wait")

    def _sample(self, attempt: Attempt, phase: VerdictPhase, verdict: Verdict, audio_from_ms: int) -> NewVerdictSample:
        return NewVerdictSample(
            attempt_id=attempt.attempt_id,
            campaign_id=attempt.campaign_id,
            node=self._node,
            made_at=self._clock.utcnow(),
            phase=phase,
            label=verdict.label.value,
            subclass=verdict.subclass,
            confidence=verdict.confidence,
            reason=verdict.reason,
            decided_ms=verdict.decided_ms,
            first_speech_ms=verdict.first_speech_ms,
            greeting_end_ms=verdict.greeting_end_ms,
            beep_ms=verdict.beep_ms,
            audio_path="",
            audio_from_ms=audio_from_ms,
            audio_bytes=0,
        )

    async def _keep_all(self) -> None:
        while (waiting := await self._backlog.next()) is not None:
            if not await self._keep_one(waiting):
                self._backlog.put_back(waiting)
                await self._backlog.pause(RETRY_PAUSE_S)
            self._tell()

    async def _keep_one(self, waiting: _Waiting) -> bool:
        """False: it is worth another try. The edge of one verdict: whatever is wrong with it, the others go on."""
        try:
            async with asyncio.timeout(KEEP_LIMIT_S):
                sample = await asyncio.to_thread(self._with_audio, waiting)
                await self._samples.keep(sample)
        except TimeoutError:
            return False
        except StorageError as error:
            if error.retryable:
                return False
            self._drop(waiting.sample, str(error))
        except Exception:
            logger.exception("a verdict failed to be kept", extra=_facts(waiting.sample))
            self.dropped += 1
        else:
            self.kept += 1
            self._grow(sample.audio_bytes)
        return True

    def _with_audio(self, waiting: _Waiting) -> NewVerdictSample:
        """The verdict with its audio on disk, or without any where the disk does not take it. For a thread."""
        sample, wav = waiting.sample, verdict_audio.wav_of(waiting.pcm)
        inside = verdict_audio.path_of(sample.made_at.date(), sample.attempt_id, sample.phase.value)
        try:
            verdict_audio.write(self._folder, inside, wav)
        except OSError as error:
            facts = _facts(sample, system_reason(error))
            logger.error("the audio of a verdict cannot be written; it is kept without", extra=facts)
            return sample
        return replace(sample, audio_path=inside, audio_bytes=len(wav))

    def _drop(self, sample: NewVerdictSample, problem: str) -> None:
        self.dropped += 1
        logger.error("a verdict is not kept", extra=_facts(sample, problem))

    def _tell(self) -> None:
        counts = {"waiting": len(self._backlog), "kept": self.kept, "dropped": self.dropped}
        self._board.publish(f"verdicts/{self._node}", counts)

    # ---- what is kept no longer

    def _grow(self, n_bytes: int) -> None:
        self._added_bytes += n_bytes
        if self._added_bytes > self._limits.max_bytes // OVERRUN:
            self._grown.set()

    async def _expire_always(self) -> None:
        while True:
            self._grown.clear()
            self._added_bytes = 0
            try:
                await self._expire()
            except (StorageError, OSError) as error:
                logger.exception("old audio of verdicts stays", extra={"action": "verdicts", "problem": str(error)})
            with suppress(TimeoutError):
                async with asyncio.timeout(EXPIRE_EVERY_S):
                    await self._grown.wait()

    async def _expire(self) -> None:
        """Files first: what a crash leaves between is found again by the database's word, which goes last."""
        before = self._clock.utcnow() - timedelta(days=self._limits.keep_days)
        while old := await self._samples.expired(self._node, before, self._limits.max_bytes, EXPIRE_BATCH):
            await asyncio.to_thread(verdict_audio.remove, self._folder, old.values())
            await self._samples.forget_audio(old)
        await asyncio.to_thread(verdict_audio.remove_days, self._folder, before.date())


def _facts(sample: NewVerdictSample, problem: str = "") -> dict[str, object]:
    return {"action": "verdicts", "attempt_id": sample.attempt_id, "problem": problem}
