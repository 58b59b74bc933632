"""Pieces of a list, as the reading process tells them."""

from pathlib import Path

import pytest

from dialer.campaigns import list_reading
from dialer.campaigns.list_child import place_of
from dialer.campaigns.list_messages import Counts, ReadRequest, Rows
from dialer.campaigns.list_reading import ListReading
from dialer.errors import InputError

HEADER = "案件号,手机,欠款金额\n"
ROWS = "C1,13800000001,1\nC2,13800000002,2\nC1,13900000001,1\nC3,123,x\nC4,13800000004,4\n"


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "list.csv"


def pieces(path: Path, *, accept_valid: bool = False, chunk_rows: int = 2) -> list[Rows]:
    request = ReadRequest(path, None, "CN", accept_valid, chunk_rows)
    with ListReading(request) as reading:
        return list(reading.pieces())


def test_counts_go_along(path: Path) -> None:
    path.write_text(HEADER + ROWS, encoding="utf-8")
    found = pieces(path, accept_valid=True)
    assert [[contact.case_ref for contact in piece.contacts] for piece in found] == [["C1", "C2"], [], ["C4"]]
    assert [[contact.case_ref for contact in piece.more] for piece in found] == [[], ["C1"], []]
    assert [len(piece.problems) for piece in found] == [0, 2, 0]
    assert found[-1].counts == Counts(rows=5, contacts=3, merged=1, broken=1, problems=2, fraction=1.0)
    assert found[0].problems_path is None
    assert found[-1].problems_path == path.with_name("list.csv.problems.csv")


def test_a_refused_list_is_read_for_its_problems_only(path: Path) -> None:
    path.write_text(HEADER + ROWS, encoding="utf-8")
    found = pieces(path)
    assert [len(piece.contacts) + len(piece.more) for piece in found] == [2, 0, 0]
    assert found[-1].counts.contacts == 3


def test_a_full_last_piece_is_the_last(path: Path) -> None:
    path.write_text(HEADER + "C1,13800000001,\nC2,13800000002,\n", encoding="utf-8")
    assert len(pieces(path)) == 1


def test_only_the_first_problems_are_told(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(list_reading, "SHOWN_PROBLEMS", 3)
    path.write_text(HEADER + "C1,1,x\n" * 5, encoding="utf-8")
    found = pieces(path)
    assert [len(piece.problems) for piece in found] == [3, 0, 0]
    assert len(path.with_name("list.csv.problems.csv").read_text(encoding="utf-8-sig").splitlines()) == 1 + 10


def test_a_place_without_room_for_the_report(path: Path) -> None:
    path.write_text(HEADER + ROWS, encoding="utf-8")
    path.with_name("list.csv.problems.csv").mkdir()
    with pytest.raises(InputError, match="cannot write the report of broken rows: Is a directory"):
        pieces(path)


def test_columns_that_do_not_do(path: Path) -> None:
    path.write_text("a,b\n1,2\n", encoding="utf-8")
    with pytest.raises(InputError, match="no column holds case references"):
        pieces(path)


def test_a_list_without_names_of_columns_is_not_read(path: Path) -> None:
    path.write_text("C1,13800000001,1\nC2,13800000002,2\n", encoding="utf-8")
    with pytest.raises(InputError, match="names of the columns") as caught:
        pieces(path)
    assert "1380" not in str(caught.value)


def test_the_report_holds_no_formula(path: Path) -> None:
    path.write_text(HEADER + "C1,13800000001,=1+cmd|x\n", encoding="utf-8")
    pieces(path)
    written = path.with_name("list.csv.problems.csv").read_text(encoding="utf-8-sig")
    assert "'=1" in written


def test_our_own_mistakes_are_told_without_their_words() -> None:
    with pytest.raises(ValueError, match="13800001234") as caught:
        int("13800001234x")
    assert place_of(caught.value).startswith("ValueError in test_list_reading.py:")
