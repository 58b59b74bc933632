"""What a service process needs before it runs: a folder, a configuration, accounts; and the way to its API."""

import asyncio
import csv
import io
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from dialer.api.client import ApiClient
from dialer.api.security import hash_token, new_token, sip_credentials
from dialer.clock import RehearsalClock
from dialer.model.account import NewAccount, Role
from dialer.storage import Storage, load_or_create_key
from tests.support.policy import HOUSE_NUMBER, registered_tables
from tests.support.service import HOST, ServiceProcess, Table, free_ports, write_config

MONDAY = datetime.fromisoformat("2026-11-23T10:00:00+08:00")
"""A working morning inside the calling window of the shipped pack."""
REALM = "dialer"
COLUMNS = ("客户号", "案件号", "姓名", "手机号", "逾期天数", "欠款金额", "到期日")

FORM = {
    "codes": [
        {"code": "promise", "label": "promise", "right_party": True, "final": True},
        {"code": "third_party", "label": "third party", "final": True},
    ],
    "fields": [{"name": "amount", "kind": "amount", "label": "amount", "required_for": ["promise"]}],
}


@dataclass(frozen=True, slots=True)
class RobotAccount:
    """A collector's account that a robot uses."""

    agent_id: int
    login: str
    token: str
    sip_password: str


@dataclass
class ServiceHouse:
    """One installation. `tables` is its configuration; change it, then `write` or start a process."""

    folder: Path
    token: str
    sip_port: int
    http_port: int
    trunk_ports: dict[str, int]
    tables: dict[str, Table | Sequence[Table]]
    starts_at: datetime = MONDAY
    clock: RehearsalClock = field(default_factory=lambda: RehearsalClock(MONDAY))
    robots: list[RobotAccount] = field(default_factory=list)

    @property
    def url(self) -> str:
        return f"http://{HOST}:{self.http_port}"

    @property
    def data_dir(self) -> Path:
        return self.folder / "data"

    @property
    def database(self) -> Path:
        return self.data_dir / "dialer.db"

    @property
    def spool_dir(self) -> Path:
        return self.data_dir / "spool"

    @property
    def config_path(self) -> Path:
        return self.folder / "dialer.toml"

    @property
    def log_path(self) -> Path:
        return self.folder / "service.log"

    def advance(self, step: timedelta) -> None:
        """Lets the rehearsed wall clock of the next run begin later."""
        self.starts_at = self.clock.utcnow() + step

    def service(self) -> ServiceProcess:
        """The next run of the service, its configuration written; the clocks of house and process begin together."""
        self.clock = RehearsalClock(self.starts_at)
        node = {"name": "node1", "data_dir": str(self.data_dir), "rehearsal_starts_at": self.starts_at.isoformat()}
        write_config(self.config_path, {"node": node} | self.tables)
        return ServiceProcess(self.config_path, self.log_path)

    def api(self, token: str = "") -> ApiClient:
        """The API for a supervisor, or for whoever holds another token."""
        return ApiClient(self.url, token or self.token)

    def storage(self) -> Storage:
        """The database itself; only while no service runs."""
        key = load_or_create_key(self.data_dir / "secret.key")
        return Storage.open(f"sqlite:///{self.database}", key, self.clock)


async def make_house(
    folder: Path,
    media_ports: tuple[int, int],
    trunks: Mapping[str, Table],
    *,
    n_robots: int = 0,
    more: Mapping[str, Table | Sequence[Table]] | None = None,
) -> ServiceHouse:
    """A house with an account per robot; `trunks` by name with what differs from the default, e.g. their group."""
    ports = free_ports(2 + len(trunks))
    trunk_ports = dict(zip(trunks, ports[2:], strict=True))
    tables: dict[str, Table | Sequence[Table]] = {
        "sip": {"port": ports[0], "realm": REALM},
        "media": {"port_min": media_ports[0], "port_max": media_ports[1], "spool_min_free_mb": 1},
        "http": {"port": ports[1]},
        "caller_ids": registered_tables(),
        "trunks": [
            {"name": name, "host": HOST, "port": trunk_ports[name], **settings} for name, settings in trunks.items()
        ],
        **(more or {}),
    }
    house = ServiceHouse(folder, new_token(), ports[0], ports[1], trunk_ports, tables)
    await asyncio.to_thread(house.data_dir.mkdir, parents=True, exist_ok=True)
    await _open_accounts(house, n_robots)
    return house


async def _open_accounts(house: ServiceHouse, n_robots: int) -> None:
    now = house.clock.utcnow()
    async with await asyncio.to_thread(house.storage) as storage:
        await storage.accounts.add_token(hash_token(house.token), "supervisor", Role.SUPERVISOR, now)
        for number in range(1, n_robots + 1):
            login, sip_password, token = f"robot{number}", secrets.token_urlsafe(12), new_token()
            sip = sip_credentials(login, REALM, sip_password)
            account = await storage.accounts.create(NewAccount(login, login, Role.COLLECTOR, "none", sip=sip), now)
            await storage.accounts.add_token(
                hash_token(token), login, Role.COLLECTOR, now, account_id=account.account_id
            )
            house.robots.append(RobotAccount(account.account_id, login, token, sip_password))


async def add_campaign(
    api: ApiClient, name: str, numbers: Sequence[str], settings: Mapping[str, Any], *, start: bool = True
) -> int:
    """Imports a list of these numbers and launches a campaign over it, as a supervisor would; returns its id."""
    content = await asyncio.to_thread(_csv, name, numbers)
    imported = await api.upload("/v1/lists", {"name": name}, content, "text/csv")
    body = {
        "name": name,
        "list_ids": [imported["call_list"]["list_id"]],
        "settings": {"caller_ids": [HOUSE_NUMBER], **settings},
    }
    campaign_id = int((await api.post("/v1/campaigns", body))["campaign_id"])
    checked = await api.post(f"/v1/campaigns/{campaign_id}/check")
    assert checked["problems"] == [], checked
    if start:
        await api.post(f"/v1/campaigns/{campaign_id}/start")
    return campaign_id


async def status(api: ApiClient, campaign_id: int) -> Any:
    """The campaign as its supervisor sees it."""
    return await api.get(f"/v1/campaigns/{campaign_id}/status")


def _csv(name: str, numbers: Sequence[str]) -> bytes:
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow(COLUMNS)
    for index, number in enumerate(numbers):
        writer.writerow((f"P-{name}-{index}", f"C-{name}-{index}", "王伟", number, index % 90, "1234.50", "2026-12-01"))
    return text.getvalue().encode("utf-8-sig")
