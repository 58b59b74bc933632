"""Importing a list of a million rows from CSV into SQLite, in a process of its own so that its memory is its own."""

import csv
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

from bench.row import BenchRow

ROWS = int(os.environ.get("BENCH_ROWS", "1000000"))
HEADER = ("客户号", "案件号", "姓名", "手机", "联系电话2", "欠款金额", "应还日期", "逾期天数", "产品")
LONGEST_S = 1800

CHILD = """
import asyncio, json, resource, sys, time
from pathlib import Path
from dialer.campaigns.importing import import_list
from dialer.clock import SystemClock
from dialer.storage import Storage

async def main(directory):
    async with Storage.open(f"sqlite:///{directory / 'dialer.db'}", bytes(32), SystemClock()) as storage:
        started, started_cpu = time.perf_counter(), time.process_time()
        report = await import_list(storage, directory / "list.csv")
        used = time.perf_counter() - started, time.process_time() - started_cpu
    rss_mb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(json.dumps([report.call_list.contact_count, *used, rss_mb]))

asyncio.run(main(Path(sys.argv[1])))
"""


def run() -> list[BenchRow]:
    """Writes the list, imports it, measures."""
    with tempfile.TemporaryDirectory(prefix="bench-import-") as directory:
        _write(Path(directory) / "list.csv")
        done = subprocess.run(
            [sys.executable, "-c", CHILD, directory], capture_output=True, check=True, timeout=LONGEST_S, text=True
        )
        contacts, wall_s, cpu_s, rss_mb = json.loads(done.stdout)
    if contacts != ROWS:
        raise RuntimeError(f"{contacts} contacts of {ROWS} rows")
    scale = 1_000_000 / ROWS
    note = "three columns of numbers and dates checked, a third of the rows with two numbers"
    return [
        BenchRow("1,000,000 rows imported", wall_s * scale, "s", 300.0, note=note),
        BenchRow("1,000,000 rows imported, CPU", cpu_s * scale, "s"),
        BenchRow(f"memory while importing {ROWS:,} rows", rss_mb, "MB", 500.0, note="peak resident set"),
    ]


def _write(path: Path) -> None:
    with path.open("w", encoding="utf-8", newline="") as raw:
        writer = csv.writer(raw)
        writer.writerow(HEADER)
        for n in range(ROWS):
            second = f"139-{n * 7919 % 10**8:08d}" if n % 3 == 0 else ""
            amount, day, overdue = f"{n * 31 % 10**7 / 100:,.2f}", f"2026-10-{1 + n % 28:02d}", n % 900
            number = f"138{n % 10**8:08d}"
            writer.writerow((f"P{n:08d}", f"C{n:08d}", "张三", number, second, amount, day, overdue, "信用卡"))
