"""Importing a list of a million rows into SQLite, from CSV and from both kinds of XLSX, in a process of its own.

A second process reads the file for it; memory is the sum of both. `late` is how long a timer of 10 ms in the importing
event loop fires after its time: what SIP would feel in a service that imports.
"""

import csv
import json
import os
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Callable, Iterator
from itertools import chain
from pathlib import Path
from typing import IO

from bench.row import BenchRow

ROWS = int(os.environ.get("BENCH_ROWS", "1000000"))
HEADER = ("客户号", "案件号", "姓名", "手机", "联系电话2", "欠款金额", "应还日期", "逾期天数", "产品")
LONGEST_S = 1800

CHILD = """
import asyncio, itertools, json, os, resource, sys, time
from pathlib import Path
from dialer.campaigns.importing import import_list
from dialer.clock import SystemClock
from dialer.storage import Storage

late, peaks = [], {}

def look():
    # Not ru_maxrss: a process inherits that of the one it was forked from.
    for pid in (os.getpid(), *map(int, Path(f"/proc/self/task/{os.getpid()}/children").read_text().split())):
        try:
            status = Path(f"/proc/{pid}/status").read_text()
        except OSError:  # it has ended meanwhile
            continue
        peaks[pid] = next((int(line.split()[1]) for line in status.splitlines() if line.startswith("VmHWM")), 0)

async def tick():
    for n in itertools.count():
        if n % 50 == 0:
            look()
        due = time.perf_counter() + 0.01
        await asyncio.sleep(0.01)
        late.append((time.perf_counter() - due) * 1000)

async def main(directory, name):
    async with Storage.open(f"sqlite:///{directory / 'dialer.db'}", bytes(32), SystemClock()) as storage:
        started, started_cpu = time.perf_counter(), time.process_time()
        async with asyncio.TaskGroup() as group:
            ticker = group.create_task(tick())
            report = await import_list(storage, directory / name)
            ticker.cancel()
        wall_s, cpu_s = time.perf_counter() - started, time.process_time() - started_cpu
    child = resource.getrusage(resource.RUSAGE_CHILDREN)
    look()
    rss_mb = sum(peaks.values()) / 1024
    late.sort()
    percentile = late[int(len(late) * 0.99)]
    print(json.dumps([report.call_list.contact_count, wall_s, cpu_s + child.ru_utime + child.ru_stime, rss_mb,
                      percentile, late[-1]]))

asyncio.run(main(Path(sys.argv[1]), sys.argv[2]))
"""


def run() -> list[BenchRow]:
    """Writes each list, imports it, measures."""
    return [
        *_measure("CSV", "list.csv", _write),
        *_measure("XLSX", "shared.xlsx", lambda path: _write_workbook(path, shared=True)),
        *_measure("XLSX without shared strings", "inline.xlsx", lambda path: _write_workbook(path, shared=False)),
    ]


def _measure(kind: str, name: str, write: Callable[[Path], None]) -> list[BenchRow]:
    with tempfile.TemporaryDirectory(prefix="bench-import-") as directory:
        write(Path(directory) / name)
        done = subprocess.run(
            [sys.executable, "-c", CHILD, directory, name],
            capture_output=True,
            check=True,
            timeout=LONGEST_S,
            text=True,
        )
        contacts, wall_s, cpu_s, rss_mb, late_ms, latest_ms = json.loads(done.stdout)
    if contacts != ROWS:
        raise RuntimeError(f"{contacts} contacts of {ROWS} rows")
    scale = 1_000_000 / ROWS
    note = f"CPU {cpu_s * scale:.0f} s, both processes; from {ROWS:,} rows"
    return [
        BenchRow(f"1,000,000 rows imported, {kind}", wall_s * scale, "s", 300.0, note=note),
        BenchRow(f"memory while importing {kind}", rss_mb, "MB", 500.0, note=f"peak of both processes, {ROWS:,} rows"),
        BenchRow(f"event loop late while importing {kind}, p99", late_ms, "ms", note=f"at most {latest_ms:.0f} ms"),
    ]


def _rows() -> Iterator[tuple[str, ...]]:
    """Rows as lists have them: a third with a second number, every person and every number once."""
    for n in range(ROWS):
        second = f"139-{n * 7919 % 10**8:08d}" if n % 3 == 0 else ""
        amount, day, overdue = f"{n * 31 % 10**7 / 100:,.2f}", f"2026-10-{1 + n % 28:02d}", str(n % 900)
        number = f"138{n % 10**8:08d}"
        yield f"P{n:08d}", f"C{n:08d}", f"张三{n}", number, second, amount, day, overdue, "信用卡"


def _write(path: Path) -> None:
    with path.open("w", encoding="utf-8", newline="") as raw:
        writer = csv.writer(raw)
        writer.writerow(HEADER)
        writer.writerows(_rows())


MAIN = 'xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"'
PACKAGE = 'xmlns="http://schemas.openxmlformats.org/package/2006/relationships"'
OFFICE = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
PARTS = {
    "_rels/.rels": f'<Relationships {PACKAGE}><Relationship Id="b" Type="{OFFICE}/officeDocument" '
    'Target="xl/workbook.xml"/></Relationships>',
    "xl/workbook.xml": f'<workbook {MAIN} xmlns:r="{OFFICE}"><sheets><sheet name="S" sheetId="1" r:id="s"/></sheets>'
    "</workbook>",
    "xl/_rels/workbook.xml.rels": f'<Relationships {PACKAGE}><Relationship Id="s" Type="{OFFICE}/worksheet" '
    f'Target="sheet.xml"/><Relationship Id="t" Type="{OFFICE}/sharedStrings" Target="strings.xml"/></Relationships>',
}


def _write_workbook(path: Path, *, shared: bool) -> None:
    """The same rows as a workbook, written as a stream; texts in a table of shared strings, or in their cells."""
    strings: dict[str, int] = {}
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
        for name, text in PARTS.items():
            archive.writestr(name, text)
        with archive.open("xl/sheet.xml", "w", force_zip64=True) as raw:
            _write_sheet(raw, strings if shared else None)
        with archive.open("xl/strings.xml", "w", force_zip64=True) as raw:
            raw.write(f"<sst {MAIN}>".encode())
            for string in strings:
                raw.write(f"<si><t>{string}</t></si>".encode())
            raw.write(b"</sst>")


def _write_sheet(raw: IO[bytes], strings: dict[str, int] | None) -> None:
    def cell(text: str) -> str:
        if strings is None:
            return f'<c t="inlineStr"><is><t>{text}</t></is></c>'
        return f'<c t="s"><v>{strings.setdefault(text, len(strings))}</v></c>'

    raw.write(f"<worksheet {MAIN}><sheetData>".encode())
    for row in chain([HEADER], _rows()):
        raw.write(f"<row>{''.join(map(cell, row))}</row>".encode())
    raw.write(b"</sheetData></worksheet>")
