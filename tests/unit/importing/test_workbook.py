"""Workbooks as programs write them, and as attackers and broken disks would."""

import zipfile
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path

import pytest

from dialer.campaigns import workbook, workbook_parts
from dialer.campaigns.list_rows import Cell
from dialer.campaigns.workbook import open_sheet
from dialer.campaigns.workbook_parts import WorkbookError

MAIN = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
STRICT = "http://purl.oclc.org/ooxml/spreadsheetml/main"
OFFICE = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
PACKAGE = "http://schemas.openxmlformats.org/package/2006/relationships"
RELATIONS = {
    "_rels/.rels": f'<Relationships xmlns="{PACKAGE}">'
    f'<Relationship Id="rId1" Type="{OFFICE}/officeDocument" Target="xl/workbook.xml"/></Relationships>',
    "xl/_rels/workbook.xml.rels": f'<Relationships xmlns="{PACKAGE}">'
    f'<Relationship Id="rId1" Type="{OFFICE}/worksheet" Target="worksheets/sheet1.xml"/>'
    f'<Relationship Id="rId2" Type="{OFFICE}/worksheet" Target="/xl/worksheets/sheet2.xml"/>'
    f'<Relationship Id="rId3" Type="{OFFICE}/sharedStrings" Target="sharedStrings.xml"/>'
    f'<Relationship Id="rId4" Type="{OFFICE}/styles" Target="styles.xml"/></Relationships>',
}
STYLES = (
    f'<styleSheet xmlns="{MAIN}"><numFmts count="2"><numFmt numFmtId="164" formatCode="yyyy&quot;年&quot;m月"/>'
    '<numFmt numFmtId="165" formatCode="[Red]#,##0.00&quot; days&quot;"/></numFmts>'
    '<fills><fill/></fills><cellStyleXfs><xf numFmtId="14"/></cellStyleXfs>'
    '<cellXfs><xf/><xf numFmtId="14"/><xf numFmtId="164"/><xf numFmtId="165"/><xf numFmtId="31"/></cellXfs>'
    "</styleSheet>"
)
SHARED = (
    "<si><t>案件号</t></si><si><r><t>张</t></r><r><t>三</t></r>"
    '<rPh sb="0" eb="1"><t>zhang</t></rPh></si><si><t/></si><si><t xml:space="preserve"> a&amp;b </t></si>'
)


def workbook_xml(sheets: str = '<sheet name="S" sheetId="1" r:id="rId1"/>', properties: str = "") -> str:
    return f'<workbook xmlns="{MAIN}" xmlns:r="{OFFICE}">{properties}<sheets>{sheets}</sheets></workbook>'


def sheet_xml(rows: str, namespace: str = MAIN) -> str:
    return f'<worksheet xmlns="{namespace}"><sheetData>{rows}</sheetData></worksheet>'


def write(path: Path, rows: str = "", parts: Mapping[str, str] | None = None) -> Path:
    """A workbook whose first sheet has these rows; `parts` replace or add."""
    whole = {
        **RELATIONS,
        "xl/workbook.xml": workbook_xml(),
        "xl/worksheets/sheet1.xml": sheet_xml(rows),
        "xl/worksheets/sheet2.xml": sheet_xml('<row><c t="str"><v>second</v></c></row>'),
        "xl/sharedStrings.xml": f'<sst xmlns="{MAIN}">{SHARED}</sst>',
        "xl/styles.xml": STYLES,
        **(parts or {}),
    }
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, text in whole.items():
            archive.writestr(name, text)
    return path


def read(path: Path) -> list[list[Cell]]:
    with open_sheet(path) as sheet:
        return list(sheet.rows)


def cells(path: Path, row: str) -> list[Cell]:
    [cells] = read(write(path, f"<row>{row}</row>"))
    return cells


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "list.xlsx"


