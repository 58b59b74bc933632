"""A rehearsal in which the service is killed again and again while its world goes on."""

import asyncio
import logging
import random
import time
from collections.abc import Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

from dialer.api.client import ApiClient
from dialer.simulator.case_system import CaseSystem
from dialer.simulator.people import Behaviour, Mixture
from dialer.simulator.voices import Voices
from tests.support.service import ServiceProcess, Table
from tests.support.service_evidence import Evidence, Run, read_books
from tests.support.service_house import FORM, ServiceHouse, add_campaign, make_house, status
from tests.support.service_world import World, open_carriers, open_phones, robots_at_work

logger = logging.getLogger(__name__)

SEED = 20261123
N_ROBOTS = 4
SERVICE_MEDIA = (28_000, 28_499)
WORLD_MEDIA = (28_500, 28_999)
SECRET = "whsec_" + "c2VydmljZS1raWxscy10ZXN0LXNlY3JldC0wMQ=="
TOWN, BUSY_TOWN = "town", "busy-town"
MIXTURES = {
    TOWN: Mixture(
        shares={
            Behaviour.HUMAN: 0.64,
            Behaviour.MACHINE: 0.10,
            Behaviour.NO_ANSWER: 0.06,
            Behaviour.BUSY: 0.10,
            Behaviour.POWERED_OFF: 0.08,
            Behaviour.CONGESTION: 0.02,
        },
        ring_s=(0.1, 1.0),
        talk_s=(1.0, 5.0),
        patience_s=(2.0, 4.0),
    ),
    BUSY_TOWN: Mixture(shares={Behaviour.BUSY: 1.0}, ring_s=(0.1, 0.4)),
}
AGAIN = {"delay_s": 60, "max_attempts": 30}
"""The campaign would go on for ever: what stops it is the cap of the policy."""
SETTINGS: dict[str, Any] = {
    "ring_timeout_s": 15,
    "wrap_up_limit_s": 20,
    "form": FORM,
    "retries": dict.fromkeys(
        ("busy", "no_answer", "powered_off", "machine", "silence", "short_answer", "abandoned", "rejected"), AGAIN
    )
    | {"bad_number": {"delay_s": 60, "max_attempts": 1}},
}
TALKS = SETTINGS | {"mode": "progressive"}
REMINDERS = SETTINGS | {"mode": "reminder", "max_reminder_channels": 5}
STUBBORN = SETTINGS | {"mode": "reminder", "max_reminder_channels": 4, "trunk_group": BUSY_TOWN}
SHARED_NUMBERS = 4
"""So many people are in the list of both the talks and the reminders."""

LONGEST_LIFE_S = 6.5
START_KILL_EVERY = 5
"""Every fifth kill hits the service while it starts."""
LONGEST_START_S = 2.0
RECONCILED_SHARE = 0.5
CLOCK_STEPS_MIN = (8, 15)
"""Between two runs the rehearsed clock is put forward by so many minutes: people may be called again after ten."""
LAST_WORD_S = 90.0
LOOK_S = 0.2


