"""Going through much work: a progress bar on a terminal, several processes, results in the order of the items.

The processes end with the command, however that ends: they are told when it is interrupted, and see when it is gone.
"""

import multiprocessing
import os
import signal
import sys
import threading
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
"""Items handed to a process at a time, where one takes less than a second."""


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


def in_processes(work: Callable[[T], R], items: Sequence[T], n_jobs: int | None, *, chunk: int = _CHUNK) -> Iterator[R]:
    """`work` of every item, in their order; it must be a function of a module. DialerError: a process died."""
    n_jobs = min(n_jobs or default_jobs(), -(-len(items) // chunk))
    if n_jobs <= 1:
        yield from map(work, items)
        return
    # A fresh interpreter each: a fork would share the threads' locks of libraries that are loaded by now.
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(n_jobs, context, initializer=_live_as_long_as_the_parent) as pool:
        try:
            yield from pool.map(work, items, chunksize=chunk)
        except BrokenProcessPool as error:
            raise DialerError("a process died at its work; --jobs 1 shows at what") from error
        except BaseException:  # interrupted, failed, or nobody wants the rest: what still runs is for nothing
            for process in multiprocessing.active_children():
                process.terminate()
            raise


def _live_as_long_as_the_parent() -> None:
    """Ctrl-C reaches every process of a terminal; the parent ends the others, without a traceback of each."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_end_with_the_parent, daemon=True).start()


def _end_with_the_parent() -> None:
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)  # whoever waited for the result is gone


def default_jobs() -> int:
    """As many as there are CPUs to run on, within reason."""
    return min(len(os.sched_getaffinity(0)), _MAX_JOBS)
