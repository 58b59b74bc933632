"""What a recording is found by, copied from its attempt and its wrap-up: whichever comes last brings them together."""

from sqlalchemy import Connection, bindparam, update

from dialer.model.attempt import Attempt
from dialer.storage import tables

recordings = tables.recordings

# Built once: composing a statement costs more time than running it.
_MINE = update(recordings).where(recordings.c.attempt_id == bindparam("of_attempt"))
_END = _MINE.values(
    agent_id=bindparam("new_agent_id"),
    disposition=bindparam("new_disposition"),
    verdict=bindparam("new_verdict"),
)
_OUTCOME = _MINE.values(outcome=bindparam("new_outcome"))


def note_end(connection: Connection, attempt: Attempt) -> None:
    """The attempt ended, or somebody said how it did: its recordings, if there are any yet, are found by that."""
    if attempt.recording_id:
        said = {
            "of_attempt": attempt.attempt_id,
            "new_agent_id": attempt.agent_id,
            "new_disposition": "" if attempt.disposition is None else attempt.disposition.value,
            "new_verdict": attempt.verdict,
        }
        connection.execute(_END, said)


def note_outcome(connection: Connection, attempt_id: int, code: str) -> None:
    """The collector recorded an outcome."""
    connection.execute(_OUTCOME, {"of_attempt": attempt_id, "new_outcome": code})