@dataclass
class Rehearsal:
    """The house, its world, and the story so far."""

    house: ServiceHouse
    world: World
    case_system: CaseSystem
    chance: random.Random
    campaign_ids: list[int] = field(default_factory=list)
    runs: list[Run] = field(default_factory=list)
    reconciled: dict[int, float] = field(default_factory=dict)

    def begin_run(self) -> ServiceProcess:
        """The next life of the service, some minutes later by its own clock."""
        if self.runs:
            self.house.advance(timedelta(minutes=self.chance.uniform(*CLOCK_STEPS_MIN)))
        service = self.house.service()
        self.case_system.trust(SECRET, self.house.clock)
        self.runs.append(Run(len(self.runs), self.house.starts_at, time.monotonic()))
        return service

    async def be_up(self, service: ServiceProcess) -> None:
        """Waits for the service; telephones register again."""
        await service.up(self.house.url)
        self.runs[-1].up_at = time.monotonic()
        await self.world.register_phones()

    async def kill(self, service: ServiceProcess) -> None:
        """SIGKILL, now."""
        run = self.runs[-1]
        run.ended_at, run.ended_wall = time.monotonic(), time.time()
        await service.kill()
        print(self._line(run), flush=True)

    async def reconcile(self, api: ApiClient, share: float) -> None:
        """A person looks into some of the attempts that a crash left unknown, and says: nobody answered."""
        page = await api.send("GET", "/v1/attempts", query={"state": "unknown", "limit": "100"})
        for attempt in page["items"]:
            if self.chance.random() < share:
                self.reconciled[attempt["attempt_id"]] = time.monotonic()
                path = f"/v1/attempts/{attempt['attempt_id']}/reconcile"
                settled = await api.post(path, {"disposition": "no_answer"})
                assert settled["state"] == "settled"

    def _line(self, run: Run) -> str:
        calls = [call for call in self.world.calls if call.invited_at >= run.began_at]
        up = sum(call.is_up(run.ended_at) for call in calls)
        ringing = sum(call.answered_at is None and not call.is_over(run.ended_at) for call in calls)
        life = f"{run.ended_at - run.up_at:.1f} s after it was up" if run.up_at else "while it started"
        just_then = f"{ringing} ringing and {up} answered just then"
        return f"kill {run.number + 1:2}: {life}, {len(calls)} calls placed, {just_then}"


async def rehearse(folder: Path, voices: Voices, n_kills: int) -> Evidence:
    """Runs the campaigns through `n_kills` kills, then to a quiet end, and hands over what is left."""
    async with AsyncExitStack() as stack:
        rehearsal, engine = await _set_up(stack, folder, voices)
        house, world = rehearsal.house, rehearsal.world
        api = await stack.enter_async_context(house.api())
        for kill in range(n_kills):
            async with rehearsal.begin_run() as service:
                if kill % START_KILL_EVERY == START_KILL_EVERY - 1:
                    await asyncio.sleep(rehearsal.chance.uniform(0.2, LONGEST_START_S))
                elif kill == 0:
                    await service.up(house.url)
                    rehearsal.runs[-1].up_at = time.monotonic()
                    await stack.enter_async_context(open_phones(house, world, engine, voices))
                    rehearsal.campaign_ids = await _launch(api)
                    await stack.enter_async_context(robots_at_work(house, rehearsal.campaign_ids[:2], SEED))
                    await asyncio.sleep(LONGEST_LIFE_S)
                else:
                    await rehearsal.be_up(service)
                    await rehearsal.reconcile(api, RECONCILED_SHARE)
                    await asyncio.sleep(rehearsal.chance.uniform(0.0, LONGEST_LIFE_S))
                await rehearsal.kill(service)
        return await _quiet_end(rehearsal, api)


async def _set_up(stack: AsyncExitStack, folder: Path, voices: Voices) -> tuple[Rehearsal, Any]:
    case_system = await stack.enter_async_context(CaseSystem())
    more: dict[str, Table | Sequence[Table]] = {
        "policy": {"packs": ["cn-bank-card"]},
        "webhooks": [{"url": case_system.url, "secrets": [SECRET]}],
    }
    trunks: dict[str, Table] = {TOWN: {"cps": 20.0}, BUSY_TOWN: {"cps": 20.0, "group": BUSY_TOWN}}
    house = await make_house(folder, SERVICE_MEDIA, trunks, n_robots=N_ROBOTS, more=more)
    world, engine = await stack.enter_async_context(open_carriers(house, voices, MIXTURES, WORLD_MEDIA, SEED))
    return Rehearsal(house, world, case_system, random.Random(SEED)), engine


async def _launch(api: ApiClient) -> list[int]:
    talks = [f"139{index:08}" for index in range(70)]
    reminders = [f"138{index:08}" for index in range(60)] + talks[:SHARED_NUMBERS]
    stubborn = [f"137{index:08}" for index in range(6)]
    return [
        await add_campaign(api, "talks", talks, TALKS),
        await add_campaign(api, "reminders", reminders, REMINDERS),
        await add_campaign(api, "stubborn", stubborn, STUBBORN),
    ]


