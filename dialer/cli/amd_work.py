"""Going through many files: a progress bar on a terminal, several processes, results in the order of the files."""

import multiprocessing
import os
import signal
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from typing import TypeVar

from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from dialer.cli.output import errors
from dialer.errors import DialerError

T = TypeVar("T")
R = TypeVar("R")

_MAX_JOBS = 8
"""By default; every process costs some 80 MB."""
_CHUNK = 4
"""Files handed to a process at a time."""


def watched(items: Iterable[T], n_items: int, doing: str) -> Iterator[T]:
    """The same items, with a bar that says how many are done."""
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    shown = errors.is_terminal
    # Rich would print to the bar's console whatever is meant for standard output, a file perhaps.
    with Progress(
        *columns, console=errors, transient=True, disable=not shown, redirect_stdout=sys.stdout.isatty()
    ) as progress:
        task = progress.add_task(doing, total=n_items)
        for item in items:
            yield item
            progress.advance(task)


def in_processes(work: Callable[[T], R], items: Sequence[T], n_jobs: int | None) -> Iterator[R]:
    """`work` of every item, in their order; it must be a function of a module. DialerError: a process died."""
    n_jobs = min(n_jobs or default_jobs(), -(-len(items) // _CHUNK))
    if n_jobs <= 1:
        yield from map(work, items)
        return
    # A fresh interpreter each: a fork would share the threads' locks of libraries that are loaded by now.
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(n_jobs, context, initializer=_leave_interrupts_to_the_parent) as pool:
        try:
            yield from pool.map(work, items, chunksize=_CHUNK)
        except BrokenProcessPool as error:
            raise DialerError("a process that listened to files died; --jobs 1 shows at which file") from error


def _leave_interrupts_to_the_parent() -> None:
    """Ctrl-C reaches every process of a terminal; the parent ends the others, without a traceback of each."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)


def default_jobs() -> int:
    """As many as there are CPUs to run on, within reason."""
    return min(len(os.sched_getaffinity(0)), _MAX_JOBS)
