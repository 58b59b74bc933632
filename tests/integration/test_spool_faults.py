"""Recordings on bad disks, and through kills: the real engine, real RTP, a disk that does what it is ordered to.

All children of the first part run at the same time, each with a disk of its own; the tests look at what is left.
"""

import itertools
import random
import statistics
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from dialer.media.interface import FRAME_SAMPLES, RATE_HZ
from recording.keys import KEY_BYTES, KeyRing
from recording.objects import StoreSettings
from recording.spool import SpoolReader
from recording.spool_parts import parts_of
from recording.vault import Ingest
from recording.worker import VaultSettings
from tests.support.spool_lab import FRAME_S, Child, Recorded, Speaker, build_disk, talk

MOST_LOST_S = 1.0
"""What a kill or a power cut may cost: the promise of docs/recording.md."""
N_KILLS = 50
N_AT_ONCE = 25
TALK_S = 4.0
FAULT_AT_S = 1.0
SLOW_WRITE_S = 2.0
STUCK_WRITE_S = 4.0
SYNC_ALLOWANCE_S = 0.3
"""How long a sync may take until a power cut costs more than that: the disk's part of the promise."""

pytestmark = [pytest.mark.timeout(120), pytest.mark.allow_blocking]


@dataclass
class Ended:
    """What became of one child."""

    child: Child
    recorded: Recorded
    events: Sequence[Sequence[Any]] = ()
    not_durable_s: float = 0.0


def said(speaker: Speaker) -> bytes:
    """Everything a far end has said."""
    return b"".join(map(speaker.frame, range(len(speaker.sent_at))))


def longest_gap(speaker: Speaker) -> float:
    """The longest time without a packet of the engine's."""
    return max(later - earlier for earlier, later in itertools.pairwise(speaker.heard_at))


ORDERS = {
    "well": (),
    "slow": (f"write first/ delay {SLOW_WRITE_S * 1000:.0f}",),
    "stuck": (f"write first/ delay {STUCK_WRITE_S * 1000:.0f}",),
    "full": ("write first/ full 0",),
    "full-alone": ("write first/ full 0",),
    "sync": ("syncfs first lose 0",),
    "torn": ("write first/ tear 0",),
}
ALONE = ("well", "slow", "full-alone", "torn")


@pytest.fixture(scope="module")
def ended(tmp_path_factory: pytest.TempPathFactory) -> Mapping[str, Ended]:
    """Seven engines live through their disk's fault, and are ended in order but for the torn one."""
    root = tmp_path_factory.mktemp("spools")
    disk = build_disk(root)
    with ExitStack() as stack:
        children: dict[str, Child] = {}
        for index, name in enumerate(ORDERS):
            paths = [root / name / path for path in ("first", "second")[: 1 if name in ALONE else 2]]
            children[name] = Child(paths, 23_000 + 100 * index, 1, 0x100 * (index + 1), disk)
            stack.callback(children[name].close)
        for child in children.values():
            child.connect()
        for at in talk(list(children.values()), TALK_S):
            if FAULT_AT_S <= at < FAULT_AT_S + FRAME_S:
                for name, child in children.items():
                    child.order(*ORDERS[name])
        children["torn"].kill()
        events = {name: child.ask("events") for name, child in children.items() if name != "torn"}
        lags = {name: child.ask("figures")[1] for name, child in children.items() if name != "torn"}
        children["stuck"].order()
        for name in events:
            children[name].ask("stop")
            children[name].speakers[0].listen()
        return {
            name: Ended(child, child.recorded(0), events.get(name, ()), lags.get(name, 0.0))
            for name, child in children.items()
        }


@pytest.mark.parametrize("name", ["well", "slow", "stuck", "full", "sync"])
def test_nothing_is_missing_from_the_recording(ended: Mapping[str, Ended], name: str) -> None:
    """On a slow disk it is complete at the end; on one that fails or hangs it goes on on the second path."""
    case = ended[name]
    assert case.recorded.audio(0) == said(case.child.speakers[0])
    assert not case.recorded.truncated
    assert not [event for event in case.events if event[0] == "recording_failed"]
    assert case.recorded.n_parts == (2 if name in ("stuck", "full", "sync") else 1)


def test_two_files_become_one_recording(ended: Mapping[str, Ended], tmp_path: Path) -> None:
    """Laid out, sealed, stored, read back: both of them, and not a sample lost between."""
    case = ended["sync"]
    (tmp_path / "store").mkdir()
    vault = VaultSettings(
        KeyRing(b"k" * KEY_BYTES), StoreSettings(str(tmp_path / "store")), tmp_path / "staging"
    ).open()
    kept = vault.ingest(Ingest("leg-0", parts_of("leg-0.spool", case.child.directories)))
    assert not kept.truncated
    assert kept.lost_ms == 0
    assert kept.duration_s == pytest.approx(case.recorded.records[-1].end / RATE_HZ, abs=0.01)


