"""A history's lines come back as they were written; what is cut off, out of order or impossible is refused in words."""

from datetime import UTC, datetime, timedelta

import msgspec
import pytest

from dialer.api.history_lines import encode, read_history, write_history
from dialer.errors import InputError
from dialer.model.agent import AgentState
from dialer.model.attempt import CallPath, Disposition
from dialer.model.campaign import CampaignMode, CampaignSettings, RetryRule
from dialer.model.history import LONGEST, End, History, Outline, RecordedAttempt, RecordedChange, for_pacing

BEGINS = datetime(2026, 11, 23, 1, 0, tzinfo=UTC)
SETTINGS = CampaignSettings(
    mode=CampaignMode.POWER,
    creditor="a bank",
    caller_ids=("95588",),
    power_ratio=2.0,
    retries={Disposition.BUSY: RetryRule(60.0, 3)},
)
OUTLINE = Outline(
    campaign="电催",
    begins=BEGINS,
    ends=BEGINS + timedelta(hours=9),
    zone="Asia/Shanghai",
    settings=for_pacing(SETTINGS),
    tick_s=0.5,
    channels=30,
    cps=5.0,
    packs=("cn-bank-card",),
    tried={0: 5, 2: 1},
)
ATTEMPT = RecordedAttempt(attempt=1, contact=1, number=1, placed_s=0.1, path=CallPath.PREDICTIVE, ended_s=1 / 3)
CHANGE = RecordedChange(agent=1, at_s=-3.0, state=AgentState.READY, here=False)
HISTORY = History(OUTLINE, (ATTEMPT,), (CHANGE,))
LINES = write_history(HISTORY).splitlines()


def test_what_is_written_is_read_to_the_last_bit() -> None:
    assert read_history(LINES, "file") == HISTORY
    assert len(LINES) == 4


def test_what_says_who_calls_for_whom_is_left_out() -> None:
    kept = OUTLINE.settings
    assert (kept.creditor, kept.caller_ids) == ("", ())
    assert (kept.mode, kept.power_ratio, kept.retries) == (SETTINGS.mode, SETTINGS.power_ratio, SETTINGS.retries)


def outline(**changes: object) -> list[bytes]:
    return [encode((msgspec.structs.replace(OUTLINE, **changes),)), *LINES[1:]]


@pytest.mark.parametrize(
    ("lines", "words"),
    [
        ([], "has no end"),
        (LINES[:-1], "file: the history has no end, it was cut off while it was written; save it anew"),
        ([*LINES[:2], LINES[3]], "has no end"),  # a line is missing in between
        (LINES[1:], "file: line 1 is not in its place"),
        ([LINES[0], *LINES], "line 2 is not in its place"),
        ([*LINES, LINES[1]], "line 5 is not in its place"),
        ([*LINES, encode((End(1, 1),))], "line 5 is not in its place"),
        ([b"hello"], "file: line 1 is no line of a history"),
        ([b'{"type":"proof"}'], "is no line of a history"),
        ([b"\xff"], "is no line of a history"),
        ([LINES[0], b'{"type":"end","x":' + b"[" * 10_000], "line 2 is no line of a history: maximum recursion"),
        ([LINES[0], LINES[1].replace(b"0.1,", b"1e99,")], "line 2 is no line of a history"),
        (outline(format=2), "format 2 is not known here; this version reads format 1"),
        (outline(zone="Mars/Olympus"), "'Mars/Olympus' is no zone"),
        (outline(zone="../etc"), "'../etc' is no zone"),
        (outline(ends=BEGINS), "cannot be; save it anew"),
        (outline(ends=BEGINS + LONGEST + timedelta(seconds=1)), "cannot be; save it anew"),
        (outline(begins=datetime(1, 1, 1, tzinfo=UTC)), "cannot be; save it anew"),
        (outline(begins=datetime(2026, 11, 23)), "cannot be"),  # noqa: DTZ001 - without a zone
    ],
)
def test_what_is_no_history_is_refused(lines: list[bytes], words: str) -> None:
    with pytest.raises(InputError, match=words):
        read_history(lines, "file")
