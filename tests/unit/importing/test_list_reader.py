"""Files of lists, good and bad."""

from datetime import datetime
from pathlib import Path

import openpyxl
import pytest

from dialer.campaigns.list_reader import detect_encoding, open_list
from dialer.campaigns.list_rows import Cell
from dialer.errors import InputError

TEXT = '案件号,姓名,手机\nC1,张三,13800001234\n\nC2,"李,\n四",13900001234\n'
ROWS = [(2, ["C1", "张三", "13800001234"]), (4, ["C2", "李,\n四", "13900001234"])]


def read(path: Path) -> tuple[tuple[str, ...], list[tuple[int, list[Cell]]]]:
    with open_list(path) as opened:
        return opened.headers, [(number, list(cells)) for number, cells in opened.rows()]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gb18030"])
def test_encodings_are_told_apart(tmp_path: Path, encoding: str) -> None:
    path = tmp_path / "list.csv"
    path.write_bytes(TEXT.encode(encoding))
    assert detect_encoding(path) == ("gb18030" if encoding == "gb18030" else "utf-8-sig")
    assert read(path) == (("案件号", "姓名", "手机"), ROWS)


@pytest.mark.parametrize("delimiter", [";", "\t"])
def test_other_delimiters(tmp_path: Path, delimiter: str) -> None:
    path = tmp_path / "list.csv"
    path.write_text(f"案件号{delimiter}手机\nC1{delimiter}13800001234,13900001234\n", encoding="utf-8")
    assert read(path)[1] == [(2, ["C1", "13800001234,13900001234"])]


def test_workbooks(tmp_path: Path) -> None:
    path = tmp_path / "list.xlsx"
    book = openpyxl.Workbook()
    sheet = book.active
    assert sheet is not None
    sheet.append(["案件号", "手机", "应还日期", None])
    sheet.append(["C1", 13800001234, datetime(2026, 11, 23), None])  # noqa: DTZ001  as spreadsheets have them
    sheet.append([None, None, None, None])
    sheet.append(["C2", "139 0000 1234", None, None])
    book.save(path)
    headers, rows = read(path)
    assert headers == ("案件号", "手机", "应还日期")
    assert [number for number, _cells in rows] == [2, 4]
    assert rows[0][1][:3] == ["C1", 13800001234, datetime(2026, 11, 23)]  # noqa: DTZ001


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("a.csv", b"", "the first row is empty"),
        ("a.csv", b"a,,b\n", "column 2 has no name"),
        ("a.csv", b"a,b,a\n", "two columns are named 'a'"),
        ("a.csv", b"\xff\xfe\x81\xff", "neither UTF-8 nor GB18030"),
        ("a.csv", b"a,b\0\n", "not a text file"),
        ("a.csv", b'a,b\n"x', "row 2: not readable as CSV"),
        ("a.csv", b"a,b\n" + b"x" * 140_000 + b",y\n", "row 2: not readable as CSV"),
        ("a.xls", b"", "old .xls format"),
        ("a.xlsx", b"not a zip", "damaged or no XLSX workbook"),
        ("a.xlsx", bytes.fromhex("d0cf11e0a1b11ae1") + b"\0" * 504, "has a password or is an old .xls"),
        ("a.xlsx", b"PK\x05\x06" + b"\0" * 18, "damaged or no XLSX workbook"),
    ],
)
def test_says_what_is_wrong_with_a_file(tmp_path: Path, name: str, content: bytes, message: str) -> None:
    path = tmp_path / name
    path.write_bytes(content)
    with pytest.raises(InputError, match=message):
        read(path)


def test_a_missing_file(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="cannot read the list: No such file"):
        read(tmp_path / "none.csv")


def test_tells_how_far_it_is(tmp_path: Path) -> None:
    path = tmp_path / "list.csv"
    path.write_text(TEXT, encoding="utf-8")
    with open_list(path) as opened:
        assert list(opened.rows())
        assert opened.fraction == 1.0
