"""A whole campaign by REST alone, against a running node: real SIP and RTP to a simulated carrier and a robot's phone.

Everything the node wrote, said or sent on the way is kept, and searched for what must never be there.
"""

import asyncio
import hashlib
import logging
import secrets
from base64 import b64encode
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import aiohttp
import msgspec
import pytest

from dialer.api.client import ApiCallError, ApiClient
from dialer.api.security import hash_token
from dialer.app import Application
from dialer.config import (
    Config,
    HttpConfig,
    MediaConfig,
    NodeConfig,
    SipConfig,
    TrunkConfig,
    WebhookConfig,
)
from dialer.media.engine import MediaEngine
from dialer.model.account import Role
from dialer.model.outcome import EventType
from dialer.simulator.carrier import SimulatedCarrier
from dialer.simulator.case_system import CaseSystem
from dialer.simulator.people import Behaviour, Mixture
from dialer.simulator.phone import RegistrationError, RobotPhone
from dialer.simulator.voices import load_voices
from dialer.sip.events import Destination, Transport
from tests.support.call_lab import MONDAY
from tests.support.policy import HOUSE_NUMBER, registered

HOST = "127.0.0.1"
VOICES = load_voices()
MEDIA_PORT = 28200
WAIT_S = 40.0
PEOPLE = {
    "C-1": ("欧阳修远", "13811112222"),
    "C-2": ("司马相宜", "13822223333"),
    "C-3": ("诸葛明理", "13833334444"),
    "C-4": ("上官婉清", "13844445555"),
    "C-5": ("慕容复生", "13855556666"),
}
"""Case to name and number; the first is the longest overdue and called first."""
BROKEN = "P-9,C-9,令狐冲虚,138777788889,1,10"
TALKATIVE = Mixture(shares={Behaviour.HUMAN: 1.0}, ring_s=(0.3, 0.4), talk_s=(30.0, 31.0), patience_s=(15.0, 16.0))
FORM = {
    "codes": [
        {"code": "promise", "label": "promise", "right_party": True, "final": True},
        {"code": "callback", "label": "callback", "right_party": True, "callback": True},
        {"code": "third_party", "label": "third party", "final": True},
    ],
    "fields": [{"name": "amount", "kind": "amount", "label": "amount", "required_for": ["promise"]}],
}
SETTINGS = {
    "caller_ids": [HOUSE_NUMBER],
    "priority": [{"field_name": "days_overdue", "weight": 1}],
    "form": FORM,
    "wrap_up_limit_s": 120,
}


@dataclass
class Node:
    """The node under test and its world, with everything that left the node as text."""

    app: Application
    url: str
    carrier: SimulatedCarrier
    engine: MediaEngine
    cases: CaseSystem
    apis: dict[str, ApiClient] = field(default_factory=dict)
    tokens: dict[str, str] = field(default_factory=dict)
    said: list[str] = field(default_factory=list)

    @property
    def boss(self) -> ApiClient:
        return self.apis["supervisor"]

    async def refused(self, who: str, method: str, path: str, status: int, **more: Any) -> Mapping[str, Any]:
        """A request that must be refused so; its whole answer is kept."""
        headers = {"Authorization": f"Bearer {self.tokens[who]}"}
        async with aiohttp.request(
            method, self.url + path, headers=headers | more.pop("headers", {}), **more
        ) as answer:
            text = await answer.text()
            self.said += [str(answer.url), text, str(answer.headers)]
            assert (answer.status, answer.content_type) == (status, "application/problem+json"), text
            problem: Mapping[str, Any] = msgspec.json.decode(text)
            return problem

    async def add(self, stack: "Clients", who: str, body: Mapping[str, object]) -> None:
        """A token by REST, and a client that holds it."""
        made = await self.apis["administrator"].post("/v1/tokens", body)
        await self.hold(stack, who, made["token"])

    async def hold(self, stack: "Clients", who: str, token: str) -> None:
        self.tokens[who] = token
        self.apis[who] = await stack(ApiClient(self.url, token))


