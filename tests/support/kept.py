"""Sealed recordings with audio, on record and in the store of a house of the API."""

import asyncio
from datetime import datetime
from functools import partial

import numpy as np
from numpy.typing import NDArray

from dialer.evidence.recording_keeper import on_record
from dialer.model.attempt import Attempt, Disposition, Settlement
from dialer.model.recording import NewRecording
from dialer.storage import Storage
from recording.finalize import Laid
from recording.timeline import Sink
from recording.vault import Vault
from tests.support.policy import bank_policy
from tests.support.storage import MONDAY, NO_MORE, Dialing, contacts, run_campaign


def noise(n_samples: int, seed: int = 1) -> NDArray[np.int16]:
    """int16[n, 2]: what no two places of a recording have in common."""
    return np.random.default_rng(seed).integers(-9000, 9000, (n_samples, 2)).astype(np.int16)


async def ended_calls(storage: Storage, agent_ids: list[int | None], recording_id: str = "") -> list[Attempt]:
    """One connected attempt for each collector, each of a case of its own; `recording_id`: of the only one."""
    policy = await asyncio.to_thread(bank_policy)
    dialing = Dialing(storage, policy)
    campaign_id = await run_campaign(storage, contacts(len(agent_ids)))
    ended: list[Attempt] = []
    for agent_id, candidate in zip(agent_ids, await dialing.claim(campaign_id, len(agent_ids)), strict=True):
        attempt = await dialing.reserve(dialing.reservation(candidate))
        settlement = Settlement(
            attempt.attempt_id, Disposition.CONNECTED, MONDAY, agent_id=agent_id, recording_id=recording_id
        )
        await storage.attempts.settle(settlement, NO_MORE, MONDAY)
        ended.append(attempt)
    return ended


async def keep(
    storage: Storage, vault: Vault, recording_id: str, attempt_id: int, at: datetime, samples: NDArray[np.int16]
) -> NewRecording:
    """Seals and stores samples (int16[n, 2]) as the recording of an attempt."""

    def feed(sink: Sink) -> Laid:
        for begin in range(0, len(samples), 8000):
            sink(samples[begin : begin + 8000].T)
        return Laid(len(samples))

    made = await asyncio.to_thread(partial(vault.keep, recording_id, at, feed))
    recording, key = on_record(made, attempt_id, "node1")
    await storage.recordings.add(recording, key, at)
    return recording
