"""The finalising process when whoever started it was killed: it ends in silence, its spool stays for the next start."""

import json
import os
import subprocess
import sys
from pathlib import Path


def test_nobody_reads_the_answer_any_more(tmp_path: Path) -> None:
    store, spool = tmp_path / "store", tmp_path / "gone.spool"
    store.mkdir()
    reader, writer = os.pipe()
    os.close(reader)
    process = subprocess.Popen(
        [sys.executable, "-m", "recording.worker", str(store)],
        stdin=subprocess.PIPE,
        stdout=writer,
        stderr=subprocess.PIPE,
        text=True,
    )
    os.close(writer)
    _, errors = process.communicate(json.dumps({"spool": str(spool)}) + "\n", timeout=30)
    assert (process.returncode, errors) == (0, "")
