"""A whole node in the test's own loop, driven over its REST API as a supervisor and collectors would."""

import asyncio
import csv
import io
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, TypeVar

from dialer.api.client import ApiCallError, ApiClient
from dialer.api.security import hash_token, sip_credentials
from dialer.app import Application
from dialer.config import Config, HttpConfig, MediaConfig, NodeConfig, SipConfig, TrunkConfig, WebhookConfig
from dialer.model.account import NewAccount, Role
from dialer.model.outcome import EventType
from dialer.simulator.case_system import CaseSystem
from dialer.sip.events import Destination, Transport
from tests.support.path_ports import free_ports
from tests.support.policy import HOUSE_NUMBER, registered
from tests.support.sip_peers import HOST, PhoneAccount, wait_until
from tests.support.vaults import whole

MONDAY = datetime.fromisoformat("2026-11-23T10:00:00+08:00")
"""A working morning inside the calling window of the shipped pack."""
SECRET = "a-secret-of-the-case-system"
SUPERVISOR_TOKEN = "token-of-the-supervisor"
FIRST_FREE_NUMBER = 100
"""Numbers before it are for tests that must know them beforehand."""
LOOK_S = 0.05
CALL_LIMIT_S = 45.0
"""How long a call may take from its campaign's start to its settlement."""
FORM = {
    "codes": [{"code": "promise", "label": "promise to pay", "right_party": True, "final": True}],
    "fields": [{"name": "amount", "kind": "amount", "label": "amount", "required_for": ["promise"]}],
}
Attempt = Mapping[str, Any]
T = TypeVar("T")


async def seen(look: Callable[[], Awaitable[T | None]], what: str, limit_s: float = CALL_LIMIT_S) -> T:
    """Looks again and again until there is something; AssertionError naming it when there never is."""
    until = asyncio.get_running_loop().time() + limit_s
    while (found := await look()) is None:
        if asyncio.get_running_loop().time() > until:
            raise AssertionError(f"did not happen in {limit_s} s: {what}")
        await asyncio.sleep(LOOK_S)
    return found


@dataclass
class Seat:
    """A collector's place: the account of the phone, and the API as this collector uses it."""

    agent_id: int
    phone: PhoneAccount
    api: ApiClient

    async def act(self, action: str, body: object | None = None) -> Any:
        """POST to the own desk."""
        return await self.api.post(f"/v1/agents/{self.agent_id}/{action}", body)

    async def log_in(self, *campaign_ids: int) -> None:
        """Has the phone rung, and is ready."""
        await self.act("log-in", {"campaign_ids": campaign_ids})
        await self.act("ready")

    async def state(self) -> str:
        """The state on the screen; offline without a session."""
        try:
            return str((await self.api.get(f"/v1/agents/{self.agent_id}"))["state"])
        except ApiCallError as error:
            if error.status == 404:
                return "offline"
            raise

    async def reaches(self, *states: str, limit_s: float = CALL_LIMIT_S) -> str:
        """Waits for one of these states."""

        async def look() -> str | None:
            return state if (state := await self.state()) in states else None

        return await seen(look, f"{self.phone.user} is {' or '.join(states)}", limit_s)