Clients = Callable[[ApiClient], Awaitable[ApiClient]]


@asynccontextmanager
async def running_node(folder: Path) -> AsyncIterator[Node]:
    """Carrier, case system and node; nobody has an account yet."""
    sip = SipConfig(host=HOST, port=0, transports=("udp",))
    secret = "whsec_" + b64encode(secrets.token_bytes(24)).decode()
    far = MediaConfig(port_min=MEDIA_PORT, port_max=MEDIA_PORT + 99, workers=1)
    async with (
        MediaEngine(far, folder) as engine,
        SimulatedCarrier(sip, engine, VOICES, TALKATIVE, seed=1) as carrier,
        CaseSystem() as cases,
    ):
        config = Config(
            node=NodeConfig(data_dir=folder / "node", rehearsal_starts_at=MONDAY),
            sip=sip,
            media=MediaConfig(port_min=MEDIA_PORT + 100, port_max=MEDIA_PORT + 199, workers=1, spool_min_free_mb=1),
            http=HttpConfig(port=0),
            caller_ids=registered(),
            trunks=(TrunkConfig(name="main", host=HOST, port=carrier.port),),
            webhooks=(WebhookConfig(url=cases.url, secrets=(secret,)),),
        )
        async with Application(config) as app:
            cases.trust(secret, app.clock)
            yield Node(app, f"http://{HOST}:{app.http_port}", carrier, engine, cases)


async def eventually(look: Callable[[], Awaitable[Any]], what: str) -> Any:
    """What `look` gives, once it gives something."""
    try:
        async with asyncio.timeout(WAIT_S):
            while not (found := await look()):  # noqa: ASYNC110 - the API is asked, as a page would
                await asyncio.sleep(0.1)
            return found
    except TimeoutError:
        raise AssertionError(f"did not happen in {WAIT_S} s: {what}") from None


# ---- the acts


async def open_house(node: Node, stack: Clients) -> int:
    """Accounts and tokens; the first token is made beside the API, as `dialer token create` does."""
    first = "first-token"
    now = node.app.clock.utcnow()
    await node.app.storage.accounts.add_token(hash_token(first), "first", Role.ADMINISTRATOR, now)
    await node.hold(stack, "administrator", first)
    body = {"login": "li", "name": "李", "role": "collector", "password": "long enough"}
    made = await node.apis["administrator"].post("/v1/users", body | {"sip_user": "li", "sip_password": "phone secret"})
    agent_id: int = made["account_id"]
    for role in ("supervisor", "integration", "qa", "auditor"):
        await node.add(stack, role, {"name": role, "role": role})
    await node.add(stack, "collector", {"name": "li", "account_id": agent_id})
    return agent_id


@asynccontextmanager
async def registered_phone(node: Node) -> AsyncIterator[RobotPhone]:
    """The collector's phone. A new account is known to the registrar after a moment."""
    registrar = Destination(Transport.UDP, HOST, node.app.sip.local_port(Transport.UDP))
    sip = SipConfig(host=HOST, port=0, transports=("udp",))
    while True:
        phone = RobotPhone(sip, registrar, "li", "phone secret", node.engine, VOICES)
        try:
            async with phone:
                yield phone
                return
        except RegistrationError:
            await asyncio.sleep(0.2)


async def upload_list(node: Node) -> int:
    """First with a broken row, which keeps everything out; then the good rows."""
    rows = ["客户号,案件号,姓名,手机号,逾期天数,欠款金额"]
    for index, (case, (name, number)) in enumerate(PEOPLE.items()):
        rows.append(f"P-{case},{case},{name},{number},{90 - index * 10},1000.50")
    broken = "\n".join([*rows, BROKEN]).encode()
    csv = {"Content-Type": "text/csv"}
    problem = await node.refused("integration", "POST", "/v1/lists?name=x", 422, data=broken, headers=csv)
    assert problem["errors"][0]["field"] == "row 7, 手机号"
    made = await node.apis["integration"].upload("/v1/lists", {"name": "Nov"}, "\n".join(rows).encode(), "text/csv")
    assert (made["call_list"]["contact_count"], made["broken_rows"]) == (5, 0)
    return int(made["call_list"]["list_id"])