# ---- the end


async def _quiet_end(rehearsal: Rehearsal, api: ApiClient) -> Evidence:
    house = rehearsal.house
    async with rehearsal.begin_run() as service:
        await rehearsal.be_up(service)
        await rehearsal.reconcile(api, 1.0)
        await _until(lambda: _is_back_at_work(rehearsal, api), "robots talk again", service)
        for campaign_id in rehearsal.campaign_ids:
            await api.post(f"/v1/campaigns/{campaign_id}/pause")
        await _until(lambda: _is_quiet(rehearsal, api), "every call ended, all is told and recorded", service)
        refusals = {rule: await _refused(api, rehearsal.campaign_ids, rule) for rule in ("cn.unreached",)}
        service.tell_to_end()
        exit_code = await service.ended()
        run = rehearsal.runs[-1]
        run.ended_at, run.ended_wall, run.killed = time.monotonic(), time.time(), False
    async with await asyncio.to_thread(house.storage) as storage:
        books = await read_books(storage)
    case_system = rehearsal.case_system
    return Evidence(
        runs=rehearsal.runs,
        calls=rehearsal.world.calls,
        books=books,
        received=tuple(case_system.events.values()),
        forged=case_system.forged,
        repeats=case_system.repeats,
        reconciled=rehearsal.reconciled,
        refusals=refusals,
        set_aside=await asyncio.to_thread(_sizes, house.spool_dir),
        exit_code=exit_code,
        log=await asyncio.to_thread(service.said),
    )


def _sizes(folder: Path) -> dict[str, int]:
    return {path.name: path.stat().st_size for path in folder.iterdir()}


async def _is_back_at_work(rehearsal: Rehearsal, api: ApiClient) -> str:
    """What is missing: every robot is logged in and somebody was connected in this run."""
    statuses = [await status(api, campaign_id) for campaign_id in rehearsal.campaign_ids[:2]]
    working = sum(
        n for state, n in statuses[0]["agents"].items() if state in ("ready", "reserved", "talking", "wrapup")
    )
    since = rehearsal.runs[-1].clock_starts_at.isoformat()
    page = await api.send("GET", "/v1/attempts", query={"since": since, "disposition": "connected"})
    if working == N_ROBOTS and page["items"]:
        return ""
    return f"{working} of {N_ROBOTS} robots work, {len(page['items'])} talks; {statuses[0]['limiting']}"


async def _is_quiet(rehearsal: Rehearsal, api: ApiClient) -> str:
    statuses = [await status(api, campaign_id) for campaign_id in rehearsal.campaign_ids]
    calls = sum(sum(found["calls"].values()) for found in statuses)
    writing = sum(found["agents"].get("wrapup", 0) for found in statuses)
    waiting = sum(item["waiting"] for item in (await api.get("/v1/outbox"))["items"])
    spools = len(await asyncio.to_thread(lambda: list(rehearsal.house.spool_dir.glob("*.spool"))))
    left = {"calls": calls, "wrap-ups": writing, "events": waiting, "spools": spools}
    return ", ".join(f"{count} {what}" for what, count in left.items() if count)


async def _refused(api: ApiClient, campaign_ids: list[int], rule: str) -> int:
    pages = [
        await api.send("GET", f"/v1/campaigns/{campaign_id}/entries", query={"rule": rule, "limit": "100"})
        for campaign_id in campaign_ids
    ]
    return sum(len(page["refused"]) for page in pages)


async def _until(missing: Any, what: str, service: ServiceProcess) -> None:
    until = time.monotonic() + LAST_WORD_S
    while why := await missing():
        assert time.monotonic() < until, f"did not happen in {LAST_WORD_S:.0f} s: {what} ({why})\n{service.tail()}"
        await asyncio.sleep(LOOK_S)
