"""`dialer check`: the doctor. Each line says what was looked at, how it stands, and what to do about it."""

import asyncio
import errno
import os
import shutil
import socket
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

from rich.table import Table
from rich.text import Text

from dialer.cli.check_recordings import recording_key, recording_store
from dialer.cli.client import service_url
from dialer.cli.finding import Finding, Level, of_error
from dialer.cli.house import open_storage, read_config
from dialer.cli.output import console, say
from dialer.clock import SystemClock
from dialer.config import Config, TrunkConfig
from dialer.errors import DialerError, InputError
from dialer.model.campaign import CampaignSettings
from dialer.storage.opening import key_file, local_database

OPTIONS_TIMEOUT_S = 3.0
SPEECH_TIMEOUT_S = 10.0
SIP_PORT = 5060  # RFC 3261 §19.1.2: the default, left out of URIs
SAFE_HARBOUR = CampaignSettings().safe_harbour_prompt
"""The one prompt every campaign needs."""
MEGABYTE = 1 << 20
HEALTH_TIMEOUT_S = 3.0
FIRST_STEP = "dialer token create NAME --role administrator"


_STYLES = {Level.OK: "green", Level.WARN: "yellow", Level.FAIL: "red"}


async def run_checks(path: Path) -> int:
    """Prints every finding as it is made; the exit code: 0, or 1 when something would keep the node from dialing."""
    levels = []
    async for finding in examine(path):
        console.print(_shown(finding), highlight=False)
        levels.append(finding.level)
    n_fails, n_warns = levels.count(Level.FAIL), levels.count(Level.WARN)
    if n_fails:
        say(f"{n_fails} of {len(levels)} would keep this node from dialing")
    else:
        say("nothing keeps this node from dialing" + (f"; {n_warns} warnings" if n_warns else ""))
    return int(n_fails > 0)


def _shown(finding: Finding) -> Table:
    """The finding beside its mark, with the advice on lines of its own: wide paths and commands must stay readable."""
    grid = Table.grid(padding=(0, 2))
    grid.add_column(width=4, justify="right")
    grid.add_column(overflow="fold")
    grid.add_row(Text(finding.level.value, _STYLES[finding.level]), Text(f"{finding.subject}: {finding.detail}"))
    if finding.advice:
        grid.add_row("", Text(f"→ {finding.advice}"))
    return grid


async def examine(path: Path) -> AsyncIterator[Finding]:
    """Everything that can be looked at; without a readable configuration nothing else can."""
    try:
        config = await asyncio.to_thread(read_config, path)
    except DialerError as error:
        yield of_error("configuration", error, "correct the file; docs/configuration.md explains every key")
        return
    yield Finding("configuration", Level.OK, str(path))
    yield await asyncio.to_thread(_key, config)
    yield await _database(config)
    for finding in await asyncio.to_thread(_spools, config):
        yield finding
    yield await recording_key(config)
    yield await asyncio.to_thread(recording_store, config)
    for finding in await asyncio.to_thread(_policy, config):
        yield finding
    is_running = await _is_running(config)
    for finding in await asyncio.to_thread(lambda: [*_ports(config, is_running)]):
        yield finding
    async with asyncio.TaskGroup() as tasks:
        asked = [tasks.create_task(_trunk(trunk)) for trunk in config.trunks]
    for task in asked:
        yield task.result()
    if not config.trunks:
        yield Finding("trunks", Level.FAIL, "none is configured", "add a [[trunks]] section")
    yield await _prompts(config)


async def _database(config: Config) -> Finding:
    local = None if config.database.url else local_database(config)
    if local is not None and not await asyncio.to_thread(local.exists):
        advice = f"made by the first command that needs it: {FIRST_STEP}"
        return Finding("database", Level.WARN, f"{local} does not exist yet", advice)
    try:
        async with open_storage(config) as storage:
            campaigns = await storage.campaigns.all()
            tokens = await storage.accounts.tokens()
    except DialerError as error:
        return of_error("database", error, "correct [database], or start the database")
    if not tokens:
        return Finding("database", Level.WARN, "there is no API token", FIRST_STEP)
    return Finding("database", Level.OK, f"{len(campaigns)} campaigns, {len(tokens)} tokens")


