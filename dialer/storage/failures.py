"""Turns what a database says when it fails into errors that say what, where and what to do."""

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy.exc import DBAPIError, InterfaceError, OperationalError, SQLAlchemyError

from dialer.errors import StorageError

_ADVICE = (
    ("disk is full", "the disk is full", "free some space; nothing was half written, the work can be repeated"),
    ("locked", "another process holds the database", "end it, or wait until its work is done, then repeat"),
    ("readonly", "the database is read-only", "give this user the right to write the file and its directory"),
    ("unable to open", "the database file cannot be opened", "check that its directory exists and may be written"),
    ("not a database", "the file is not a database, or is damaged", "restore it from a backup"),
    ("malformed", "the database file is damaged", "restore it from a backup"),
    ("disk i/o", "the disk failed", "check the disk; nothing was half written"),
)
"""Fragments of what SQLite says → what it means → what to do."""


class TransientStorageError(StorageError):
    """The database could not be reached or was busy; nothing was written, the work may be repeated."""

    retryable = True


@contextmanager
def translated(where: str) -> Iterator[None]:
    """Database and network errors leave as StorageError, with `where` (no password) and an advice."""
    try:
        yield
    except SQLAlchemyError as error:
        raise describe(error, where) from error
    except TimeoutError as error:
        message = f"{where}: the database did not answer in time; check that it runs and is not overloaded"
        raise TransientStorageError(message) from error
    except OSError as error:
        message = f"{where}: the database cannot be reached ({error.strerror or type(error).__name__}); start it"
        raise TransientStorageError(message) from error


def describe(error: SQLAlchemyError, where: str) -> StorageError:
    """The error in words. Statements and their parameters stay out of it: they could hold personal data."""
    if not isinstance(error, DBAPIError):
        return StorageError(f"{where}: {type(error).__name__}; this is a fault of the program, please report it")
    said = str(error.orig).partition("\n")[0]
    for fragment, meaning, advice in _ADVICE:
        if fragment in said.lower():
            return TransientStorageError(f"{where}: {meaning}; {advice}")
    lost = error.connection_invalidated or isinstance(error, InterfaceError | OperationalError)
    if lost and not isinstance(error.orig, sqlite3.Error):
        return TransientStorageError(f"{where}: the connection to the database was lost; check that it runs")
    return StorageError(f"{where}: the database refused a statement ({type(error.orig).__name__})")