@pytest.mark.parametrize(
    ("cell", "value"),
    [
        ('<c t="s"><v>0</v></c>', "案件号"),
        ('<c t="s"><v>1</v></c>', "张三"),  # runs are joined, phonetic hints left out
        ('<c t="s"><v>2</v></c>', ""),
        ('<c t="s"><v>3</v></c>', " a&b "),
        ('<c t="inlineStr"><is><t>a</t><rPh sb="0" eb="1"><t>x</t></rPh></is></c>', "a"),
        ('<c t="str"><f>A1&amp;"x"</f><v>result</v></c>', "result"),
        ("<c><f>1+1</f><v>2</v></c>", 2),
        ("<c><f>1+1</f></c>", None),  # never computed
        ("<c/>", None),
        ("<c><v>13800001234</v></c>", 13800001234),
        ("<c><v>0.10</v></c>", 0.1),
        ("<c><v>1.38E+10</v></c>", 1.38e10),
        ("<c><v>-5</v></c>", -5),
        ('<c t="b"><v>1</v></c>', True),
        ('<c t="b"><v>0</v></c>', False),
        ('<c t="e"><v>#N/A</v></c>', "#N/A"),
        ('<c t="d"><v>2026-11-23T00:00:00</v></c>', datetime(2026, 11, 23)),  # noqa: DTZ001  as sheets have them
        ('<c t="d"><v>tomorrow</v></c>', "tomorrow"),
        ('<c s="1"><v>46349</v></c>', datetime(2026, 11, 23)),  # noqa: DTZ001
        ('<c s="2"><v>46349.5</v></c>', datetime(2026, 11, 23, 12)),  # noqa: DTZ001
        ('<c s="3"><v>46349</v></c>', 46349),  # letters in quotes and brackets do not make a date
        ('<c s="4"><v>46349</v></c>', datetime(2026, 11, 23)),  # noqa: DTZ001  built-in format of Chinese spreadsheets
        ('<c s="1"><v>1</v></c>', datetime(1900, 1, 1)),  # noqa: DTZ001
        ('<c s="1"><v>0.75</v></c>', "18:00:00"),
        ('<c s="1"><v>9999999999</v></c>', "#VALUE!"),
        ('<c s="99"><v>5</v></c>', 5),
    ],
)
def test_values(path: Path, cell: str, value: Cell) -> None:
    [found] = cells(path, cell)
    assert found == value
    assert type(found) is type(value)


def test_gaps_are_kept(path: Path) -> None:
    rows = '<row r="2"><c r="C2"><v>3</v></c><c><v>4</v></c></row><row r="4"><c r="B4"/><c r="A4"><v>1</v></c></row>'
    assert read(write(path, rows)) == [[], [None, None, 3, 4], [], [1, None]]


def test_wide_columns(path: Path) -> None:
    [row] = read(write(path, '<row r="1"><c r="AB1"><v>1</v></c></row>'))
    assert (len(row), row[27]) == (28, 1)


def test_the_epoch_of_1904(path: Path) -> None:
    book = workbook_xml(properties='<workbookPr date1904="1"/>')
    [[found]] = read(write(path, '<row><c s="1"><v>1</v></c></row>', {"xl/workbook.xml": book}))
    assert found == datetime(1904, 1, 2)  # noqa: DTZ001


def test_prefixes_and_the_strict_variant(path: Path) -> None:
    rows = "<x:row><x:c><x:v>7</x:v></x:c></x:row>"
    prefixed = f'<x:worksheet xmlns:x="{STRICT}"><x:sheetData>{rows}</x:sheetData></x:worksheet>'
    assert read(write(path, parts={"xl/worksheets/sheet1.xml": prefixed})) == [[7]]


def test_the_first_visible_sheet_is_read(path: Path) -> None:
    both = '<sheet name="A" sheetId="1" state="hidden" r:id="rId1"/><sheet name="B" sheetId="2" r:id="rId2"/>'
    assert read(write(path, parts={"xl/workbook.xml": workbook_xml(both)})) == [["second"]]


