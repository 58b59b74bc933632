"""`dialer check`: the doctor. Each line says what was looked at, how it stands, and what to do about it."""

import asyncio
import shutil
import socket
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from enum import Enum
from pathlib import Path

from dialer.cli.house import open_storage, read_config
from dialer.cli.output import console
from dialer.clock import SystemClock
from dialer.config import Config, TrunkConfig
from dialer.errors import DialerError, InputError
from dialer.model.campaign import CampaignSettings

OPTIONS_TIMEOUT_S = 3.0
SPEECH_TIMEOUT_S = 10.0
SIP_PORT = 5060  # RFC 3261 §19.1.2: the default, left out of URIs
SAFE_HARBOUR = CampaignSettings().safe_harbour_prompt
"""The one prompt every campaign needs."""
MEGABYTE = 1 << 20


class Level(str, Enum):
    """How a thing stands: WARN does not keep the node from dialing, FAIL does."""

    OK = "ok"
    WARN = "warn"
    FAIL = "fail"


@dataclass(frozen=True, slots=True)
class Finding:
    """One line: `advice` says what to do, empty when all is well."""

    subject: str
    level: Level
    detail: str
    advice: str = ""


_STYLES = {Level.OK: "green", Level.WARN: "yellow", Level.FAIL: "red"}


async def run_checks(path: Path) -> int:
    """Prints every finding as it is made; the exit code: 0, or 1 when something would keep the node from dialing."""
    worst = 0
    async for finding in examine(path):
        mark = f"[{_STYLES[finding.level]}]{finding.level.value:>4}[/]"
        console.print(mark, end="  ")
        advice = f" → {finding.advice}" if finding.advice else ""
        console.print(f"{finding.subject}: {finding.detail}{advice}", markup=False, highlight=False, soft_wrap=True)
        worst |= finding.level is Level.FAIL
    return int(worst)


async def examine(path: Path) -> AsyncIterator[Finding]:
    """Everything that can be looked at; without a readable configuration nothing else can."""
    try:
        config = await asyncio.to_thread(read_config, path)
    except DialerError as error:
        yield Finding("configuration", Level.FAIL, str(error), "correct the file; examples/dialer.toml shows the form")
        return
    yield Finding("configuration", Level.OK, str(path))
    yield await _database(config)
    for blocking in (_key, _spool, _policy):
        yield await asyncio.to_thread(blocking, config)
    for finding in await asyncio.to_thread(lambda: [*_ports(config)]):
        yield finding
    for trunk in config.trunks:
        yield await _trunk(trunk)
    if not config.trunks:
        yield Finding("trunks", Level.FAIL, "none is configured", "add a [[trunks]] section")
    yield await _prompts(config)


async def _database(config: Config) -> Finding:
    try:
        async with open_storage(config) as storage:
            campaigns = await storage.campaigns.all()
            tokens = await storage.accounts.tokens()
    except DialerError as error:
        return Finding("database", Level.FAIL, str(error), "correct [database], or start the database")
    if not tokens:
        return Finding("database", Level.WARN, "there is no API token", "dialer token create NAME --role administrator")
    return Finding("database", Level.OK, f"{len(campaigns)} campaigns, {len(tokens)} tokens")


def _key(config: Config) -> Finding:
    if config.database.key:
        return Finding("key", Level.OK, "from the configuration")
    path = config.node.data_dir / "secret.key"
    if not path.exists():
        return Finding("key", Level.WARN, f"{path} does not exist yet", "made at the first start; back it up then")
    mode = path.stat().st_mode & 0o777
    if mode & 0o077:
        return Finding("key", Level.WARN, f"{path} can be read by others", f"chmod 600 {path}")
    return Finding("key", Level.OK, f"{path}; keep a copy elsewhere: without it no number can be read")


def _spool(config: Config) -> Finding:
    folder = config.node.data_dir
    existing = next(parent for parent in (folder, *folder.resolve().parents) if parent.exists())
    free_mb = shutil.disk_usage(existing).free // MEGABYTE
    wanted_mb = config.media.spool_min_free_mb
    if free_mb < wanted_mb:
        advice = "free disk space: a call that cannot be recorded is not made"
        return Finding("spool", Level.FAIL, f"{free_mb} MB free, {wanted_mb} MB needed", advice)
    return Finding("spool", Level.OK, f"{free_mb} MB free under {existing}")


def _policy(config: Config) -> Finding:
    from dialer.compliance.packs import load_policy

    try:
        load_policy(config.policy.packs)
    except DialerError as error:
        return Finding("policy", Level.FAIL, str(error), "correct policy.packs")
    return Finding("policy", Level.OK, ", ".join(config.policy.packs))


