"""`make demo`: the real service between a simulated carrier, robot collectors and a case system, on loopback addresses.

Three processes: the service (`dialer serve`), the world around it (`dialer.simulator.world`), and this one, which does
through the API what a supervisor does, receives the outcomes, and shows a table.
"""

import asyncio
import logging
import signal
import sys
import time
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import msgspec
from rich.console import Console
from rich.live import Live

from dialer.api.client import ApiCallError, ApiClient
from dialer.errors import DialerError
from dialer.model.outcome import EventType
from dialer.simulator import demo_house
from dialer.simulator.case_system import CaseSystem
from dialer.simulator.demo_campaigns import PREDICTIVE, PREVIEW, settings_of, sizes_of
from dialer.simulator.demo_house import House
from dialer.simulator.demo_screen import Scene, render
from dialer.simulator.world import RobotPlan, WorldPlan

logger = logging.getLogger(__name__)

SERVICE_UP_S = 40.0
WORLD_UP_S = 30.0
STOP_S = 20.0
LOOK_S = 0.5
MAX_RUN_S = 300.0
"""With --exit-when-done, a campaign that has not ended by then is a failure."""
QUIET_S = 3.0
"""Nothing due, nobody on the line and nothing to write down for this long: the demo is done."""
SETTLE_S = 30.0
"""How long recordings and outcomes may lag behind the last call."""
N_ROBOTS = 7
N_PREVIEW_ROBOTS = 2
LOG_TAIL = 2000


class DemoError(DialerError):
    """The demo could not be set up."""


@dataclass(slots=True)
class Demo:
    """The running demo: its parts, its stopwatch, and what went wrong."""

    house: House
    case_system: CaseSystem
    api: ApiClient
    console: Console
    began_at: float
    campaign_ids: dict[str, int] = field(default_factory=dict)
    steps: list[tuple[str, float]] = field(default_factory=list)
    first_talk_s: float | None = None

    def step(self, name: str) -> None:
        """Notes how long a step of the way to the first call took."""
        took = time.monotonic() - self.began_at - sum(seconds for _, seconds in self.steps)
        self.steps.append((name, took))
        self.console.print(f"[dim]{name}: {took:.1f} s[/dim]")


async def run_demo(folder: Path, http_port: int, n_contacts: int, exit_when_done: bool) -> int:
    """Runs the demo; the exit code is 0 when everything that was shown also happened.

    Raises:
        DialerError: it could not be set up (a port in use, a folder that cannot be written).
    """
    _end_on_sigterm()
    console = Console(width=None if sys.stdout.isatty() else 160)
    folder = await asyncio.to_thread(folder.resolve)
    async with AsyncExitStack() as stack:
        began_at = time.monotonic()
        case_system = CaseSystem()
        await stack.enter_async_context(case_system)
        house = await demo_house.build_house(folder, http_port, case_system.url, sizes_of(n_contacts), N_ROBOTS)
        case_system.trust(house.webhook_secret, house.clock)
        api = await stack.enter_async_context(ApiClient(house.url, house.supervisor_token))
        demo = Demo(house, case_system, api, console, began_at)
        demo.step("folder, lists, accounts")
        service = await stack.enter_async_context(_service(demo))
        await _prepare_campaigns(demo)
        await stack.enter_async_context(_world(demo))
        await _launch(demo)
        _say_where(demo)
        await _watch(demo, service, exit_when_done)
        return await _judge(demo) if exit_when_done else 0


def _end_on_sigterm() -> None:
    """Being told to end takes the same way out as Ctrl-C: the service and the world are ended too."""
    task = asyncio.current_task()
    if task is not None:
        asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, task.cancel)


# ---- the processes


@asynccontextmanager
async def _process(demo: Demo, name: str, *arguments: str) -> AsyncIterator[asyncio.subprocess.Process]:
    """A child with its standard error in a log file; it is told to end, and waited for."""
    log_path = demo.house.folder / f"{name}.log"
    with await asyncio.to_thread(log_path.open, "wb") as log:
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            *arguments,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE if name == "world" else log,
            stderr=log,
        )
    try:
        yield process
    finally:
        await _stop(process)


async def _stop(process: asyncio.subprocess.Process) -> None:
    if process.stdin is not None:
        process.stdin.close()
    if process.returncode is None:
        process.terminate()
    try:
        async with asyncio.timeout(STOP_S):
            await process.wait()
    except TimeoutError:
        process.kill()
        await process.wait()


