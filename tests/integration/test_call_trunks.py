"""Trunks that fail: the next one takes the call under the same reservation, and a failure after ringing does not."""

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from dialer.calls import placing
from dialer.clock import SystemClock
from dialer.config import PolicyConfig, TrunkConfig
from dialer.model.attempt import Attempt, AttemptFilter, AttemptState, CallPath, Disposition
from dialer.model.campaign import AmdMode, CampaignSettings
from dialer.sip.trunks import TrunkLease, Trunks
from tests.support.call_lab import HOST, CallLab, FarSide, Line, call_lab, far_side, until

OFF = CampaignSettings(amd=AmdMode.OFF)


@pytest.fixture
async def backup(tmp_path: Path) -> AsyncIterator[FarSide]:
    async with far_side(tmp_path, 33900) as far:
        yield far


def second(far: FarSide) -> TrunkConfig:
    return TrunkConfig(name="backup", host=HOST, port=far.port, priority=1, first_response_timeout_s=10.0)


async def begin(lab: CallLab) -> None:
    campaign = await lab.campaign(OFF)
    await lab.app.desk.log_in(lab.agent_ids[0], [campaign.campaign_id])
    await lab.app.desk.ready(lab.agent_ids[0])
    await lab.app.campaigns.start(campaign.campaign_id, "test")


async def test_a_congested_trunk_is_replaced(tmp_path: Path, backup: FarSide) -> None:
    async with call_lab(tmp_path, 33700, more_trunks=(second(backup),)) as lab:
        lab.far.on_call = lambda line: line.incoming.reject(503)
        backup.on_call = lambda line: line.incoming.reject(486)
        await begin(lab)
        (attempt,) = await lab.settled()
        assert (attempt.trunk, attempt.disposition) == ("backup", Disposition.BUSY)
        assert (len(lab.far.lines), len(backup.lines)) == (1, 1)
        await until(lambda: all(trunk.in_use == 0 for trunk in lab.app.trunks.status()), "both channels are free")


PER_TRUNK = """
pack: per-trunk
title: Few calls over each trunk
status: draft, needs counsel
source: for a test
jurisdiction: CN
valid_from: 2020-01-01
zone: Asia/Shanghai
rules:
  - id: per-trunk.cap
    kind: cap
    source: for a test
    scope: campaign_trunk
    event: placed
    span: {inclusive_days: 1}
    limit: 100
"""


async def test_no_other_trunk_takes_a_call_that_was_counted_for_the_first(tmp_path: Path, backup: FarSide) -> None:
    """The gate was asked about one trunk: over another the call would pass that one's cap unseen."""
    pack = tmp_path / "per-trunk.yaml"
    await asyncio.to_thread(pack.write_text, PER_TRUNK)
    policy = PolicyConfig(packs=(str(pack),))
    async with call_lab(tmp_path, 33700, more_trunks=(second(backup),), policy=policy) as lab:
        lab.far.on_call = lambda line: line.incoming.reject(503)
        backup.on_call = lambda line: line.incoming.reject(486)
        await begin(lab)
        first, *_ = await lab.settled(at_least=True)
        assert (first.trunk, first.disposition) == ("main", Disposition.TRUNK_CONGESTION)
        attempts = await lab.app.storage.attempts.list(AttemptFilter())
        assert len(attempts) >= len(lab.far.lines) + len(backup.lines), "each INVITE has an attempt of its own"


async def test_a_failure_after_ringing_is_final(tmp_path: Path, backup: FarSide) -> None:
    async with call_lab(tmp_path, 33700, more_trunks=(second(backup),)) as lab:

        def ring_then_fail(line: Line) -> None:
            line.incoming.ringing()
            line.incoming.reject(503)

        lab.far.on_call = ring_then_fail
        await begin(lab)
        (attempt,) = await lab.settled()
        assert (attempt.trunk, attempt.disposition) == ("main", Disposition.NO_ANSWER)
        assert backup.lines == []


async def test_no_invite_leaves_on_an_old_word_of_the_gate(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A database that took too long looks like a margin that is over: the reservation is given back, nothing rings."""
    monkeypatch.setattr(placing, "DIALING_MARGIN_S", -1.0)
    async with call_lab(tmp_path, 33700) as lab:
        await begin(lab)

        async def released() -> bool:
            filter_ = AttemptFilter(states=(AttemptState.RELEASED,))
            return bool(await lab.app.storage.attempts.list(filter_))

        async with asyncio.timeout(20):
            while not await released():  # noqa: ASYNC110 - the database has no event
                await asyncio.sleep(0.05)
        assert lab.far.lines == []


@pytest.mark.parametrize(("age_s", "may"), [(-0.1, False), (0.0, True), (9.9, True), (10.1, False)])
def test_how_long_the_gates_word_holds(age_s: float, may: bool) -> None:
    reserved_at = datetime(2026, 11, 23, 2, 0, tzinfo=UTC)
    attempt = Attempt(1, 1, 1, 1, CallPath.MANUAL, AttemptState.RESERVED, "138****0000", reserved_at)
    lease = Trunks([TrunkConfig(name="t", host=HOST)], SystemClock(), lambda: 0.0).acquire("default")
    assert isinstance(lease, TrunkLease)
    assert placing.Placed(attempt, lease).may_dial(reserved_at + timedelta(seconds=age_s)) is may


async def test_no_trunk_answers(tmp_path: Path) -> None:
    """The attempt is settled as the trunk's fault, which counts for nobody, and is due again."""
    async with call_lab(tmp_path, 33700) as lab:
        lab.far.on_call = lambda line: line.incoming.reject(503)
        await begin(lab)
        await until(lambda: bool(lab.far.lines), "the INVITE leaves")
        first, *_ = await lab.settled(at_least=True)
        assert first.disposition is Disposition.TRUNK_CONGESTION