async def launch(node: Node, list_id: int) -> int:
    body = {"name": "Nov", "list_ids": [list_id], "settings": SETTINGS}
    campaign_id = (await node.boss.post("/v1/campaigns", body))["campaign_id"]
    assert "check it" in (await node.refused("supervisor", "POST", f"/v1/campaigns/{campaign_id}/start", 409))["detail"]
    check = await node.boss.post(f"/v1/campaigns/{campaign_id}/check")
    assert (check["callable_now"], check["problems"]) == (5, [])
    assert any("draft" in warning for warning in check["warnings"])
    assert (await node.boss.post(f"/v1/campaigns/{campaign_id}/start"))["state"] == "running"
    return int(campaign_id)


async def next_call(node: Node, agent_id: int) -> Mapping[str, Any]:
    """The case of the next live person on the collector's screen."""

    async def look() -> Any:
        desk = await node.apis["collector"].get(f"/v1/agents/{agent_id}")
        return desk["case"] if desk["state"] == "talking" and desk["case"] else None

    case: Mapping[str, Any] = await eventually(look, "a person meets the collector")
    assert (case["is_open"], case["case_ref"], case["fields"]) == (False, "", []), "nobody said who is on the line"
    word = {"attempt_id": case["attempt_id"], "result": "confirmed"}
    case = (await node.apis["collector"].post(f"/v1/agents/{agent_id}/identity", word))["case"]
    name, number = PEOPLE[case["case_ref"]]
    assert (case["person_name"], case["number_masked"]) == (name, f"{number[:3]}****{number[-4:]}")
    return case


async def end_call(node: Node, agent_id: int, attempt_id: int, record: Mapping[str, object]) -> Any:
    """Hangs up and records how it went."""
    desk = node.apis["collector"]
    assert (await desk.post(f"/v1/agents/{agent_id}/hang-up"))["state"] in ("talking", "wrapup")

    async def written() -> Any:
        return (await desk.get(f"/v1/agents/{agent_id}"))["state"] == "wrapup"

    await eventually(written, "the call ends in its wrap-up")
    return await desk.post(f"/v1/agents/{agent_id}/wrap-up", {"attempt_id": attempt_id} | dict(record))


async def stop_two(node: Node) -> None:
    """One case is paid, another's number must not be called again; a number that is none is not repeated."""
    paid = await node.apis["integration"].send("PUT", "/v1/cases/C-3/status", {"status": "paid"})
    assert paid["entries_changed"] == 1
    listing = {"number": PEOPLE["C-4"][1], "reason": "asked for it"}
    await node.apis["integration"].post("/v1/do-not-call", listing)
    found = await node.apis["integration"].post("/v1/do-not-call/check", {"number": f"+86{PEOPLE['C-4'][1]}"})
    assert found["listed"]
    node.said.append(msgspec.json.encode(found).decode())
    for number in ("138444455550", f"{PEOPLE['C-4'][1]}x", {"of": PEOPLE["C-4"][1]}):
        await node.refused("integration", "POST", "/v1/do-not-call", 422, json=listing | {"number": number})
    raw = f'{{"number": "{PEOPLE["C-4"][1]}", '.encode()
    json_type = {"Content-Type": "application/json"}
    await node.refused("integration", "POST", "/v1/do-not-call", 422, data=raw, headers=json_type)


