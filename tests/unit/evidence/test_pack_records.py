"""What a pack says of a case: no clear number, wherever somebody wrote one, and no name of the staff."""

import json
from datetime import UTC, date, datetime
from decimal import Decimal

from dialer.evidence.pack_records import as_json, attempt_facts, case_facts, recording_facts, wrap_up_facts
from dialer.model.attempt import Attempt, AttemptState, CallPath, NetworkCause
from dialer.model.contact import CaseStatus
from dialer.model.outcome import FormValue, WrapUp
from dialer.model.retention import Judged, LegalHold
from dialer.model.suppression import CaseChange
from recording.retention import Hold, HoldScope, Reason
from tests.support.recordings import recording_info

AT = datetime(2026, 11, 23, 2, tzinfo=UTC)
NUMBER = "13800001234"


def _said(value: object) -> str:
    return as_json(value).decode()


def test_a_wrap_up_with_numbers_in_it() -> None:
    values: dict[str, FormValue] = {
        "callback": f"call {NUMBER}",
        "amount": Decimal("12.50"),
        "until": date(2026, 12, 1),
        "sure": True,
    }
    said = _said(wrap_up_facts(WrapUp(1, 7, "promise", AT, values, note=f"his wife has +86{NUMBER}")))
    assert NUMBER not in said
    assert json.loads(said)["values"] == {
        "callback": "call 138****1234",
        "amount": "12.50",
        "until": "2026-12-01",
        "sure": True,
    }


def test_an_attempt_with_a_talkative_network() -> None:
    cause = NetworkCause(480, f"no {NUMBER} here", (f'SIP;text="{NUMBER}"',), 19)
    attempt = Attempt(
        1, 2, 3, 4, CallPath.MANUAL, AttemptState.SETTLED, "138****1234", AT, caller_id="+8621500000001", cause=cause
    )
    said = _said(attempt_facts(attempt))
    assert NUMBER not in said
    assert "21500000001" not in said
    assert json.loads(said)["cause"]["q850"] == 19


def test_a_case_names_no_staff() -> None:
    hold = Hold(1, HoldScope.CASE, "case-1", f"he asked for it from {NUMBER}", AT)
    legal = LegalHold(hold, "Li Na (supervisor)", AT, "Wang Wei (auditor)", f"settled with {NUMBER}")
    said = _said(case_facts("case-1", CaseStatus.DISPUTE, [CaseChange(CaseStatus.DISPUTE, AT, "api: Li Na")], [legal]))
    assert [name for name in (NUMBER, "Li Na", "Wang") if name in said] == []
    assert json.loads(said)["changes"] == [{"status": "dispute", "at": "2026-11-23T02:00:00Z"}]


def test_a_recording_without_its_place_in_the_store() -> None:
    info = recording_info("R1", 1, AT, parent_id="R0")
    facts = recording_facts(info, Judged("R1", None, None, False, (Reason("already_gone"),)), "", "no key")
    said = json.loads(_said(facts))
    assert (said["redaction_of"], said["problem"]) == ("R0", "no key")
    assert said["retention"] == {"why": [{"code": "already_gone", "en": "it was deleted before", "zh": "此前已删除"}]}
    assert {"path", "peaks_path", "parent_id"} & said.keys() == set()
