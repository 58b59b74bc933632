"""Key 9 at a third party's number: that number is never called again, the person's own goes on ringing."""

import asyncio
from pathlib import Path

from dialer.app import Application
from dialer.config import Config, HttpConfig, MediaConfig, NodeConfig, PolicyConfig, SipConfig, TrunkConfig
from dialer.model.call_list import NewContact, NewPhone
from dialer.model.campaign import AmdMode, CampaignMode, CampaignSettings
from dialer.model.contact import PhoneRole
from tests.support.call_lab import HOST, MONDAY, Line, far_side, until

OWN, RELATIVE = "+8613800001234", "+8613900001234"
FIELDS = {"amount": "1234.50", "due_date": "2026-11-30", "name": "Zhang San"}
LENIENT = """
pack: lenient
title: Calls to anybody who did not object
status: draft, needs counsel
source: for a test
jurisdiction: CN
valid_from: 2020-01-01
zone: Asia/Shanghai
rules:
  - {id: lenient.do-not-call, kind: do_not_call, source: for a test}
"""


def lenient_config(folder: Path, trunk_port: int) -> Config:
    """A node whose policy lets third parties be called."""
    pack = folder / "lenient.yaml"
    pack.write_text(LENIENT, encoding="utf-8")
    return Config(
        node=NodeConfig(data_dir=folder / "node", rehearsal_starts_at=MONDAY),
        sip=SipConfig(host=HOST, port=0, transports=("udp",)),
        media=MediaConfig(port_min=48700, port_max=48799, workers=1, spool_min_free_mb=1),
        http=HttpConfig(port=0),
        trunks=(TrunkConfig(name="main", host=HOST, port=trunk_port),),
        policy=PolicyConfig(packs=(str(pack),)),
    )


async def start(app: Application) -> None:
    """A reminder to a person with two cases; in one of them the list has a relative's number only."""
    storage, now = app.storage, app.clock.utcnow()
    list_id = await storage.lists.begin("list", "lab", "node1", now)
    contacts = [
        NewContact("person", "case-0", (NewPhone(OWN),), name="Zhang San", fields=FIELDS),
        NewContact("person", "case-1", (NewPhone(RELATIVE, PhoneRole.THIRD_PARTY),), name="Zhang San", fields=FIELDS),
    ]
    await storage.lists.add(list_id, contacts)
    await storage.lists.finish(list_id)
    settings = CampaignSettings(mode=CampaignMode.REMINDER, amd=AmdMode.OFF)
    campaign = await storage.campaigns.create("lab", [list_id], settings, now)
    await app.campaigns.check(campaign.campaign_id)
    await app.campaigns.start(campaign.campaign_id, "test")


async def object_at(line: Line) -> None:
    line.answer()
    await until(lambda: len(line.ear.pcm) > 16_000, "the script is heard")
    line.leg.send_dtmf("9")


async def test_a_third_partys_objection_is_about_that_number_alone(tmp_path: Path) -> None:
    async with far_side(tmp_path, 48600) as far:
        config = await asyncio.to_thread(lenient_config, tmp_path, far.port)
        async with Application(config) as app:
            await start(app)
            await until(lambda: len(far.lines) == 2, "both numbers ring")
            lines = dict(zip(far.numbers, far.lines, strict=True))
            (relative,) = [line for number, line in lines.items() if RELATIVE[3:] in number]
            (own,) = [line for line in far.lines if line is not relative]
            await object_at(relative)
            await until(lambda: relative.ended is not None, "the reminder says goodbye")
            listed = app.storage.do_not_call
            assert len(await listed.of_number(RELATIVE)) == 1
            assert await listed.of_number(OWN) == ()
            assert await listed.of_person("person") == ()
            assert own.ended is None, "the person has not objected"
            await object_at(own)
            await until(lambda: own.ended is not None, "the reminder says goodbye")
            assert len(await listed.of_number(OWN)) == 1
            assert len(await listed.of_person("person")) == 1