def test_tells_how_far_it_is_before_the_first_row(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(workbook, "BLOCK_BYTES", 64)
    heard: list[float] = []
    with open_sheet(write(path, "<row><c><v>1</v></c></row>" * 9), heard.append) as sheet:
        assert heard == sorted(heard)
        assert 0 < heard[0] < heard[-1] < 1
        assert len(list(sheet.rows)) == 9
        assert sheet.fraction() == 1.0


BOMB = '<!DOCTYPE s [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;">]>'


@pytest.mark.parametrize(
    ("rows", "parts", "message"),
    [
        ("", {"xl/worksheets/sheet1.xml": BOMB + sheet_xml("<row><c><v>&b;</v></c></row>")}, "document type"),
        ("", {"xl/sharedStrings.xml": f'{BOMB}<sst xmlns="{MAIN}"/>'}, "document type"),
        ("", {"xl/workbook.xml": BOMB + workbook_xml()}, "document type"),
        ("", {"xl/workbook.xml": workbook_xml(sheets="")}, "no visible sheet"),
        ("", {"_rels/.rels": f'<Relationships xmlns="{PACKAGE}"/>'}, "damaged"),
        ("", {"xl/styles.xml": "<styleSheet"}, "damaged"),
        ("<row><c>", {}, "damaged"),
        ('<row><c t="s"><v>4</v></c></row>', {}, "damaged"),  # no such shared string
        ('<row><c t="s"><v>-1</v></c></row>', {}, "damaged"),
        ('<row><c t="s"><v>x</v></c></row>', {}, "damaged"),
        ("<row><c><v>figure</v></c></row>", {}, "damaged"),
        ('<row r="2"/><row r="2"/>', {}, "damaged"),
        ('<row r="1048577"/>', {}, "damaged"),
        ('<row><c r="XFE1"/></row>', {}, "damaged"),  # beyond the last column
        ('<row><c r="1"/></row>', {}, "damaged"),
        (f"<row><c><v>{'1' * 200_000}</v></c></row>", {}, "more than 131072 characters"),
        (f"<row><c><v>{'1' * 5_000}</v></c></row>", {}, "damaged"),  # more digits than Python takes
    ],
)
def test_refuses(path: Path, rows: str, parts: dict[str, str], message: str) -> None:
    write(path, rows, parts)
    with pytest.raises(WorkbookError, match=message):
        read(path)


@pytest.mark.parametrize(
    ("module", "limit", "message"),
    [
        (workbook, "MAX_UNPACKED_BYTES", "unpacks to more"),
        (workbook, "MAX_SHARED_BYTES", "of text"),
        (workbook_parts, "MAX_PART_BYTES", "of styles"),
    ],
)
def test_limits(path: Path, monkeypatch: pytest.MonkeyPatch, module: object, limit: str, message: str) -> None:
    monkeypatch.setattr(module, limit, 10)
    with pytest.raises(WorkbookError, match=message):
        read(write(path))


def test_truncated_and_altered_archives(path: Path) -> None:
    whole = write(path, "<row><c><v>1</v></c></row>" * 50).read_bytes()
    for cut in range(0, len(whole), 97):
        path.write_bytes(whole[:cut])
        with pytest.raises(WorkbookError):
            read(path)
    for position in range(0, len(whole), 53):
        path.write_bytes(whole[:position] + bytes([whole[position] ^ 0xFF]) + whole[position + 1 :])
        try:
            read(path)
        except WorkbookError:
            continue


def test_an_encrypted_archive(path: Path) -> None:
    content = bytearray(write(path).read_bytes())
    central = content.index(b"PK\x01\x02")
    content[central + 8] |= 1
    path.write_bytes(content)
    with pytest.raises(WorkbookError, match="password"):
        read(path)


def test_the_readers_own_errors_are_not_blamed_on_the_workbook(path: Path) -> None:
    with pytest.raises(ValueError, match="ours"), open_sheet(write(path)):
        raise ValueError("ours")