def _ports(config: Config) -> Iterator[Finding]:
    wanted = [("http", config.http.host, config.http.port, socket.SOCK_STREAM)]
    for transport in config.sip.transports:
        kind = socket.SOCK_DGRAM if transport == "udp" else socket.SOCK_STREAM
        wanted.append((f"sip/{transport}", config.sip.host, config.sip.port, kind))
    for name, host, port, kind in wanted:
        yield _port(name, host, port, kind)
    low, high = config.media.port_min, config.media.port_max
    first, last = _ephemeral_ports()
    if low <= last and high >= first:
        detail = f"{low}–{high} overlaps the kernel's ephemeral ports {first}–{last}"
        yield Finding("rtp ports", Level.WARN, detail, f"choose media ports below {first}")
    else:
        yield Finding("rtp ports", Level.OK, f"{low}–{high}: room for {(high - low + 1) // 2} legs")


def _port(name: str, host: str, port: int, kind: int) -> Finding:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family, kind) as probe:
        if kind == socket.SOCK_STREAM:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            advice = "if this is not the service itself, stop what holds the port or choose another"
            return Finding(f"{name} port", Level.WARN, f"{host}:{port}: {error.strerror}", advice)
    return Finding(f"{name} port", Level.OK, f"{host}:{port} is free")


def _ephemeral_ports() -> tuple[int, int]:
    try:
        low, high = Path("/proc/sys/net/ipv4/ip_local_port_range").read_text().split()
    except (OSError, ValueError):
        return 65536, 65536
    return int(low), int(high)


async def _trunk(trunk: TrunkConfig) -> Finding:
    """Asks the trunk with one OPTIONS; any answer is a sign of life (RFC 3261 §11)."""
    subject = f"trunk {trunk.name}"
    where = f"{trunk.host}:{trunk.port}"
    try:
        status = await _options(trunk)
    except (OSError, DialerError) as error:
        return Finding(subject, Level.FAIL, f"{where} cannot be reached: {error}", "check host, port and firewall")
    if status is None:
        detail = f"{where} does not answer OPTIONS within {OPTIONS_TIMEOUT_S:g} s"
        return Finding(subject, Level.FAIL, detail, "check host, port, transport, and that the provider knows us")
    if status == 503:
        return Finding(subject, Level.WARN, f"{where} answers 503", "the provider is overloaded or has blocked us; ask")
    return Finding(subject, Level.OK, f"{where} answers {status}")


async def _options(trunk: TrunkConfig) -> int | None:
    from dialer.config import SipConfig
    from dialer.sip.endpoint import SipEndpoint
    from dialer.sip.trunk_monitor import TrunkMonitor
    from dialer.sip.trunks import Trunks
    from dialer.sip.uri import SipUri

    local = await asyncio.to_thread(_local_address, trunk)
    trunks = Trunks([trunk], SystemClock(), lambda: 0.0)
    config = SipConfig(host=local, port=0, transports=(trunk.transport,))
    async with SipEndpoint(config, is_trunk=trunks.is_trunk) as endpoint:
        await TrunkMonitor(trunks, endpoint).resolve()
        destination = trunks.destination(trunk.name)
        if destination is None:
            raise InputError(f"the name {trunk.host} cannot be resolved")
        target = SipUri.build("", trunk.host, None if trunk.port == SIP_PORT else trunk.port)
        return await endpoint.options(target, destination, OPTIONS_TIMEOUT_S)


def _local_address(trunk: TrunkConfig) -> str:
    """The address the kernel would send from; connecting a UDP socket sends nothing."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.connect((trunk.host, trunk.port))
        address: str = probe.getsockname()[0]
        return address


async def _prompts(config: Config) -> Finding:
    from dialer.prompts.store import PromptStore
    from dialer.prompts.tts import local_speech

    data_dir = config.node.data_dir
    speech = await asyncio.to_thread(local_speech, data_dir / "speech")
    store = PromptStore(data_dir / "prompts", speech)
    try:
        async with asyncio.timeout(SPEECH_TIMEOUT_S):
            await store.render(SAFE_HARBOUR)
    except (DialerError, TimeoutError) as error:
        advice = "record it as a WAV file, or install espeak-ng"
        return Finding("prompts", Level.FAIL, f"{SAFE_HARBOUR}: {error or 'took too long'}", advice)
    if await asyncio.to_thread(shutil.which, "espeak-ng") is None:
        advice = "install espeak-ng, or record every prompt"
        return Finding("prompts", Level.WARN, "no text-to-speech: espeak-ng is not installed", advice)
    return Finding("prompts", Level.OK, "the safe-harbour message can be played; espeak-ng speaks the rest")
