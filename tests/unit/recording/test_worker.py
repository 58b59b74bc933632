"""The finalising process when whoever started it was killed: it ends in silence, its spool stays for the next start."""

import json
import os
import subprocess
import sys
from pathlib import Path

from recording.vault import Ingest
from tests.support.vaults import vault_in


def test_nobody_reads_the_answer_any_more(tmp_path: Path) -> None:
    settings = vault_in(tmp_path)
    job = Ingest("gone", (tmp_path / "gone.spool",))
    reader, writer = os.pipe()
    os.close(reader)
    process = subprocess.Popen(
        [sys.executable, "-m", "recording.worker"],
        stdin=subprocess.PIPE,
        stdout=writer,
        stderr=subprocess.PIPE,
        text=True,
    )
    os.close(writer)
    _, errors = process.communicate(settings.to_line() + json.dumps(job.to_json()) + "\n", timeout=30)
    assert (process.returncode, errors) == (0, "")
