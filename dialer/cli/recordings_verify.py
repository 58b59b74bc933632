"""`dialer recordings verify`, `key`, `head` and `ledger`: whether recordings and their ledger are what was written.

They read the node's configuration, its database, its store and its keys, beside the running service or without it, and
write nothing: an auditor may run them on a copy.
"""

import asyncio
from collections.abc import Sequence
from dataclasses import asdict
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import msgspec
import typer

from dialer.cli.house import DEFAULT_CONFIG, ConfigFile, read_config
from dialer.cli.output import complain, note, say
from dialer.errors import ConfigError, DialerError

if TYPE_CHECKING:  # heavy: `dialer --help` stays quick
    from dialer.config import Config
    from dialer.evidence.chain_walk import Witnesses
    from dialer.evidence.verification import Verified
    from dialer.storage.ledger_rows import Chosen
    from recording.faults import Fault
    from recording.heads import Head
    from recording.keys import KeyRing
    from recording.ledger_check import ChainReport

EXIT_FAULTS = 1
EXIT_NOT_WHOLE = 3
UNSIGNED_AT_LEAST = timedelta(minutes=10)
"""An entry may wait this long for its signature, or three times as long as the node takes between two."""
PROGRESS_EVERY = {"entries": 100_000, "recordings": 1000, "objects": 10_000}
MB = 1_000_000

KeyFiles = Annotated[list[Path] | None, typer.Option("--key", help="Public keys (PEM) that must have signed.")]
Heads = Annotated[list[str] | None, typer.Option("--head", help="CHAIN:SEQUENCE:HASH as noted elsewhere.")]
Since = Annotated[str, typer.Option("--since", help="From this instant on, e.g. 2026-11-01T00:00:00+08:00.")]


