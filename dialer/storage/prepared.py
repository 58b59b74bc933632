"""A connection to SQLite that composes each statement once, however often it is executed.

SQLAlchemy looks up, fills in and wraps every execution anew, which costs more than SQLite takes to run most statements
of a call. What `Connection.execute` is given a second time (the same statement object, parameters of the same names) is
kept here as its text with the conversions of its parameters and columns. Everything else goes the usual way. A day's
rehearsal executes a hundred thousand statements, nearly all of them such ones.
"""

import sqlite3
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any, Generic, TypeVar
from weakref import WeakSet

from sqlalchemy import Connection, Dialect, Engine, Executable
from sqlalchemy.engine.result import SimpleResultMetaData
from sqlalchemy.engine.row import Row
from sqlalchemy.exc import DBAPIError, MultipleResultsFound, NoResultFound
from sqlalchemy.sql import ClauseElement
from sqlalchemy.sql.compiler import SQLCompiler

from dialer.storage.database import STATEMENTS_KEPT

T = TypeVar("T")
Convert = Callable[[Any], Any]
Keys = tuple[str, ...]


class Rows(list[T], Generic[T]):
    """Rows, or the values of one column, fetched already: what the storage uses of SQLAlchemy's results."""

    def all(self) -> list[T]:
        """All of them."""
        return self

    def first(self) -> T | None:
        """The first, or None."""
        return self[0] if self else None

    def one(self) -> T:
        """The only one; raises as SQLAlchemy does."""
        if not self:
            raise NoResultFound("No row was found when one was required")
        if len(self) > 1:
            raise MultipleResultsFound("Multiple rows were found when exactly one was required")
        return self[0]


class RowsOfColumns(Rows[Row[Any]]):
    """A statement's result. `inserted_primary_key` is that of an INSERT of one row."""

    rowcount = -1
    inserted_primary_key: tuple[Any, ...] | None = None

    def scalar(self) -> Any:
        """The first column of the first row, or None."""
        return self[0][0] if self else None

    def scalar_one(self) -> Any:
        """The first column of the only row."""
        return self.one()[0]

    def scalars(self) -> Rows[Any]:
        """The first column."""
        return Rows(row[0] for row in self)


class _Prepared:
    """One statement with parameters of these names."""

    def __init__(self, compiled: SQLCompiler, dialect: Dialect, keys: Keys, example: Mapping[str, Any]) -> None:
        state = compiled.construct_expanded_state(example)
        processors: Mapping[str, Any] = {**compiled._bind_processors, **state.processors}  # noqa: SLF001
        key_of = {name: bind.key for bind, name in compiled.bind_names.items()}
        self._text = state.statement
        self._bound: list[tuple[str | None, Convert | None, Any]] = []
        for name in state.positiontup or ():
            convert = processors.get(name)
            if key_of.get(name) in keys:
                self._bound.append((key_of[name], convert, None))
            else:
                value = state.parameters[name]
                self._bound.append((None, None, value if convert is None else convert(value)))
        columns = compiled._result_columns  # noqa: SLF001
        metadata = SimpleResultMetaData([column.keyname for column in columns])
        converts = [column.type._cached_result_processor(dialect, None) for column in columns]  # noqa: SLF001
        self._has_columns = bool(columns)
        self._row = partial(Row, metadata, converts if any(converts) else None, metadata._key_to_index)  # noqa: SLF001
        self._is_insert = compiled.isinsert

    def execute(self, connection: sqlite3.Connection, parameters: Mapping[str, Any]) -> RowsOfColumns:
        """Runs it."""
        arguments = [
            fixed if key is None else parameters[key] if convert is None else convert(parameters[key])
            for key, convert, fixed in self._bound
        ]
        try:
            cursor = connection.execute(self._text, arguments)
            fetched = cursor.fetchall() if self._has_columns else ()
        except sqlite3.Error as error:
            raise DBAPIError.instance(None, None, error, sqlite3.Error) from error
        rows = RowsOfColumns(map(self._row, fetched))
        rows.rowcount = cursor.rowcount
        if self._is_insert:
            rows.inserted_primary_key = (cursor.lastrowid,)
        return rows


class PreparedConnection(Connection):
    """The one connection of a database in memory."""

    def __init__(self, engine: Engine) -> None:
        super().__init__(engine)
        self.driver = _driver_of(self)
        """The driver's own connection beneath."""
        self._seen: WeakSet[Executable] = WeakSet()
        self._prepared: dict[Executable, dict[Keys, _Prepared | None]] = {}

    def execute(self, statement: Any, parameters: Any = None, **options: Any) -> Any:
        """As `Connection.execute`; of a prepared statement the result is fetched already."""
        given: Mapping[str, Any] = {} if parameters is None else parameters
        if type(given) is not dict or options:  # rows of many parameters, too
            return super().execute(statement, parameters, **options)
        known, keys = self._prepared.get(statement), tuple(given)
        if known is None or keys not in known:
            known = self._prepare(statement, keys, given)
        prepared = known[keys]
        if prepared is None:
            return super().execute(statement, parameters)
        return prepared.execute(self.driver, given)

    def _prepare(self, statement: Any, keys: Keys, example: Mapping[str, Any]) -> dict[Keys, _Prepared | None]:
        """Kept from the second time on: what is composed for one execution is forgotten with it."""
        if statement not in self._seen:
            self._seen.add(statement)
            return {keys: None}
        if len(self._prepared) >= STATEMENTS_KEPT:
            self._prepared.clear()
        known = self._prepared.setdefault(statement, {})
        known[keys] = _prepare(statement, self.dialect, keys, example)
        return known


def _driver_of(connection: Connection) -> sqlite3.Connection:
    driver: object = connection.connection.dbapi_connection
    if not isinstance(driver, sqlite3.Connection):
        raise TypeError("not a connection to SQLite")
    return driver


def _prepare(statement: Any, dialect: Dialect, keys: Keys, example: Mapping[str, Any]) -> _Prepared | None:
    """None: it has to be composed for each execution."""
    if not isinstance(statement, ClauseElement):
        return None
    compiled = statement.compile(dialect=dialect, column_keys=sorted(keys))
    if not isinstance(compiled, SQLCompiler) or compiled.prefetch or _is_textual(compiled):
        return None
    grows = (bind for bind in compiled.bind_names if bind.expanding or bind.literal_execute)
    if any(bind.key in keys for bind in grows):
        return None
    return _Prepared(compiled, dialect, keys, example)


def _is_textual(compiled: SQLCompiler) -> bool:
    """Whether its columns are known from their text only."""
    return compiled._textual_ordered_columns or compiled._loose_column_name_matching or compiled.isplaintext  # noqa: SLF001
