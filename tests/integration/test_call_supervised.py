"""A real call as supervisors see it: its SIP messages, the floor, the day's figures, what holds the pace."""

from pathlib import Path

import pytest

from dialer.model.agent import AgentState, PhoneKind
from dialer.model.attempt import Disposition
from dialer.model.campaign import AmdMode, CampaignSettings
from dialer.model.limiting import Factor
from dialer.supervising import figure_book
from dialer.supervising.floor import collectors_now
from tests.support.call_lab import CallLab, Line, call_lab, until


async def test_a_call_is_seen_while_it_lasts_and_after(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(figure_book, "COST_FACTOR", 0)  # a slow first reading would be kept for long
    async with call_lab(tmp_path, 49000) as lab:
        app, supervision = lab.app, lab.app.supervision
        lab.far.on_call = Line.answer
        (agent_id,) = lab.agent_ids
        campaign = await lab.campaign(CampaignSettings(amd=AmdMode.OFF))
        topic = f"campaign/{campaign.campaign_id}"
        await app.desk.log_in(agent_id, [campaign.campaign_id])
        await app.campaigns.start(campaign.campaign_id, "test")
        await until(lambda: _told(lab, topic, "limiting_factor") == Factor.NO_COLLECTOR.value, "nobody is ready")
        await app.desk.ready(agent_id)
        await until(lambda: app.sessions.get(agent_id).state is AgentState.TALKING, "they talk")
        (seen,) = collectors_now(app.sessions, app.clock)
        assert (seen.agent_id, seen.campaign_id, seen.on_call_since) == (agent_id, campaign.campaign_id, seen.since)
        assert (seen.phone.kind, seen.phone.is_connected) == (PhoneKind.SIP, True)
        lab.far.lines[0].hang_up()
        (attempt,) = await lab.settled()
        assert attempt.disposition is Disposition.CONNECTED
        (ladder,) = supervision.ladders.of_attempt(attempt.attempt_id)
        assert (ladder.trunk, ladder.status, ladder.outgoing) == ("main", 200, True)
        methods = [(line.method, line.status) for line in ladder.lines]
        assert methods[0] == ("INVITE", None)
        assert ("BYE", None) in methods
        assert "13800" not in str(ladder)
        assert supervision.ladders.answers("main").answered_share == 1.0
        today = f"today/{campaign.campaign_id}"
        await until(lambda: _told(lab, today, "connected") == 1, "the day's figures are read again", 30.0)
        assert (_told(lab, today, "dials"), _told(lab, today, "answered")) == (1, 1)
        (figures,) = await supervision.figures.collectors()
        assert (figures.agent_id, figures.state) == (agent_id, AgentState.WRAPUP)
        assert figures.seconds[AgentState.TALKING] > 0


def _told(lab: CallLab, topic: str, field: str) -> object:
    return lab.app.board.snapshot().get(topic, {}).get(field)