async def check_recording(node: Node, attempt_id: int) -> None:
    """Found by its attempt, fetched in two ranges; the parts together have the hash that the API names."""

    async def ready() -> Any:
        return (await node.apis["qa"].get(f"/v1/recordings?attempt_id={attempt_id}"))["items"]

    (info,) = await eventually(ready, "the recording is finalised")
    assert info["duration_s"] > 1
    audio = b""
    half = info["size_bytes"] // 2
    for asked in (f"bytes=0-{half - 1}", f"bytes={half}-"):
        headers = {"Authorization": f"Bearer {node.tokens['qa']}", "Range": asked}
        path = f"{node.url}/v1/recordings/{info['recording_id']}/audio"
        async with aiohttp.request("GET", path, headers=headers) as answer:
            assert (answer.status, answer.content_type) == (206, "audio/flac")
            audio += await answer.read()
    assert (audio[:4], len(audio)) == (b"fLaC", info["size_bytes"])
    assert hashlib.sha256(audio).hexdigest() == info["sha256"]
    log = await node.apis["auditor"].get(f"/v1/audit?subject=recording/{info['recording_id']}")
    assert [item["entry"]["action"] for item in log["items"]] == ["recording.audio"], "ranges of one hearing"
    node.said.append(msgspec.json.encode([info, log]).decode())


async def check_told(node: Node, n_attempts: int) -> None:
    """The case system heard of everything, once, and nothing waits."""

    async def all_told() -> Any:
        outbox = await node.apis["integration"].get("/v1/outbox")
        heard = len(node.cases.data_of(EventType.RECORDING_READY)) >= n_attempts
        return heard and [(item["waiting"], item["dead_letters"]) for item in outbox["items"]] == [(0, 0)]

    await eventually(all_told, "the outbox is empty")
    assert node.cases.dispositions() == {"connected": n_attempts}
    assert node.cases.wrap_up_codes() == {"promise": 1, "callback": 1, "third_party": 1}
    assert (node.cases.forged, node.cases.repeats) == (0, 0)


async def check_metrics(node: Node) -> None:
    headers = {"Authorization": f"Bearer {node.tokens['integration']}"}
    async with aiohttp.request("GET", node.url + "/metrics", headers=headers) as answer:
        text = await answer.text()
    assert "dialer_campaign_" in text
    assert 'dialer_trunk_channels{id="main"} 30.0' in text
    node.said.append(text)


async def watch(node: Node, frames: list[dict[str, Any]], session: aiohttp.ClientSession) -> None:
    """Keeps what a supervisor's page is sent."""
    async with session.ws_connect(node.url + "/v1/live") as socket:
        await socket.send_json({"token": node.tokens["supervisor"]})
        async for message in socket:
            frames.append(msgspec.json.decode(message.data))


async def run_campaign(node: Node, stack: Clients, frames: list[dict[str, Any]]) -> None:
    """The play: three people are reached, one paid and one did not want to be called."""
    agent_id = await open_house(node, stack)
    async with aiohttp.ClientSession() as session, asyncio.TaskGroup() as tasks, registered_phone(node):
        watching = tasks.create_task(watch(node, frames, session))
        campaign_id = await launch(node, await upload_list(node))
        desk, path = node.apis["collector"], f"/v1/agents/{agent_id}"
        assert (await desk.post(f"{path}/log-in", {"campaign_ids": [campaign_id]}))["state"] == "aux"
        await desk.post(f"{path}/ready")
        case = await next_call(node, agent_id)
        assert case["case_ref"] == "C-1"
        promise = {"code": "promise", "values": {"amount": "500.00"}, "note": f"or call {PEOPLE['C-1'][1]}"}
        await node.refused(
            "collector", "POST", f"{path}/wrap-up", 409, json={"attempt_id": case["attempt_id"], **promise}
        )
        first = case["attempt_id"]

        async def shown() -> bool:
            return any((frame.get("agent/1") or {}).get("state") == "talking" for frame in frames)

        await eventually(shown, "the supervisor's page shows the talk")
        await end_call(node, agent_id, first, promise)
        case = await next_call(node, agent_id)
        await stop_two(node)
        later = (node.app.clock.utcnow()).replace(day=25).isoformat()
        await end_call(node, agent_id, case["attempt_id"], {"code": "callback", "callback_at": later})
        case = await next_call(node, agent_id)
        assert case["case_ref"] == "C-5", "C-3 has paid, C-4 must not be called"
        await end_call(node, agent_id, case["attempt_id"], {"code": "third_party"})
        assert await desk.post(f"{path}/log-out") is None
        await check_end(node, campaign_id, first)
        watching.cancel()