def verify(
    config: ConfigFile = DEFAULT_CONFIG,
    since: Since = "",
    case: Annotated[str, typer.Option("--case", help="The recordings of this case only.")] = "",
    recording: Annotated[str, typer.Option("--recording", help="This recording only, with its redactions.")] = "",
    key: KeyFiles = None,
    head: Heads = None,
    tsa_certificate: Annotated[
        Path | None, typer.Option("--tsa-certificate", help="Whose time stamps count (PEM); else the configured one.")
    ] = None,
    sealed_only: Annotated[
        bool, typer.Option("--sealed-only", help="Without the keys of recordings: as they lie in the store.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="The report for programs.")] = False,
) -> None:
    """Checks the ledger, and every recording against it: its row, its key, its bytes in the store, its content.

    Exit code 0: all is well; 1: something is wrong; 2: it could not be checked, or nothing is on record of the case
    or recording named; 3: nothing is wrong, but nobody vouches for a key that signed.
    """
    from dialer.storage.ledger_rows import Chosen

    chosen = Chosen(_instant(since), case, recording)
    settings = read_config(config)
    witnesses = _witnesses(settings, key or (), head or (), tsa_certificate)
    found = _checked(settings, chosen, witnesses, opened=not sealed_only)
    if as_json:
        typer.echo(msgspec.json.format(msgspec.json.encode(_as_json(found)), indent=2).decode())
    else:
        _print(found, opened=not sealed_only)
    if not found.well:
        raise typer.Exit(EXIT_FAULTS)
    if (case or recording) and not since and not found.recordings:
        raise DialerError(f"no recording of {case or recording} is on record: look how it is written")
    if not found.vouched:
        raise typer.Exit(EXIT_NOT_WHOLE)


def key(config: ConfigFile = DEFAULT_CONFIG) -> None:
    """Prints the public keys that this node signs its ledger with (PEM), oldest first, to be kept elsewhere."""
    from dialer.evidence.signing_key import own_keys
    from recording.heads import public_pem

    keys = own_keys(read_config(config))
    if not keys:
        raise ConfigError("this node has signed nothing yet: its key is made when the service first starts")
    for key_id, one in keys.items():
        note(f"key {key_id}")
        typer.echo(public_pem(one).decode(), nl=False)


def head(config: ConfigFile = DEFAULT_CONFIG) -> None:
    """Prints the last signed head of every chain, to be noted where nobody here can change it."""
    for one in _newest_heads(read_config(config)):
        say(str(one))
    note(
        "note these elsewhere, often: whoever has the database and the node's key can deny everything but a noted head"
    )


def ledger(
    folder: Annotated[Path, typer.Argument(help="Where to; it must not be there yet.")],
    config: ConfigFile = DEFAULT_CONFIG,
) -> None:
    """Writes the ledger into a folder, for a check with openssl and sha256sum alone (docs/evidence.md)."""
    from dialer.evidence.ledger_export import export_ledger
    from dialer.storage.read_only import read_only_storage

    settings = read_config(config)

    async def run() -> int:
        async with read_only_storage(settings) as storage:
            return await export_ledger(storage.ledger_reading, folder)

    try:
        n = asyncio.run(run())
    except OSError as error:
        raise DialerError(f"{folder}: cannot write the ledger there: {error.strerror}") from error
    say(f"{n:,} entries")


# ---- what is checked, and what is believed


def _checked(config: "Config", chosen: "Chosen", witnesses: "Witnesses", *, opened: bool) -> "Verified":
    """Everything is imported and opened before the event loop runs, which nothing may block."""
    from dialer.clock import SystemClock
    from dialer.evidence.object_check import ObjectCheck
    from dialer.evidence.stores import store_settings
    from dialer.evidence.verification import Verification
    from dialer.storage.read_only import read_only_storage
    from recording.errors import RecordingError
    from recording.objects import open_store

    unsigned_for = max(UNSIGNED_AT_LEAST, timedelta(seconds=3 * config.evidence.head_interval_s))

    async def run() -> "Verified":
        async with read_only_storage(config) as storage:
            check = Verification(storage, store, objects, witnesses, _Progress())
            return await check.run(chosen, SystemClock().utcnow(), unsigned_for)

    try:
        store = open_store(store_settings(config))
        objects = ObjectCheck(store, _keys(config) if opened else None)
        return asyncio.run(run())
    except RecordingError as error:
        raise DialerError(str(error)) from error


def _keys(config: "Config") -> "KeyRing":
    """The keys that open recordings; none is made here. Raises ConfigError."""
    from dialer.evidence.recording_keys import KEY_FILE, recording_keys

    path = config.node.data_dir / KEY_FILE
    if not (config.recordings.key or config.recordings.key_command or path.exists()):
        raise ConfigError(f"{path} is missing; put a copy of the key there, or check with --sealed-only")
    return recording_keys(config)


def _newest_heads(config: "Config") -> list["Head"]:
    from dialer.storage.read_only import read_only_storage

    async def run() -> list["Head"]:
        async with read_only_storage(config) as storage:
            newest = await storage.ledger_reading.newest_signed()
            signed = [await storage.ledger_reading.newest_at(chain, place) for chain, place in newest.items()]
        said = [one[1].said for one in signed if one is not None]
        return [statement.head for statement in said if statement is not None]

    return asyncio.run(run())


def _witnesses(
    config: "Config", key_files: Sequence[Path], heads: Sequence[str], tsa_certificate: Path | None
) -> "Witnesses":
    from dialer.evidence.chain_walk import Witnesses
    from dialer.evidence.signing_key import own_keys, read_key_file, signed_head
    from dialer.evidence.time_stamping import read_authorities, trusted_authorities
    from recording.heads import by_id
    from recording.ledger_check import Trust

    noted = [_head(text) for text in heads]
    own = signed_head(config)
    if own is not None:
        noted.append(own)
    if key_files:
        trust = Trust(by_id(one for path in key_files for one in read_key_file(path)))
    else:
        keys = own_keys(config)
        trust = Trust(keys, frozenset({config.node.name} if keys else ()))
        note("no --key: the node's own ledger.pub is believed, which whoever has the node can change")
    authorities = trusted_authorities(config.evidence) if tsa_certificate is None else read_authorities(tsa_certificate)
    return Witnesses(trust, tuple(noted), authorities)


def _head(text: str) -> "Head":
    from recording.heads import parse_head

    try:
        return parse_head(text)
    except ValueError as error:
        raise DialerError(f"--head {text}: write CHAIN:SEQUENCE:HASH, as `dialer recordings head` prints it") from error


def _instant(text: str) -> datetime | None:
    if not text:
        return None
    try:
        at = datetime.fromisoformat(text)
    except ValueError as error:
        raise DialerError(f"--since {text}: write an instant like 2026-11-01T00:00:00+08:00") from error
    if at.tzinfo is None:
        raise DialerError(f"--since {text}: add the UTC offset, like 2026-11-01T00:00:00+08:00")
    return at


# ---- what is printed


class _Progress:
    """Says now and then how far the check has come."""

    def __init__(self) -> None:
        self._told: dict[str, int] = {}

    def __call__(self, what: str, n: int) -> None:
        steps = n // PROGRESS_EVERY[what]
        if steps > self._told.get(what, 0):
            self._told[what] = steps
            note(f"{n:,} {what} checked")


def _print(found: "Verified", *, opened: bool) -> None:
    for chain in found.chains:
        _print_chain(chain, to_note=found.well)
    walked = found.walked
    say(f"{walked.entries:,} entries, {walked.heads:,} signed heads, {walked.stamps:,} time stamps")
    if walked.stamped_until is not None:
        say(f"  the newest time stamp is of {walked.stamped_until}, by the authority's clock")
    if walked.unchecked_stamps:
        say(f"  {walked.unchecked_stamps:,} time stamps not checked: give the authority's --tsa-certificate")
    read = "read whole and opened" if opened else "read whole, not opened"
    kept = found.recordings - found.deleted
    say(f"{kept:,} recordings {read} ({found.sealed_bytes / MB:,.1f} MB), {found.deleted:,} deleted")
    for fault in found.faults:
        _print_fault(fault)
    if found.n_faults > len(found.faults):
        complain(f"and {found.n_faults - len(found.faults):,} more faults")
    if not found.well:
        complain(f"{found.n_faults:,} fault{'' if found.n_faults == 1 else 's'}")
    elif found.vouched:
        say("all is well: nothing was changed, removed, put in or re-ordered up to these heads")
    else:
        say("nothing is wrong, but a key that signed is one nobody here vouches for; give it with --key")


def _print_chain(chain: "ChainReport", *, to_note: bool) -> None:
    say(
        f"chain {chain.chain}: {chain.entries:,} entries, {chain.first:,} to {chain.last:,}, signed to {chain.signed:,}"
    )
    for signer in chain.keys:
        word = "trusted" if signer.trusted else "named by the chain alone"
        say(f"  key {signer.key_id} ({word}): {signer.heads:,} heads, entries {signer.first:,} to {signer.last:,}")
    if chain.entries and to_note:  # a head of what was tampered with would only vouch for it
        say("  to note elsewhere:")
        say(f"  {chain.chain}:{chain.last}:{chain.head}")


def _print_fault(fault: "Fault") -> None:
    complain(f"{fault.place}: {fault.trouble.value.replace('_', ' ')}: {fault.words}")
    note(f"  it means: {fault.advice.meaning}")
    note(f"  do: {fault.advice.action}")


def _as_json(found: "Verified") -> dict[str, Any]:
    said = asdict(found)
    said["faults"] = [
        {"trouble": fault.trouble, "place": fault.place, "words": fault.words, **asdict(fault.advice)}
        for fault in found.faults
    ]
    return said | {"well": found.well}
