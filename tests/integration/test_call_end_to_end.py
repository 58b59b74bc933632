"""A campaign's call through the whole node: dialed, answered, bridged, heard both ways, recorded, settled, told."""

from pathlib import Path

from dialer.model.agent import AgentState
from dialer.model.attempt import Disposition, HangupSide
from dialer.model.campaign import AmdMode, CampaignSettings, DispositionCode, DispositionForm
from dialer.model.collecting import IdentityResult
from dialer.model.outcome import WrapUp
from tests.support.call_lab import COLLECTOR_HZ, PERSON_HZ, Line, call_lab, until

FORM = DispositionForm(codes=(DispositionCode("promise", "Promise to pay", right_party=True, final=True),))


async def test_a_person_meets_a_collector(tmp_path: Path) -> None:
    async with call_lab(tmp_path, 31000) as lab:
        lab.far.on_call = Line.answer
        (agent_id,) = lab.agent_ids
        campaign = await lab.campaign(CampaignSettings(amd=AmdMode.OFF, form=FORM))
        await lab.app.desk.log_in(agent_id, [campaign.campaign_id])
        await lab.app.desk.ready(agent_id)
        await lab.app.campaigns.start(campaign.campaign_id, "test")
        await until(lambda: bool(lab.far.lines), "the call leaves")
        person, collector = lab.far.lines[0], lab.phones[0].line
        await until(lambda: collector.ear.hears(PERSON_HZ), "the collector hears the person")
        await until(lambda: person.ear.hears(COLLECTOR_HZ), "the person hears the collector")
        view = lab.app.desk.view(agent_id)
        assert view.state is AgentState.TALKING
        assert view.case is not None
        assert view.case.number_masked == "138****1234"
        assert view.case.attempt_id is not None
        await lab.app.desk.identify(agent_id, view.case.attempt_id, IdentityResult.CONFIRMED)

        person.hang_up()
        (attempt,) = await lab.settled()
        assert attempt.disposition is Disposition.CONNECTED
        assert attempt.hangup_side is HangupSide.PERSON
        assert attempt.agent_id == agent_id
        assert lab.app.desk.view(agent_id).state is AgentState.WRAPUP

        wrap_up = WrapUp(attempt.attempt_id, agent_id, "promise", lab.app.clock.utcnow(), {})
        after = await lab.app.desk.wrap_up(wrap_up)
        assert after is not None
        assert after.state is AgentState.READY
        recording = await lab.recording(attempt.attempt_id)
        assert recording.recording_id == attempt.recording_id
        assert not recording.truncated
        assert set(await lab.events()) >= {
            "dialer.attempt.settled.v1",
            "dialer.contact.wrap_up.v1",
            "dialer.recording.ready.v1",
        }
