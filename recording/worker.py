"""A process that finalises recordings: `python -m recording.worker STORE`. One job a line, one answer a line, as JSON.

A process of its own, at low priority, so that the work neither holds up calls nor can take the service down with it,
and so that a job that hangs can be ended.

    job      {"spool": PATH}
    answer   {"recording": {…}} or {"error": MESSAGE, "kind": "spool" | "full" | "other"}
"""

import json
import os
import sys
from pathlib import Path
from typing import Any, TextIO

from recording.errors import RecordingError, SpoolError, StoreFullError
from recording.store import RecordingStore

NICENESS = 10


def serve(store: RecordingStore, jobs: TextIO, answers: TextIO) -> None:
    """Works until `jobs` ends, or nobody reads the answers any more: whoever asked was killed and will ask again."""
    for line in jobs:
        said = json.dumps(answer(store, Path(json.loads(line)["spool"]))) + "\n"
        try:
            answers.write(said)
            answers.flush()
        except BrokenPipeError:
            _drop(answers)
            return


def _drop(answers: TextIO) -> None:
    """What is still in the buffer goes nowhere, instead of failing once more when the process ends."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, answers.fileno())
    os.close(nowhere)


def answer(store: RecordingStore, spool: Path) -> dict[str, Any]:
    """Finalises one spool."""
    try:
        return {"recording": store.ingest(spool).to_json()}
    except RecordingError as error:
        kinds = {SpoolError: "spool", StoreFullError: "full"}
        return {"error": str(error), "kind": kinds.get(type(error), "other")}


if __name__ == "__main__":
    os.nice(NICENESS)
    serve(RecordingStore(Path(sys.argv[1])), sys.stdin, sys.stdout)
