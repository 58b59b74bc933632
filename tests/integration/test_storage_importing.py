"""A list's way from the file into the database, whole or not at all."""

import asyncio
import os
import signal
from collections.abc import AsyncIterator
from datetime import datetime
from pathlib import Path

import openpyxl
import pytest

from dialer.campaigns import importing, list_process
from dialer.campaigns.importing import ImportOptions, ImportProgress, import_list
from dialer.errors import DialerError, InputError
from dialer.model.campaign import CampaignSettings
from dialer.model.contact import PhoneRole
from dialer.storage import Storage
from tests.support.storage import open_storage

HEADER = "客户号,案件号,姓名,手机,紧急联系人电话,欠款金额\n"
GOOD = HEADER + 'P1,C1,张三,138 0000 1234,,"1,200.50"\nP2,C2,李四,13900001234;010-65501234,13700001234,30\n'


@pytest.fixture
async def storage(database_url: str) -> AsyncIterator[Storage]:
    async with open_storage(database_url) as opened:
        yield opened


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "list.csv"


def write(path: Path, text: str, encoding: str = "utf-8") -> None:
    path.write_text(text, encoding)


async def test_imports_a_list(storage: Storage, path: Path) -> None:
    write(path, GOOD, "gb18030")
    seen: list[ImportProgress] = []
    report = await import_list(storage, path, progress=seen.append)
    assert report.call_list is not None
    assert (report.call_list.name, report.call_list.contact_count, report.call_list.phone_count) == ("list", 2, 4)
    assert (report.rows, report.broken_rows, report.merged_rows, report.problems_path) == (2, 0, 0, None)
    assert seen[-1] == ImportProgress(rows=2, contacts=2, problems=0, fraction=1.0)
    first, second = await storage.lists.contacts(report.call_list.list_id)
    assert (first.name, first.fields["amount"]) == ("张三", "1200.50")
    assert [(phone.number, phone.role) for phone in second.phones] == [
        ("+8613900001234", PhoneRole.OWN),
        ("+861065501234", PhoneRole.OWN),
        ("+8613700001234", PhoneRole.THIRD_PARTY),
    ]
    assert [known.contact for known in await storage.explaining.of_number("+861065501234", 2)] == [second]
    assert [known.contact for known in await storage.explaining.of_case("C1", 2)] == [first]


async def test_rows_of_one_person_and_case_become_one_contact(storage: Storage, path: Path) -> None:
    write(path, GOOD + "P1,C1,张三,13800001234,,\nP1,C1,张三,13600001234,,\nP1,C9,张三,13800001234,,\n")
    report = await import_list(storage, path)
    assert report.call_list is not None
    assert (report.call_list.contact_count, report.merged_rows) == (3, 2)
    first, *_others = await storage.lists.contacts(report.call_list.list_id)
    assert [phone.number for phone in first.phones] == ["+8613800001234", "+8613600001234"]
    assert [phone.rank for phone in first.phones] == [0, 1]


async def test_one_broken_row_keeps_everything_out(storage: Storage, path: Path) -> None:
    write(path, GOOD + "P3,C3,王五,1.38E+10,,x\n")
    report = await import_list(storage, path)
    assert report.call_list is None
    assert report.broken_rows == 1
    assert await storage.lists.all() == ()
    assert await storage.explaining.of_case("C1", 1) == ()
    assert report.problems_path == path.with_name("list.csv.problems.csv")
    lines = report.problems_path.read_text(encoding="utf-8-sig").splitlines()
    assert lines[0] == "row,column,value,reason"
    assert [line.split(",")[:3] for line in lines[1:]] == [["4", "手机", "1.3****10"], ["4", "欠款金额", "*"]]


async def test_good_rows_go_in_where_that_is_wanted(storage: Storage, path: Path) -> None:
    write(path, GOOD + "P3,C3,王五,1.38E+10,,\n")
    report = await import_list(storage, path, options=ImportOptions(name="November", accept_valid=True))
    assert report.call_list is not None
    assert (report.call_list.name, report.call_list.contact_count, report.broken_rows) == ("November", 2, 1)


async def test_a_list_without_a_single_contact(storage: Storage, path: Path) -> None:
    write(path, HEADER)
    assert (await import_list(storage, path, options=ImportOptions(accept_valid=True))).call_list is None


