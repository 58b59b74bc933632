"""What the demo sets up before anything runs: its folder, configuration, lists, accounts and tokens."""

import asyncio
import secrets
import shutil
import socket
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

from dialer.api.security import hash_password, hash_token, new_token, sip_credentials
from dialer.clock import RehearsalClock
from dialer.errors import ConfigError
from dialer.model.account import NewAccount, Role
from dialer.model.announcement import AnnouncementMeaning, NewAnnouncement
from dialer.progress.fingerprint import Fingerprint, fingerprint_of
from dialer.prompts.audio import read_audio
from dialer.simulator.demo_campaigns import CALLER_IDS
from dialer.simulator.sample import write_sample_list
from dialer.simulator.voices import VOICES_DIR
from dialer.storage import Storage, load_or_create_key
from schedules.calendar import DayKind, WorkCalendar, load_calendar

SHANGHAI = ZoneInfo("Asia/Shanghai")
REHEARSAL_HOUR = 10
SIP_PORT = 15060
CARRIER_PORT = 15070
"""Taken when they are free, else any free ones."""
SERVICE_MEDIA = (21000, 21999)
WORLD_MEDIA = (22000, 22999)
FIRST_NUMBER = 13900000000
ANNOUNCEMENTS = {
    "announcement_empty_number": ("您好，您拨打的号码是空号，请核对后再拨。", AnnouncementMeaning.EMPTY_NUMBER),
    "announcement_powered_off": ("您好，您拨打的用户已关机，请稍后再拨。", AnnouncementMeaning.POWERED_OFF),
    "announcement_suspended": ("您好，您拨打的用户已停机。", AnnouncementMeaning.SUSPENDED),
    "announcement_unreachable": ("您好，您拨打的用户暂时无法接通，请稍后再拨。", AnnouncementMeaning.UNREACHABLE),
    "announcement_busy": ("您好，您拨打的用户正在通话中，请稍后再拨。", AnnouncementMeaning.BUSY),
    "machine_zh_carrier": ("您好，您所拨打的用户暂时无法接听您的电话…", AnnouncementMeaning.CALL_ASSISTANT),
}
"""All that the simulated carrier says, by the name of its recording, and what that means; the mailbox, too: its first
words are also those of an announcement."""
CARRIER = "the simulated carrier"
STAFF = {
    "collector": Role.COLLECTOR,
    "supervisor": Role.SUPERVISOR,
    "qa": Role.QA,
    "qa-2": Role.QA,
    "auditor": Role.AUDITOR,
    "administrator": Role.ADMINISTRATOR,
}
"""Who may log in to the pages; the collector takes calls in the browser, beside the robots."""
SIP_REALM = "dialer"
SEED = 20261123
CONFIG = """# Written by the demo.
[node]
name = "demo"
data_dir = "{data_dir}"
rehearsal_starts_at = {starts_at}

[sip]
port = {ports.sip}
realm = "{realm}"

[media]
port_min = {media[0]}
port_max = {media[1]}

[http]
port = {http_port}

[policy]
packs = ["cn-bank-card"]

{registered}

[[trunks]]
name = "simulated-carrier"
host = "127.0.0.1"
port = {ports.carrier}
channels = 60
cps = 10.0

[[webhooks]]
url = "{webhook_url}"
secrets = ["{secret}"]
"""


@dataclass(frozen=True, slots=True)
class Robot:
    """A collector's account that a robot will use."""

    agent_id: int
    login: str
    token: str
    sip_password: str


@dataclass(frozen=True, slots=True)
class Ports:
    """Where SIP is spoken on the loopback address: the service and the simulated carrier."""

    sip: int
    carrier: int


@dataclass(frozen=True, slots=True)
class House:
    """Everything later steps need. `password` opens the accounts of `STAFF`; `tokens` are theirs, for programs."""

    folder: Path
    config_path: Path
    url: str
    ports: Ports
    clock: RehearsalClock
    webhook_secret: str
    supervisor_token: str
    password: str
    tokens: dict[str, str] = field(default_factory=dict)
    robots: list[Robot] = field(default_factory=list)
    lists: dict[str, Path] = field(default_factory=dict)


def rehearsal_start(calendar: WorkCalendar, today: date) -> datetime:
    """Ten in the morning, Shanghai, of the latest workday that is not after `today` and that the calendar knows."""
    day = min(today, calendar.complete_through)
    while calendar.kind(day) not in (DayKind.WORKDAY, DayKind.MAKE_UP_WORKDAY):
        day -= timedelta(days=1)
    return datetime(day.year, day.month, day.day, REHEARSAL_HOUR, tzinfo=SHANGHAI)