def _key(config: Config) -> Finding:
    if config.database.key:
        return Finding("key", Level.OK, "from the configuration")
    path = key_file(config)
    try:
        if not path.exists():
            return Finding("key", Level.WARN, f"{path} does not exist yet", "made with the database; back it up then")
        if path.stat().st_mode & 0o077:
            return Finding("key", Level.FAIL, f"{path} can be read by others", f"chmod 600 {path}")
    except OSError as error:
        return Finding("key", Level.FAIL, f"{path}: {error.strerror}", "give this user the right to read it")
    return Finding("key", Level.OK, f"{path}; keep a copy elsewhere: without it no number can be read")


def _spools(config: Config) -> list[Finding]:
    wanted_mb = config.media.spool_min_free_mb
    first, second = config.node.data_dir, config.recordings.second_spool_dir
    findings = [_spool("spool", first, wanted_mb)]
    if second is not None:
        findings.append(_spool("second spool", second, wanted_mb))
        if _existing(first).stat().st_dev == _existing(second).stat().st_dev:
            advice = "give recordings.second_spool_dir a directory on another disk"
            findings.append(Finding("second spool", Level.WARN, "on the same file system as the first", advice))
    return findings


def _spool(subject: str, folder: Path, wanted_mb: int) -> Finding:
    existing = _existing(folder)
    if not os.access(existing, os.W_OK):
        advice = "choose a directory that this user may write to"
        return Finding(subject, Level.FAIL, f"{existing} cannot be written", advice)
    free_mb = shutil.disk_usage(existing).free // MEGABYTE
    if free_mb < wanted_mb:
        advice = "free disk space: a call that cannot be recorded is not made"
        return Finding(subject, Level.FAIL, f"{free_mb} MB free, {wanted_mb} MB needed", advice)
    return Finding(subject, Level.OK, f"{free_mb} MB free under {existing}")


def _existing(folder: Path) -> Path:
    """Itself, or the nearest directory above that exists."""
    return next(parent for parent in (folder, *folder.resolve().parents) if parent.exists())


def _policy(config: Config) -> list[Finding]:
    from dialer.calls.policy_keeper import configured_policy

    try:
        policy = configured_policy(config)
    except DialerError as error:
        return [of_error("policy", error, "correct the file it names, or policy.packs")]
    found = [Finding("policy", Level.OK, ", ".join((*config.policy.packs, *config.policy.overrides)))]
    for warning in policy.warnings(SystemClock().utcnow().date()):
        detail, _, advice = warning.partition("; ")
        found.append(Finding("policy", Level.WARN, detail, advice or "have counsel read it before real calls"))
    return found


async def _is_running(config: Config) -> bool:
    """Whether this node's own service answers where it should."""
    from dialer.api.client import ApiCallError, ApiClient

    if not config.http.port:
        return False
    try:
        async with asyncio.timeout(HEALTH_TIMEOUT_S), ApiClient(service_url(config.http.model_dump()), "") as client:
            return bool((await client.get("/healthz"))["status"] == "ok")
    except (ApiCallError, TimeoutError, LookupError, TypeError):
        return False


def _ports(config: Config, is_running: bool) -> Iterator[Finding]:
    wanted = [("http", config.http.host, config.http.port, socket.SOCK_STREAM)]
    for transport in config.sip.transports:
        kind = socket.SOCK_DGRAM if transport == "udp" else socket.SOCK_STREAM
        wanted.append((f"sip/{transport}", config.sip.host, config.sip.port, kind))
    for name, host, port, kind in wanted:
        yield _port(name, host, port, kind, is_running)
    low, high = config.media.port_min, config.media.port_max
    first, last = _ephemeral_ports()
    if low <= last and high >= first:
        detail = f"{low}–{high} overlaps the kernel's ephemeral ports {first}–{last}"
        yield Finding("rtp ports", Level.WARN, detail, f"choose media ports below {first}")
    else:
        yield Finding("rtp ports", Level.OK, f"{low}–{high}: room for {(high - low + 1) // 2} legs")


def _port(name: str, host: str, port: int, kind: int, is_running: bool) -> Finding:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family, kind) as probe:
        if kind == socket.SOCK_STREAM:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            if is_running and error.errno == errno.EADDRINUSE:
                return Finding(f"{name} port", Level.OK, f"{host}:{port} is held by the running service")
            advice = "stop what holds it, or choose another in the configuration"
            return Finding(f"{name} port", Level.FAIL, f"{host}:{port}: {error.strerror}", advice)
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