@dataclass
class PathHouse:
    """The running node. `case_system` has heard every outcome that was delivered."""

    app: Application
    case_system: CaseSystem
    api: ApiClient
    _stack: AsyncExitStack
    _next_number: int = FIRST_FREE_NUMBER

    @property
    def sip(self) -> Destination:
        """Where phones register."""
        return Destination(Transport.UDP, HOST, self.app.sip.local_port(Transport.UDP))

    async def seat(self, user: str) -> Seat:
        """Opens a collector's account."""
        phone = PhoneAccount(user=user)
        now, token = self.app.clock.utcnow(), f"token-of-{user}"
        sip = sip_credentials(user, self.app.config.sip.realm, phone.password)
        accounts = self.app.storage.accounts
        account = await accounts.create(NewAccount(user, user, Role.COLLECTOR, "no password", sip=sip), now)
        await accounts.add_token(hash_token(token), user, Role.COLLECTOR, now, account_id=account.account_id)
        await self.app.phone_secrets.refresh()  # at once, not within seconds: some phones try only once
        api = await self._stack.enter_async_context(ApiClient(f"http://{HOST}:{self.app.http_port}", token))
        return Seat(account.account_id, phone, api)

    async def registered(self, seat: Seat, port: int) -> None:
        """Waits until the seat's phone may be rung at its port; an older phone's registration does not count."""
        registrar = self.app.sip.registrar
        assert registrar is not None

        def is_there() -> bool:
            binding = registrar.binding(seat.phone.user)
            return binding is not None and binding.destination.port == port

        await wait_until(is_there, f"{seat.phone.user} registers")

    async def campaign(
        self, name: str, settings: Mapping[str, object], n_contacts: int = 1, first: int | None = None
    ) -> int:
        """Imports contacts and checks a campaign over them, on the trunk group of its name if settings name none.

        `first` is the place of the first contact's number (`number_of`); without it, numbers nobody had before.
        """
        content = self._contacts(name, n_contacts, first)
        imported = await self.api.upload("/v1/lists", {"name": name}, content, "text/csv")
        wanted = {"trunk_group": name, "ring_timeout_s": 15, "caller_ids": [HOUSE_NUMBER], "form": FORM} | dict(
            settings
        )
        body = {"name": name, "list_ids": [imported["call_list"]["list_id"]], "settings": wanted}
        campaign_id = int((await self.api.post("/v1/campaigns", body))["campaign_id"])
        check = await self.api.post(f"/v1/campaigns/{campaign_id}/check")
        assert not check["problems"], check
        return campaign_id

    async def start(self, campaign_id: int) -> None:
        """Begins dialing."""
        await self.api.post(f"/v1/campaigns/{campaign_id}/start")

    async def attempts(self, campaign_id: int) -> Sequence[Attempt]:
        """The campaign's attempts, oldest first."""
        page = await self.api.get(f"/v1/attempts?campaign_id={campaign_id}")
        return list(reversed(page["items"]))

    async def reaches(self, campaign_id: int, *states: str) -> Attempt:
        """Waits until the newest attempt of the campaign is in one of these states."""

        async def look() -> Attempt | None:
            found = await self.attempts(campaign_id)
            return found[-1] if found and found[-1]["state"] in states else None

        return await seen(look, f"campaign {campaign_id}: an attempt is {' or '.join(states)}")

    async def settled(self, campaign_id: int, n_attempts: int = 1) -> Attempt:
        """Waits until so many attempts are settled; gives the last of them."""

        async def look() -> Attempt | None:
            done = [attempt for attempt in await self.attempts(campaign_id) if attempt["state"] == "settled"]
            return done[n_attempts - 1] if len(done) >= n_attempts else None

        return await seen(look, f"campaign {campaign_id}: {n_attempts} attempts are settled")

    async def entries(self, campaign_id: int) -> Mapping[str, int]:
        """How many entries stand where, the empty places left out."""
        counts = (await self.api.get(f"/v1/campaigns/{campaign_id}/entries"))["counts"]
        return {name: count for name, count in counts.items() if count and name != "next_due_at"}

    async def recording(self, attempt: Attempt) -> tuple[Mapping[str, Any], bytes]:
        """Waits until the attempt's recording is finalised; what is known of it, and its file."""
        recording_id = attempt["recording_id"]

        async def look() -> Mapping[str, Any] | None:
            page = await self.api.get(f"/v1/recordings?attempt_id={attempt['attempt_id']}")
            return next((info for info in page["items"] if info["recording_id"] == recording_id), None)

        info = await seen(look, f"recording {recording_id} is finalised")
        stored = await self.app.storage.recordings.get(recording_id)
        assert stored is not None
        return info, await asyncio.to_thread(whole, await self.app.recordings.open(stored))

    async def told(self, kind: EventType, attempt_id: int) -> Mapping[str, Any]:
        """Waits until the case system has heard an event about an attempt; its data."""

        async def look() -> Mapping[str, Any] | None:
            heard = self.case_system.data_of(kind)
            return next((data for data in heard if data["attempt_id"] == attempt_id), None)

        return await seen(look, f"the case system hears {kind.value} of attempt {attempt_id}")

    def _contacts(self, name: str, count: int, first: int | None) -> bytes:
        text = io.StringIO()
        writer = csv.writer(text)
        writer.writerow(("person_ref", "case_ref", "name", "phone", "amount", "due_date"))
        begin = self._next_number if first is None else first
        for index in range(begin, begin + count):
            writer.writerow(
                (f"P-{name}-{index}", f"C-{name}-{index}", "王伟", number_of(index), "1200.50", "2026-12-01")
            )
        self._next_number = max(self._next_number, begin + count)
        return text.getvalue().encode()


def number_of(index: int) -> str:
    """An invented mobile number, E.164."""
    return f"+86{13900000000 + index}"


@asynccontextmanager
async def open_path_house(
    folder: Path, trunks: Sequence[TrunkConfig], *, rtp_timeout_s: float = 15.0
) -> AsyncIterator[PathHouse]:
    """A node on free ports with these trunks, a supervisor, and a case system that hears its outcomes."""
    async with AsyncExitStack() as stack:
        case_system = await stack.enter_async_context(CaseSystem())
        config = Config(
            node=NodeConfig(name="path", data_dir=folder / "data", rehearsal_starts_at=MONDAY),
            sip=SipConfig(port=free_ports()),
            media=MediaConfig(port_min=20_000, port_max=21_999, rtp_timeout_s=rtp_timeout_s, spool_min_free_mb=1),
            http=HttpConfig(port=0),
            caller_ids=registered(),
            trunks=tuple(trunks),
            webhooks=(WebhookConfig(url=case_system.url, secrets=(SECRET,)),),
        )
        app = await stack.enter_async_context(Application(config))
        case_system.trust(SECRET, app.clock)
        await app.storage.accounts.add_token(
            hash_token(SUPERVISOR_TOKEN), "supervisor", Role.SUPERVISOR, app.clock.utcnow()
        )
        url = f"http://{HOST}:{app.http_port}"
        api = await stack.enter_async_context(ApiClient(url, SUPERVISOR_TOKEN))
        yield PathHouse(app, case_system, api, stack)