def free_port(preferred: int) -> int:
    """`preferred` when nothing uses it over UDP and TCP, else another one."""
    for port in (preferred, 0):
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as udp, socket.socket() as tcp:
            try:
                udp.bind(("127.0.0.1", port))
                tcp.bind(("127.0.0.1", udp.getsockname()[1]))
            except OSError:
                continue
            return int(udp.getsockname()[1])
    raise ConfigError(f"no free port beside {preferred} on 127.0.0.1")


def write_config(
    folder: Path, starts_at: datetime, http_port: int, ports: Ports, webhook_url: str, secret: str
) -> Path:
    """The demo's configuration file; the shipped policy pack is in force, its caller IDs are registered."""
    path = folder / "dialer.toml"
    text = CONFIG.format(
        data_dir=folder / "data",
        starts_at=starts_at.isoformat(),
        ports=ports,
        realm=SIP_REALM,
        media=SERVICE_MEDIA,
        http_port=http_port,
        registered="\n".join(f'[[caller_ids]]\nnumber = "{number}"' for number in CALLER_IDS),
        webhook_url=webhook_url,
        secret=secret,
    )
    path.write_text(text, encoding="utf-8")
    return path


async def build_house(folder: Path, http_port: int, webhook_url: str, sizes: dict[str, int], n_robots: int) -> House:
    """Makes the folder anew with lists, accounts and tokens. Raises ConfigError or StorageError."""
    await asyncio.to_thread(_clear, folder)
    calendar = await asyncio.to_thread(load_calendar, "cn-workdays")
    starts_at = rehearsal_start(calendar, datetime.now(UTC).astimezone(SHANGHAI).date())
    secret = secrets.token_urlsafe(32)
    ports = Ports(free_port(SIP_PORT), free_port(CARRIER_PORT))
    config_path = await asyncio.to_thread(write_config, folder, starts_at, http_port, ports, webhook_url, secret)
    lists = await asyncio.to_thread(_write_lists, folder, sizes, starts_at.date())
    house = House(
        folder=folder,
        config_path=config_path,
        url=f"http://127.0.0.1:{http_port}",
        ports=ports,
        clock=RehearsalClock(starts_at),
        webhook_secret=secret,
        supervisor_token=new_token(),
        password=secrets.token_urlsafe(9),
        lists=lists,
    )
    await _furnish(house, n_robots)
    return house


def _clear(folder: Path) -> None:
    shutil.rmtree(folder, ignore_errors=True)
    (folder / "data").mkdir(parents=True)
    (folder / "world").mkdir()


def _write_lists(folder: Path, sizes: dict[str, int], today: date) -> dict[str, Path]:
    paths = {}
    for index, (name, n_contacts) in enumerate(sizes.items()):
        paths[name] = folder / f"{name}.csv"
        write_sample_list(paths[name], n_contacts, FIRST_NUMBER + index * 10_000, today, SEED + index)
    return paths


async def _furnish(house: House, n_robots: int) -> None:
    """Accounts, and the announcements that the simulated carrier plays."""
    key = await asyncio.to_thread(load_or_create_key, house.folder / "data" / "secret.key")
    now = house.clock.utcnow()
    password_hash = await hash_password(house.password)
    async with Storage.open(f"sqlite:///{house.folder / 'data' / 'dialer.db'}", key, house.clock) as storage:
        for number in range(1, n_robots + 1):
            login, sip_password, token = f"robot{number}", secrets.token_urlsafe(12), new_token()
            sip = sip_credentials(login, SIP_REALM, sip_password)
            new = NewAccount(login, f"Robot {number}", Role.COLLECTOR, "", sip=sip)
            account = await storage.accounts.create(new, now)
            await storage.accounts.add_token(
                hash_token(token), login, Role.COLLECTOR, now, account_id=account.account_id
            )
            house.robots.append(Robot(account.account_id, login, token, sip_password))
        for login, role in STAFF.items():
            token = house.supervisor_token if role is Role.SUPERVISOR else new_token()
            person = await storage.accounts.create(NewAccount(login, f"Demo {login}", role, password_hash), now)
            await storage.accounts.add_token(hash_token(token), login, role, now, account_id=person.account_id)
            house.tokens[login] = token
        fingerprints = await asyncio.to_thread(_fingerprints)
        known = [NewAnnouncement(title, meaning, "zh", CARRIER) for title, meaning in ANNOUNCEMENTS.values()]
        added = [await storage.announcements.add(new, fingerprints[new.title], "demo", now) for new in known]
        await storage.announcements.state_complete(CARRIER, [entry.announcement_id for entry in added])


def _fingerprints() -> dict[str, Fingerprint]:
    return {
        title: fingerprint_of(read_audio(VOICES_DIR / f"{name}.flac")) for name, (title, _) in ANNOUNCEMENTS.items()
    }
