"""What packs say of recordings: read, overridden from a day on, and refused where it cannot be kept."""

from datetime import date
from pathlib import Path
from typing import Any

import pytest

from dialer.compliance.packs import load_pack, load_policy, pack_from_content, shipped_packs
from dialer.compliance.policy import Policy
from dialer.errors import ConfigError
from recording.retention import Period, Terms
from schedules.documents import DocumentError
from tests.support.rulebook import ANY_HOUR, pack, pack_text, shanghai

KEEP: dict[str, Any] = {"law_min": "2y", "house": "5y", "delete_by": "5y+90d", "source": "a test"}
TERMS = Terms("test", "Asia/Shanghai", Period(2), Period(5), Period(5, 90))
NOTICE: dict[str, Any] = {"required": True, "source": "a test"}


def changed(since: str, **changes: Any) -> dict[str, Any]:
    return {"valid_from": since, **changes}


@pytest.mark.parametrize(
    ("name", "periods"),
    [
        ("cn-bank-card", ("2y", "5y", "5y+90d")),
        ("cn-consumer-finance", ("5y", "5y", "5y+90d")),
        ("in-rbi", ("0d", "5y", "None")),
        ("uk-ofcom", ("0d", "6y", "6y+90d")),
        ("us-regf", ("3y", "3y", "None")),
        ("us-tsr", ("5y", "5y", "None")),
    ],
)
def test_shipped_packs_say_how_long_recordings_are_kept(name: str, periods: tuple[str, str, str]) -> None:
    for version in load_pack(name):
        (rules,) = version.recordings
        assert rules.terms is not None
        assert (str(rules.terms.law_min), str(rules.terms.house), str(rules.terms.delete_by)) == periods


def test_every_shipped_pack_has_a_case() -> None:
    assert len(shipped_packs()) == 6


def test_versions_and_overrides_bind_from_their_days() -> None:
    first = pack(ANY_HOUR, valid_from="2026-11-01", retention=KEEP)
    second = pack(
        ANY_HOUR,
        valid_from="2026-12-01",
        valid_through="2026-12-31",
        retention=KEEP | {"house": "4y"},
        overrides=[
            changed("2026-12-20", recording_notice=NOTICE),
            changed("2026-12-10", retention={"source": "the board", "law_min": "3y", "delete_by": "4y"}),
        ],
    )
    policy = Policy((second, first))
    assert policy.retention(shanghai("2026-10-31 12:00")) == ()
    assert policy.retention(shanghai("2026-11-30 23:59")) == (TERMS,)
    (december,) = policy.retention(shanghai("2026-12-01 00:00"))
    assert december.house == Period(4)
    (overridden,) = policy.retention(shanghai("2026-12-10 00:00"))
    assert overridden == Terms("test", "Asia/Shanghai", Period(3), Period(4), Period(4))
    assert [policy.notice_required(shanghai(day)) for day in ("2026-12-19", "2026-12-20")] == [False, True]
    assert policy.retention(shanghai("2030-01-01 12:00")) == (overridden,)  # a pack that ended still keeps


def test_a_stored_pack_says_the_same() -> None:
    original = pack(
        ANY_HOUR, retention=KEEP, recording_notice=NOTICE, overrides=[changed("2027-01-01", recording_notice=NOTICE)]
    )
    stored = pack_from_content(original.content, original.sha256)
    assert stored.recordings == original.recordings
    assert stored.recording_rules(date(2026, 11, 23)) == original.recordings[0]


def test_a_pack_without_a_word_on_recordings_keeps_nothing_and_lets_nothing_go() -> None:
    policy = Policy((pack(ANY_HOUR),))
    assert policy.retention(shanghai("2026-11-23 12:00")) == ()
    assert not policy.notice_required(shanghai("2026-11-23 12:00"))


@pytest.mark.parametrize(
    ("retention", "reason"),
    [
        (KEEP | {"house": "five years"}, "'five years' is not a period like 2y, 90d or 5y[+]90d"),
        (KEEP | {"house": "0d"}, "'0d' is not a period like"),
        (KEEP | {"delete_by": "4y"}, "delete_by 4y may end before house 5y"),
        (KEEP | {"law_min": "6y", "house": "1y"}, "delete_by 5y[+]90d may end before law_min 6y"),
        (KEEP | {"for": "ever"}, "'for' was unexpected"),
        ({"law_min": "2y", "source": "a test"}, "'house' is a required property"),
        ({"house": "2y"}, "'source' is a required property"),
    ],
)
def test_a_wrong_section_is_refused(retention: dict[str, Any], reason: str) -> None:
    with pytest.raises(DocumentError, match=reason):
        pack(ANY_HOUR, retention=retention)


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (changed("2027-01-01", retention={"source": "x", "law_min": "1y"}), "1y may end before the pack's own minimum"),
        (changed("2027-01-01", retention={"source": "x", "delete_by": "1y"}), "delete_by 1y may end before law_min 2y"),
        (
            changed("2027-01-01", retention={"source": "x", "house": "3y"}, **{"for": {"agencies": ["north"]}}),
            "such an override is for all calls",
        ),
        (changed("2027-01-01"), "is not valid under any of the given schemas|is a required property"),
    ],
)
def test_a_wrong_override_is_refused(change: dict[str, Any], reason: str) -> None:
    with pytest.raises(DocumentError, match=reason):
        pack(ANY_HOUR, retention=KEEP, overrides=[change])


def test_packs_that_cannot_bind_together_are_refused(tmp_path: Path) -> None:
    shy, long = tmp_path / "shy.yaml", tmp_path / "long.yaml"
    shy.write_text(pack_text(ANY_HOUR, pack="shy", retention=KEEP), encoding="utf-8")
    later = {**ANY_HOUR, "id": "other"}
    text = pack_text(
        later, pack="long", valid_from="2027-01-01", retention={"law_min": "6y", "house": "6y", "source": "x"}
    )
    long.write_text(text, encoding="utf-8")
    assert load_policy((str(long),)).packs
    with pytest.raises(
        ConfigError, match=r"shy asks to delete recordings by 5y\+90d, which may end before the minimum of"
    ):
        load_policy((str(shy), str(long)))