def test_a_slow_disk_makes_no_packet_late(ended: Mapping[str, Ended]) -> None:
    gaps = {name: longest_gap(ended[name].child.speakers[0]) for name in ("well", "slow", "stuck")}
    print("\nlongest gap between packets, in ms:", {name: round(1000 * gap) for name, gap in gaps.items()})
    assert max(gaps.values()) < SLOW_WRITE_S / 4, "packets wait for the disk"
    assert ended["slow"].not_durable_s > SLOW_WRITE_S / 2, "the disk was not slow"


def test_without_a_second_path_the_failure_is_told_and_audio_goes_on(ended: Mapping[str, Ended]) -> None:
    case = ended["full-alone"]
    (failure,) = [event for event in case.events if event[0] == "recording_failed"]
    assert "leg-0.spool: No space left on device" in failure[4]
    speaker = case.child.speakers[0]
    assert speaker.heard_at[-1] > speaker.sent_at[-1] - 0.5, "the far end still hears us"
    kept = case.recorded.audio(0)
    assert said(speaker).startswith(kept)
    assert case.recorded.truncated
    assert len(kept) / RATE_HZ > FAULT_AT_S - MOST_LOST_S


def test_a_torn_write_costs_the_write_alone(ended: Mapping[str, Ended]) -> None:
    case = ended["torn"]
    kept = case.recorded.audio(0)
    assert case.recorded.truncated
    assert said(case.child.speakers[0]).startswith(kept)
    assert FAULT_AT_S - MOST_LOST_S < len(kept) / RATE_HZ < FAULT_AT_S + MOST_LOST_S
    (path,) = case.child.directories[0].glob("*.spool")
    with path.open("rb") as stream:
        reader = SpoolReader(stream)
        list(reader)
    assert reader.damaged_bytes > 0, "the write was not torn"


def test_a_power_cut_would_cost_no_more_than_a_second(ended: Mapping[str, Ended]) -> None:
    """What the last finished sync covered, against what had been said when the next one finished."""
    child = ended["well"].child
    (path,) = child.directories[0].glob("*.spool")
    whole, lost = path.read_bytes(), []
    for (before_at, begun_at, covered), (began_at, ended_at, _) in itertools.pairwise(_syncs(child)):
        if (n_bytes := covered.get(str(path), 0)) == 0:
            continue
        kept = child.directories[0].parent / "kept"
        kept.write_bytes(whole[:n_bytes])
        late_s = sum(max(0.0, took_s - SYNC_ALLOWANCE_S) for took_s in (begun_at - before_at, ended_at - began_at))
        lost.append(ended_at - late_s - Recorded.read([kept]).end_at(0))
    print(f"\nnot durable before a sync ends, in ms: median {1000 * statistics.median(lost):.0f}, ", end="")
    print(f"most {1000 * max(lost):.0f}; the engine says {1000 * ended['well'].not_durable_s:.0f}")
    assert len(lost) >= 3
    assert max(lost) <= MOST_LOST_S


def _syncs(child: Child) -> Iterator[tuple[float, float, Mapping[str, int]]]:
    for line in child.notes.read_text().splitlines():
        began_at, ended_at, *files = line.split()
        yield float(began_at), float(ended_at), {name: int(size) for name, size in (file.split("=") for file in files)}


def test_fifty_kills_cost_less_than_a_second_each(tmp_path: Path) -> None:
    """Every leg, both directions: nothing is missing or altered but the end, and of that less than a second."""
    chance = random.Random(20_261_122)
    lost: list[float] = []
    for wave in range(N_KILLS // N_AT_ONCE):
        with ExitStack() as stack:
            children = [
                Child([tmp_path / f"{wave}-{index}" / "spool"], 23_000 + 10 * index, 2, 2 * index + 1)
                for index in range(N_AT_ONCE)
            ]
            for child in children:
                stack.callback(child.close)
            for child in children:
                child.connect()
            dies_at = {child.tag: chance.uniform(0.3, 2.0) for child in children}
            for at in talk(children, 2.1):
                for child in children:
                    if not child.killed_at and at >= dies_at[child.tag]:
                        child.kill()
            for child in children:
                child.process.wait(timeout=10.0)
                lost.extend(loss for leg in range(2) for loss in _lost(child, leg))
    print(f"\nlost by {N_KILLS} kills, in ms: median {1000 * statistics.median(lost):.0f}, most {1000 * max(lost):.0f}")
    assert len(lost) == 4 * N_KILLS
    assert max(lost) <= MOST_LOST_S


def _lost(child: Child, leg: int) -> tuple[float, float]:
    """What is missing at the end of either channel, in seconds."""
    recorded, speaker = child.recorded(leg), child.speakers[leg]
    assert recorded.truncated
    kept = recorded.audio(0)
    assert said(speaker).startswith(kept)
    n_said = sum(at < child.killed_at for at in speaker.sent_at)
    return (n_said - len(kept) / FRAME_SAMPLES) * FRAME_S, child.killed_at - recorded.end_at(1)
