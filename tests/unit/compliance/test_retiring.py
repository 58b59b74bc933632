"""What goes on binding after changes, state by state."""

from datetime import UTC, datetime, timedelta

import pytest

from dialer.compliance.facts import GateFacts
from dialer.compliance.gate import evaluate
from dialer.compliance.packs import parse_pack
from dialer.compliance.policy import Pack, Policy
from dialer.compliance.retiring import with_what_retires
from dialer.model.policy_change import PolicyChange
from schedules.zones import ZoneCandidates

TEN = datetime.fromisoformat("2026-11-23T10:00:00+08:00")
NOON = datetime.fromisoformat("2026-11-23T12:00:00+08:00")
FACTS = GateFacts(ZoneCandidates(("Asia/Shanghai",)), 28.0)


def pack(hours: str, name: str = "own", zone: str = "Asia/Shanghai", valid_from: str = "2026-01-01") -> Pack:
    jurisdiction = "CN" if zone == "Asia/Shanghai" else "US"
    rule = f'{{id: {name}.window, kind: calling_window, source: s, zones: pack, days: every_day, hours: ["{hours}"]}}'
    return parse_pack(
        f"pack: {name}\ntitle: t\nstatus: in force\nsource: s\njurisdiction: {jurisdiction}\n"
        f"valid_from: {valid_from}\nzone: {zone}\nrules:\n  - {rule}\n",
        f"{name}.yaml",
    )


def change(at: datetime, packs: list[Pack], replaced: list[Pack]) -> PolicyChange:
    hashes = (frozenset(pack.sha256 for pack in side) for side in (packs, replaced))
    return PolicyChange("node1", at, *hashes)


def known(*packs: Pack) -> dict[str, Pack]:
    return {pack.sha256: pack for pack in packs}


def allowed_hours(policy: Policy) -> list[int]:
    """The full hours of the day in Shanghai at which a call is allowed."""
    hours = (TEN.replace(hour=hour) for hour in range(24))
    return [at.hour for at in hours if evaluate(policy, FACTS, at).allowed]


def test_states_of_one_pack_all_bind() -> None:
    first, second, third = pack("09:00-12:30"), pack("11:00-18:00"), pack("09:00-18:00")
    changes = [change(TEN, [second], [first]), change(NOON, [third], [second])]
    policy = with_what_retires(Policy((third,)), changes, known(first, second, third), NOON)
    assert allowed_hours(policy) == [11, 12]
    assert [until - datetime(2026, 11, 23, 16, tzinfo=UTC) for _, until in policy.retiring] == [
        timedelta(),
        timedelta(microseconds=1),
    ]


def test_versions_of_a_pack_stay_together() -> None:
    """Yesterday's version does not bind beside today's because both were in the folder that was replaced."""
    old, new = pack("09:00-10:30"), pack("09:00-15:00", valid_from="2026-11-23")
    after = pack("09:00-18:00")
    policy = with_what_retires(Policy((after,)), [change(TEN, [after], [old, new])], known(old, new, after), NOON)
    assert allowed_hours(policy) == list(range(9, 15))


def test_midnight_is_the_packs_own() -> None:
    here, there, after = pack("09:00-12:30"), pack("00:00-23:00", "far", "America/New_York"), pack("09:00-18:00")
    changes = [change(TEN, [after], [here, there])]
    policy = with_what_retires(Policy((after,)), changes, known(here, there, after), TEN)
    assert {(pack.name, until.astimezone(UTC).isoformat()) for pack, until in policy.retiring} == {
        ("own", "2026-11-23T16:00:00+00:00"),
        ("far", "2026-11-23T05:00:00+00:00"),
    }
    # In New York the change was yesterday's evening: that day ends first.
    later = with_what_retires(Policy((after,)), changes, known(here, there, after), NOON + timedelta(hours=2))
    assert {pack.name for pack, _ in later.retiring} == {"own"}


def test_the_later_change_counts() -> None:
    """A change before midnight and one after it: the packs bind until the end of the later day."""
    old, new = pack("09:00-12:30"), pack("09:00-18:00")
    yesterday = TEN - timedelta(days=1)
    changes = [change(yesterday, [new], [old]), change(TEN, [old], [new]), change(NOON, [new], [old])]
    policy = with_what_retires(Policy((new,)), changes, known(old, new), NOON)
    assert [until for _, until in policy.retiring] == [datetime(2026, 11, 23, 16, tzinfo=UTC)]


@pytest.mark.parametrize("hours_on", [15, 24, 48])
def test_after_midnight_nothing_is_left(hours_on: int) -> None:
    old, new = pack("09:00-12:30"), pack("09:00-18:00")
    policy = Policy((new,)).with_retiring([(old, NOON)])
    now = TEN + timedelta(hours=hours_on)
    after = with_what_retires(policy, [change(TEN, [new], [old])], known(old, new), now)
    assert after.retiring == ()
    assert after.pack_hash == new.sha256