async def check_end(node: Node, campaign_id: int, attempt_id: int) -> None:
    entries = await node.boss.get(f"/v1/campaigns/{campaign_id}/entries")
    counts = {name: count for name, count in entries["counts"].items() if count and name != "next_due_at"}
    assert counts == {"done": 2, "waiting": 1, "exhausted": 1, "stopped": 1}, "the callback waits"
    assert [(item["case_ref"], item["rule"]) for item in entries["refused"]] == [("C-4", "cn.do-not-call")]
    assert (await node.boss.post(f"/v1/campaigns/{campaign_id}/stop"))["state"] in ("draining", "finished")
    attempts = await node.boss.get(f"/v1/attempts?campaign_id={campaign_id}")
    assert [item["case_ref"] for item in attempts["items"]] == ["C-5", "C-2", "C-1"]
    assert {item["disposition"] for item in attempts["items"]} == {"connected"}
    assert sum(node.carrier.placed.values()) == 3
    node.said.append(msgspec.json.encode([entries, attempts]).decode())
    await check_recording(node, attempt_id)
    await check_told(node, 3)
    await check_metrics(node)


def all_texts(node: Node, frames: list[dict[str, Any]], caplog: pytest.LogCaptureFixture) -> list[str]:
    """Log records with every fact in them and their tracebacks, answers, events, frames."""
    formatter = logging.Formatter()
    logged = [
        "\n".join([formatter.format(record), *(str(value) for value in vars(record).values())])
        for record in caplog.records
        if record.name.split(".")[0] in ("dialer", "recording", "aiohttp", "sqlalchemy")
    ]
    return [
        *logged,
        *node.said,
        *(repr(event) for event in node.cases.events.values()),
        *(repr(item) for item in frames),
    ]


def find_private(texts: list[str]) -> list[str]:
    """Every text that holds a number, in any spelling, or a name of the list."""
    numbers = [number for _, number in PEOPLE.values()] + [BROKEN.split(",")[3]]
    names = [name for name, _ in PEOPLE.values()] + [BROKEN.split(",")[2]]
    spelled = {form for n in numbers for form in (n, f"{n[:3]}-{n[3:7]}-{n[7:]}", f"{n[:3]} {n[3:7]} {n[7:]}")}
    return [text for text in texts if any(word in text for word in (*spelled, *names))]


async def test_a_campaign_by_rest_alone(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    frames: list[dict[str, Any]] = []
    async with running_node(tmp_path) as node:
        open_clients: list[ApiClient] = []

        async def keep(client: ApiClient) -> ApiClient:
            open_clients.append(await client.__aenter__())
            return client

        try:
            await run_campaign(node, keep, frames)
        finally:
            for client in open_clients:
                await client.__aexit__(None, None, None)
    topics = {topic for frame in frames for topic in frame}
    assert {"campaign/1", "agent/1", "trunk/main"} <= topics
    texts = all_texts(node, frames, caplog)
    assert len(texts) > 50
    assert find_private(["call 138-1111-2222 now"]), "the search finds what it looks for"
    assert find_private(texts) == []


async def test_a_refusal_says_why_and_nothing_else(tmp_path: Path) -> None:
    """What is asked without the right, or of what is not there, is a problem with words."""
    async with running_node(tmp_path) as node:
        token = "first-token"
        await node.app.storage.accounts.add_token(hash_token(token), "qa", Role.QA, node.app.clock.utcnow())
        node.tokens["qa"] = token
        assert "takes one of" in (await node.refused("qa", "POST", "/v1/campaigns", 403))["detail"]
        assert "no such recording" in (await node.refused("qa", "GET", "/v1/recordings/r-1/audio", 404))["detail"]
        with pytest.raises(ApiCallError, match="no such campaign"):
            async with ApiClient(node.url, token) as api:
                await api.get("/v1/campaigns/9/status")