async def _log_tail(demo: Demo, name: str) -> str:
    path = demo.house.folder / f"{name}.log"
    text = await asyncio.to_thread(path.read_text, encoding="utf-8", errors="replace")
    return text[-LOG_TAIL:].strip()


@asynccontextmanager
async def _service(demo: Demo) -> AsyncIterator[asyncio.subprocess.Process]:
    async with _process(
        demo, "service", "dialer.cli.main", "serve", "--config", str(demo.house.config_path)
    ) as process:
        until = time.monotonic() + SERVICE_UP_S
        while not await _is_up(demo):
            if process.returncode is not None or time.monotonic() > until:
                raise DemoError(f"the service did not start:\n{await _log_tail(demo, 'service')}")
            await asyncio.sleep(LOOK_S / 5)
        demo.step("service up")
        yield process


async def _is_up(demo: Demo) -> bool:
    try:
        await demo.api.get("/healthz")
    except ApiCallError:
        return False
    return True


@asynccontextmanager
async def _world(demo: Demo) -> AsyncIterator[None]:
    plan_path = demo.house.folder / "world.json"
    await asyncio.to_thread(plan_path.write_bytes, msgspec.json.encode(_plan(demo)))
    async with _process(demo, "world", "dialer.simulator.world", str(plan_path)) as process:
        assert process.stdout is not None  # noqa: S101 - asked for above
        try:
            async with asyncio.timeout(WORLD_UP_S):
                ready = await process.stdout.readline()
        except TimeoutError:
            ready = b""
        if ready.strip() != b"ready":
            raise DemoError(f"the simulated carrier and phones did not start:\n{await _log_tail(demo, 'world')}")
        demo.step("carrier and phones up")
        yield


def _plan(demo: Demo) -> WorldPlan:
    house = demo.house
    robots = []
    for index, robot in enumerate(house.robots):
        mode = PREVIEW if index < N_PREVIEW_ROBOTS else PREDICTIVE
        campaign_ids = [demo.campaign_ids[mode]]
        robots.append(RobotPlan(robot.agent_id, robot.token, robot.login, robot.sip_password, campaign_ids))
    low, high = demo_house.WORLD_MEDIA
    return WorldPlan(
        url=house.url,
        registrar_port=house.ports.sip,
        carrier_port=house.ports.carrier,
        media_port_min=low,
        media_port_max=high,
        spool_dir=str(house.folder / "world"),
        seed=demo_house.SEED,
        robots=robots,
    )


# ---- what a supervisor does


async def _prepare_campaigns(demo: Demo) -> None:
    for name, path in demo.house.lists.items():
        content = await asyncio.to_thread(path.read_bytes)
        imported = await demo.api.upload("/v1/lists", {"name": name}, content, "text/csv")
        body = {"name": name, "list_ids": [imported["call_list"]["list_id"]], "settings": settings_of(name)}
        created = await demo.api.post("/v1/campaigns", body)
        demo.campaign_ids[name] = created["campaign_id"]
    demo.step("lists imported, campaigns created")


async def _launch(demo: Demo) -> None:
    for name, campaign_id in demo.campaign_ids.items():
        check = await demo.api.post(f"/v1/campaigns/{campaign_id}/check")
        if check["problems"]:
            raise DemoError(f"campaign {name} cannot be launched: {'; '.join(check['problems'])}")
        demo.console.print(f"[dim]{name}: {check['limiting']}[/dim]")
        await demo.api.post(f"/v1/campaigns/{campaign_id}/start")
    demo.step("campaigns launched")


def _say_where(demo: Demo) -> None:
    house = demo.house
    demo.console.print(f"\n页面 pages  [bold]{house.url}/[/bold]")
    demo.console.print(f"登录名 log in as  {', '.join(house.tokens)}", highlight=False)
    demo.console.print(f"密码 password of all  [bold]{house.password}[/bold]", highlight=False)
    demo.console.print(f"主管的 API 令牌 API token of the supervisor  {house.supervisor_token}", highlight=False)
    local = house.clock.utcnow().astimezone(demo_house.SHANGHAI)
    demo.console.print(f"排练时钟 rehearsal clock: {local:%Y-%m-%d %H:%M} 上海 Shanghai; 文件 files: {house.folder}")
    demo.console.print(f"话机注册 phones register at 127.0.0.1:{house.ports.sip} (SIP)")
    check = f"dialer recordings verify --config {house.config_path}"
    demo.console.print(f"核对录音 check the recordings: {check}\n", highlight=False, soft_wrap=True)


