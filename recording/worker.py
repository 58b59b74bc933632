"""A process that finalises recordings: `python -m recording.worker`. A line in, a line out, as JSON.

A process of its own, at low priority, so that the work neither holds up calls nor can take the service down with it,
and so that a job that hangs can be ended. The keys come in its first line, over a pipe: other users of the machine can
read a process's arguments and, as root, its environment, and both are copied into crash reports.

    first    {"keys": [HEX, …], "store": {…}, "staging": PATH}
    job      {"recording_id": ID, "parts": [PATH, …], "locked_until": TIME}
    answer   {"recording": {…}} or {"error": MESSAGE, "kind": "spool" | "full" | "other"}
"""

import json
import os
import sys
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, TextIO

from recording.errors import RecordingError, SpoolError, StoreFullError
from recording.keys import KeyRing
from recording.objects import StoreSettings, open_store
from recording.vault import Ingest, Vault

NICENESS = 10
_KINDS: dict[type[RecordingError], str] = {SpoolError: "spool", StoreFullError: "full"}


@dataclass(frozen=True, slots=True)
class VaultSettings:
    """Everything a process needs to open the vault."""

    keys: KeyRing = field(repr=False)
    store: StoreSettings
    staging: Path

    def open(self) -> Vault:
        """Raises RecordingError when the settings cannot be right."""
        return Vault(open_store(self.store), self.keys, self.staging)

    def to_line(self) -> str:
        """For a pipe to a process of our own; never for a file or a log."""
        said = {"keys": self.keys.to_hex(), "store": asdict(self.store), "staging": str(self.staging)}
        return json.dumps(said) + "\n"

    @classmethod
    def from_line(cls, line: str) -> "VaultSettings":
        """What `to_line` wrote."""
        said = json.loads(line)
        return cls(KeyRing.from_hex(said["keys"]), StoreSettings(**said["store"]), Path(said["staging"]))


def error_of(answer: dict[str, Any]) -> RecordingError:
    """What the process met."""
    for error, kind in _KINDS.items():
        if kind == answer["kind"]:
            return error(answer["error"])
    return RecordingError(answer["error"])


def serve(jobs: TextIO, answers: TextIO) -> None:
    """Works until `jobs` ends, or nobody reads the answers any more: whoever asked was killed and will ask again."""
    first = jobs.readline()
    if not first:
        return
    settings = VaultSettings.from_line(first)
    for line in jobs:
        said = json.dumps(answer(settings, Ingest.from_json(json.loads(line)))) + "\n"
        try:
            answers.write(said)
            answers.flush()
        except BrokenPipeError:
            _drop(answers)
            return


def answer(settings: VaultSettings, job: Ingest) -> dict[str, Any]:
    """Finalises one recording."""
    try:
        return {"recording": settings.open().ingest(job).to_json()}
    except RecordingError as error:
        return {"error": str(error), "kind": _KINDS.get(type(error), "other")}


def _drop(answers: TextIO) -> None:
    """What is still in the buffer goes nowhere, instead of failing once more when the process ends."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, answers.fileno())
    os.close(nowhere)


if __name__ == "__main__":
    os.nice(NICENESS)
    serve(sys.stdin, sys.stdout)
