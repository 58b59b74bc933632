"""A list read, checked and de-duplicated, piece by piece; every problem goes, masked, into a CSV file beside it.

Everything here blocks and takes the processor: it runs in the reading process (`list_child`).
"""

import csv
import hashlib
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import Self, TextIO

from dialer.campaigns.columns import guess_columns, mapped_columns
from dialer.campaigns.list_messages import Counts, ReadRequest, Rows
from dialer.campaigns.list_reader import open_list
from dialer.campaigns.list_rows import Problem, parse_row
from dialer.errors import InputError
from dialer.model.call_list import NewContact
from dialer.quality.csv_files import safe_cell
from dialer.redaction import mask_numbers

SHOWN_PROBLEMS = 100
"""Problems told one by one; the file beside the list holds all of them."""


class ListReading:
    """An open list, used as `with`; raises InputError.

    `on_progress` hears how far the opening is, `on_headers` the columns before their meaning is found out.
    """

    def __init__(
        self,
        request: ReadRequest,
        on_progress: Callable[[float], None] = lambda _fraction: None,
        on_headers: Callable[[Sequence[str]], None] = lambda _headers: None,
    ) -> None:
        self._request = request
        self._stack = ExitStack()
        with ExitStack() as opening:
            self._file = opening.enter_context(open_list(request.path, on_progress))
            headers, mapping = self._file.headers, request.mapping
            _check_names(headers)
            on_headers(headers)
            self.columns = guess_columns(headers) if mapping is None else mapped_columns(headers, mapping)
            self._stack = opening.pop_all()
        self._seen: set[int] = set()
        self._problems: _ProblemFile | None = None
        self._n_rows = 0
        self._n_merged = 0
        self._n_broken = 0
        self._n_problems = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._problems is not None:
            self._problems.close()
        self._stack.close()

    def pieces(self) -> Iterator[Rows]:
        """The rows of the file, `chunk_rows` at a time."""
        contacts: list[NewContact] = []
        more: list[NewContact] = []
        problems: list[Problem] = []
        for number, cells in self._file.rows():
            self._n_rows += 1
            parsed = parse_row(number, cells, self.columns, self._request.region)
            if not isinstance(parsed, NewContact):
                self._refuse(parsed, problems)
            elif self._is_new(parsed):
                contacts.append(parsed)
            else:
                more.append(parsed)
            if self._n_rows % self._request.chunk_rows == 0:
                yield self._piece(contacts, more, problems)
                contacts, more, problems = [], [], []
        if self._n_rows % self._request.chunk_rows:
            yield self._piece(contacts, more, problems)

    def _piece(self, contacts: Sequence[NewContact], more: Sequence[NewContact], problems: Sequence[Problem]) -> Rows:
        wanted = self._n_broken == 0 or self._request.accept_valid
        counts = Counts(
            rows=self._n_rows,
            contacts=len(self._seen),
            merged=self._n_merged,
            broken=self._n_broken,
            problems=self._n_problems,
            fraction=self._file.fraction,
        )
        return Rows(
            contacts=tuple(contacts) if wanted else (),
            more=tuple(more) if wanted else (),
            problems=tuple(problems),
            counts=counts,
            problems_path=None if self._problems is None else self._problems.path,
        )

    def _is_new(self, contact: NewContact) -> bool:
        # 64 bits of a hash instead of the references: a million of them fit into memory, and two never meet by chance.
        named = f"{contact.person_ref}\0{contact.case_ref}".encode()
        key = int.from_bytes(hashlib.blake2b(named, digest_size=8).digest(), "big")
        if key in self._seen:
            self._n_merged += 1
            return False
        self._seen.add(key)
        return True

    def _refuse(self, found: Sequence[Problem], shown: list[Problem]) -> None:
        shown.extend(found[: max(SHOWN_PROBLEMS - self._n_problems, 0)])
        self._n_broken += 1
        self._n_problems += len(found)
        if self._problems is None:
            path = self._request.path
            self._problems = _ProblemFile(path.with_name(f"{path.name}.problems.csv"))
        self._problems.write(found)


def _check_names(headers: Sequence[str]) -> None:
    """Columns' names are shown and logged: a first row that already is somebody's must not be taken for them."""
    if any(mask_numbers(header) != header for header in headers):
        raise InputError("the first row holds a phone number: it must hold the names of the columns")


class _ProblemFile:
    """The error report: one line per problem, readable by spreadsheets."""

    def __init__(self, path: Path) -> None:
        self.path = path
        try:
            self._raw: TextIO = path.open("w", encoding="utf-8-sig", newline="")
        except OSError as error:
            raise InputError(f"{path}: cannot write the report of broken rows: {error.strerror}") from error
        self._writer = csv.writer(self._raw)
        self._writer.writerow(("row", "column", "value", "reason"))

    def write(self, problems: Sequence[Problem]) -> None:
        self._writer.writerows(
            (problem.row, safe_cell(problem.column), safe_cell(problem.value_masked), problem.reason)
            for problem in problems
        )

    def close(self) -> None:
        self._raw.close()