async def test_a_file_that_breaks_in_the_middle_leaves_nothing(
    storage: Storage, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(importing, "CHUNK_ROWS", 1)
    write(path, GOOD + 'P3,C3,"')
    with pytest.raises(InputError, match="row 4: not readable as CSV"):
        await import_list(storage, path)
    assert await storage.lists.all() == ()
    assert await storage.lists.clean("") == 0


def children() -> list[int]:
    """The processes that the tests' main thread has started and that still run."""
    return [int(pid) for pid in Path(f"/proc/self/task/{os.getpid()}/children").read_text().split()]


def long_list(n_rows: int) -> str:
    return HEADER + "".join(f"P{n},C{n},王五,{13800000000 + n},,\n" for n in range(n_rows))


@pytest.mark.allow_blocking
async def test_a_cancelled_import_is_removed_at_once(
    storage: Storage, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(list_process, "READ_AHEAD_BYTES", 1024)  # much is on the way when it is cancelled
    write(path, long_list(3000))
    before = children()

    async with asyncio.TaskGroup() as group:

        def stop(seen: ImportProgress) -> None:
            if seen.rows == 200:
                importer.cancel()

        importer = group.create_task(import_list(storage, path, options=ImportOptions(node="node1"), progress=stop))
    assert importer.cancelled()
    assert await storage.explaining.of_case("C1", 1) == ()
    assert await storage.lists.clean("node1") == 0  # nothing is left to the next start
    assert children() == before


async def test_cancelled_while_the_list_is_begun(storage: Storage, path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(path, GOOD)
    begun = asyncio.Event()
    begin = storage.lists.begin

    async def begin_slowly(name: str, source: str, node: str, now: datetime) -> int:
        list_id = await begin(name, source, node, now)
        begun.set()
        await asyncio.sleep(0)
        return list_id

    monkeypatch.setattr(storage.lists, "begin", begin_slowly)
    async with asyncio.TaskGroup() as group:
        importer = group.create_task(import_list(storage, path, options=ImportOptions(node="node1")))
        await begun.wait()
        importer.cancel()
    assert importer.cancelled()
    assert await storage.lists.clean("node1") == 0


@pytest.mark.allow_blocking
async def test_a_reading_process_that_dies(storage: Storage, path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importing, "CHUNK_ROWS", 1)
    write(path, long_list(5000))  # more than the pipe holds
    before = children()

    def kill(_seen: ImportProgress) -> None:
        for pid in set(children()).difference(before):
            os.kill(pid, signal.SIGKILL)

    with pytest.raises(DialerError, match="the process that reads the list was ended"):
        await import_list(storage, path, options=ImportOptions(node="node1"), progress=kill)
    assert await storage.lists.all() == ()
    assert await storage.lists.clean("node1") == 0


async def test_a_file_that_cannot_be_opened(storage: Storage, path: Path) -> None:
    with pytest.raises(InputError, match="cannot read the list: No such file"):
        await import_list(storage, path)


async def test_a_workbook(storage: Storage, path: Path) -> None:
    book = openpyxl.Workbook()
    sheet = book.active
    assert sheet is not None
    sheet.append(["案件号", "姓名", "手机", "欠款金额", "应还日期"])
    sheet.append(["C1", "张三", 13800001234, 1200.5, datetime(2026, 11, 23)])  # noqa: DTZ001  as spreadsheets have them
    book.save(path.with_suffix(".xlsx"))
    seen: list[ImportProgress] = []
    report = await import_list(storage, path.with_suffix(".xlsx"), progress=seen.append)
    assert report.call_list is not None
    [contact] = await storage.lists.contacts(report.call_list.list_id)
    assert contact.phones[0].number == "+8613800001234"
    assert contact.fields == {"amount": "1200.50", "due_date": "2026-11-23"}
    assert seen[-1] == ImportProgress(rows=1, contacts=1, problems=0, fraction=1.0)


async def test_a_list_in_use_is_not_deleted(storage: Storage, path: Path) -> None:
    write(path, GOOD)
    report = await import_list(storage, path, {"案件号": "case_ref", "手机": "phone"})
    assert report.call_list is not None
    list_id = report.call_list.list_id
    settings = CampaignSettings()
    await storage.campaigns.create("November", [list_id], settings, storage.clock.utcnow())
    with pytest.raises(InputError, match="used by the campaign 'November'"):
        await storage.lists.delete(list_id)
    with pytest.raises(InputError, match="there is no list 99"):
        await storage.campaigns.create("none", [99], settings, storage.clock.utcnow())
