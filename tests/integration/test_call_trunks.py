"""Trunks that fail: the next one takes the call under the same reservation, and a failure after ringing does not."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from dialer.config import TrunkConfig
from dialer.model.attempt import Disposition
from dialer.model.campaign import AmdMode, CampaignSettings
from tests.support.call_lab import HOST, CallLab, FarSide, Line, call_lab, far_side, until

OFF = CampaignSettings(amd=AmdMode.OFF)


@pytest.fixture
async def backup(tmp_path: Path) -> AsyncIterator[FarSide]:
    async with far_side(tmp_path, 33900) as far:
        yield far


def second(far: FarSide) -> TrunkConfig:
    return TrunkConfig(name="backup", host=HOST, port=far.port, priority=1, first_response_timeout_s=1.0)


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


async def test_no_trunk_answers(tmp_path: Path) -> None:
    """The attempt is settled as the trunk's fault, which counts for nobody, and is due again."""
    async with call_lab(tmp_path, 33700) as lab:
        lab.far.on_call = lambda line: line.incoming.reject(503)
        await begin(lab)
        await until(lambda: bool(lab.far.lines), "the INVITE leaves")
        first, *_ = await lab.settled(at_least=True)
        assert first.disposition is Disposition.TRUNK_CONGESTION
