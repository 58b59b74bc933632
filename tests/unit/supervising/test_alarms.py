"""Each trouble a node knows of is an alarm, in both languages, and nothing else is."""

from datetime import date

import pytest

from dialer.campaigns.loop.status import CampaignStatus
from dialer.model.campaign import CampaignState
from dialer.model.limiting import SENTENCES, Factor
from dialer.supervising.alarm import Facts, RunsOut, Severity, Topic
from dialer.supervising.alarms import alarms_of

DOWN = {"group": "default", "is_up": False, "obstacle": "down"}
WELL = {"group": "default", "is_up": True, "obstacle": ""}
CRITICAL, WARNING, NOTICE = Severity.CRITICAL, Severity.WARNING, Severity.NOTICE


def campaign(factor: Factor = Factor.COLLECTORS, *, live: int = 1000, abandoned: int = 0) -> Topic:
    """What the board holds of a running campaign."""
    status = CampaignStatus(
        7,
        "卡 M1",
        CampaignState.RUNNING,
        "",
        "words",
        live=live,
        abandoned=abandoned,
        factor=factor,
        budget_target=0.03,
    )
    return status.live_data()


@pytest.mark.parametrize(
    ("topics", "expected"),
    [
        ({"trunk/a": DOWN}, [("trunk_down/a", CRITICAL)]),
        ({"trunk/a": DOWN, "trunk/b": WELL}, [("trunk_down/a", WARNING)]),
        # another group's trunk does not stand in
        ({"trunk/a": DOWN, "trunk/b": WELL | {"group": "other"}}, [("trunk_down/a", CRITICAL)]),
        ({"trunk/a": WELL | {"obstacle": "backing off"}}, [("trunk_held/a", WARNING)]),
        # a busy trunk is no trouble
        ({"trunk/a": WELL | {"obstacle": "all 30 channels in use"}}, []),
        ({"spool/n": {"obstacle": "full", "alarm": ""}}, [("recording_impossible/n", CRITICAL)]),
        ({"spool/n": {"obstacle": "", "alarm": "first failed"}}, [("recording_at_risk/n", WARNING)]),
        ({"recordings/n": {"waiting": 3, "failed": 0, "problem": ""}}, []),
        ({"recordings/n": {"waiting": 3, "failed": 1, "problem": ""}}, [("recordings_not_stored/n", WARNING)]),
        ({"ledger/n": {"problem": "broken", "stamp_failed": True}}, [("ledger_unsigned/n", CRITICAL)]),
        ({"ledger/n": {"problem": "", "stamp_failed": True}}, [("ledger_not_stamped/n", WARNING)]),
        ({"retention/n": {"overdue": 2, "objects_without_key": 9}}, [("retention_overdue/n", WARNING)]),
        ({"campaign/7": campaign()}, []),
        ({"campaign/7": campaign(Factor.NO_COLLECTOR)}, [("campaign_stuck/7", NOTICE)]),
        ({"campaign/7": campaign(Factor.FAULT)}, [("campaign_stuck/7", CRITICAL)]),
        ({"campaign/7": campaign(abandoned=24)}, [("abandonment_near/7", WARNING)]),
        ({"campaign/7": campaign(abandoned=23)}, []),
        ({"campaign/7": campaign(abandoned=30)}, [("abandonment_spent/7", CRITICAL)]),
        # one abandoned of a few says nothing
        ({"campaign/7": campaign(live=20, abandoned=1)}, []),
        ({"agent/1": {"state": "ready"}, "today/7": {"dials": 1}}, []),
    ],
)
def test_topics(topics: dict[str, Topic], expected: list[tuple[str, Severity]]) -> None:
    found = alarms_of(Facts(topics=topics))
    assert [(alarm.key, alarm.severity) for alarm in found] == expected
    for alarm in found:
        for words in (alarm.words, alarm.advice):
            assert words.en
            assert any("\u4e00" <= letter <= "\u9fff" for letter in words.zh)


@pytest.mark.parametrize(
    ("facts", "expected"),
    [
        (Facts(dead={"webhook:crm": 2, "mqtt": 0}), ["outcomes_given_up/webhook:crm"]),
        (Facts(waiting={"crm": 5_000}), []),
        (Facts(waiting={"crm": 5_001}), ["outcomes_wait/crm"]),
        (Facts(runs_out=(RunsOut("calendar", "cn", date(2026, 12, 31), 38),)), ["calendar_ends/cn"]),
        (Facts(node="n", storage_problem="away"), ["database_down/n"]),
        (Facts(node="n", clock_step_s=-2.0), ["clock_stepped/n"]),
        (Facts(node="n", clock_step_s=1.9), []),
    ],
)
def test_what_is_no_topic(facts: Facts, expected: list[str]) -> None:
    assert [alarm.key for alarm in alarms_of(facts)] == expected


def test_the_gravest_comes_first() -> None:
    facts = Facts(
        topics={"retention/n": {"overdue": 1}, "trunk/a": DOWN},
        runs_out=(RunsOut("pack", "p", date(2026, 11, 1), -3), RunsOut("calendar", "c", date(2026, 12, 1), 8)),
    )
    assert [alarm.severity for alarm in alarms_of(facts)] == [CRITICAL, CRITICAL, WARNING, NOTICE]


def test_every_factor_has_its_sentences() -> None:
    assert set(SENTENCES) == set(Factor)