# ---- what is shown


async def _watch(demo: Demo, service: asyncio.subprocess.Process, exit_when_done: bool) -> None:
    busy_at = time.monotonic()
    until = busy_at + MAX_RUN_S
    with Live(console=demo.console, refresh_per_second=4, transient=not demo.console.is_terminal) as live:
        while service.returncode is None:
            scene = await _look(demo)
            live.update(render(scene))
            busy = any(_unfinished(status) for status in scene.campaigns)
            busy_at = time.monotonic() if busy else busy_at
            if exit_when_done and time.monotonic() > min(busy_at + QUIET_S, until):
                return
            await asyncio.sleep(LOOK_S)
    raise DemoError(f"the service ended by itself ({service.returncode}):\n{await _log_tail(demo, 'service')}")


async def _look(demo: Demo) -> Scene:
    paths = [f"/v1/campaigns/{campaign_id}/status" for campaign_id in demo.campaign_ids.values()]
    campaigns: Sequence[Mapping[str, Any]] = await asyncio.gather(*(demo.api.get(path) for path in paths))
    elapsed_s = time.monotonic() - demo.began_at
    if demo.first_talk_s is None and any(status["calls"].get("connected") for status in campaigns):
        demo.first_talk_s = elapsed_s
    heard = demo.case_system
    return Scene(
        elapsed_s=elapsed_s,
        campaigns=campaigns,
        dispositions=heard.dispositions(),
        wrap_ups=heard.wrap_up_codes(),
        recordings=len(heard.data_of(EventType.RECORDING_READY)),
        first_talk_s=demo.first_talk_s,
    )


# ---- the judgement


async def _judge(demo: Demo) -> int:
    """Compares what the service says with what the case system heard; prints a summary; 0 when nothing is missing."""
    until = time.monotonic() + SETTLE_S
    problems = await _problems(demo)
    while problems and time.monotonic() < until:
        await asyncio.sleep(LOOK_S)
        problems = await _problems(demo)
    scene = await _look(demo)
    demo.console.print(render(scene))
    demo.console.print(
        "用时 what took the time: " + ", ".join(f"{name} {seconds:.1f} s" for name, seconds in demo.steps)
    )
    later = sum(status["entries"]["waiting"] for status in scene.campaigns)
    if later:
        demo.console.print(f"[dim]{later} 个联系人等待稍后重试 contacts wait for a later try[/dim]")
    for problem in problems:
        demo.console.print(f"[red]✗ {problem}[/red]")
    if not problems:
        demo.console.print("[green]✓ 全部完成 all calls settled, recorded and told exactly once[/green]")
    return 1 if problems else 0


def _unfinished(status: Mapping[str, Any]) -> str:
    """What a campaign still has to do now; empty when all that is left waits for a later time."""
    if status["state"] == "finished":
        return ""
    n_calls = sum(status["calls"].values())
    n_due = status["entries"]["callable_now"] + status["entries"]["leased"] + status["entries"]["dialing"]
    n_writing = status["agents"].get("wrapup", 0) + status["agents"].get("preview", 0)
    if n_calls or n_due or n_writing:
        return f"{n_calls} calls up, {n_due} contacts due, {n_writing} collectors busy: {status['limiting']}"
    return ""


async def _problems(demo: Demo) -> list[str]:
    scene = await _look(demo)
    problems = [f"campaign {status['name']}: {what}" for status in scene.campaigns if (what := _unfinished(status))]
    settled = demo.case_system.data_of(EventType.ATTEMPT_SETTLED)
    if demo.first_talk_s is None:
        problems.append("no person was ever connected to a collector")
    heard = demo.case_system.dispositions()
    problems += [
        f"no attempt ended as {wanted}" for wanted in ("connected", "machine", "reminded") if not heard[wanted]
    ]
    recorded = {data["recording_id"] for data in demo.case_system.data_of(EventType.RECORDING_READY)}
    missing = [data["attempt_id"] for data in settled if data["recording_id"] and data["recording_id"] not in recorded]
    if missing:
        problems.append(f"recordings of {len(missing)} attempts are missing, e.g. attempt {missing[0]}")
    outbox = await demo.api.get("/v1/outbox")
    waiting = sum(item["waiting"] for item in outbox["items"])
    if waiting:
        problems.append(f"{waiting} outcomes were not delivered")
    if demo.case_system.forged:
        problems.append(f"{demo.case_system.forged} webhooks had a bad signature")
    return problems
