"""Who gets which work: evenly, and nothing to whom it must not go. Pure."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from recording.review.sampling import lot


@dataclass(frozen=True, slots=True)
class Task:
    """Something to be done by `hands` different people, none of whom may be the `barred` one (whose call it is)."""

    item: str
    hands: int = 1
    barred: int | None = None


def share_out(tasks: Iterable[Task], loads: Mapping[int, int]) -> tuple[tuple[int | None, ...], ...]:
    """For each task who does it; None: nobody is left who may, and whoever comes first takes it.

    `loads` says how much each person has to do already. The one with the least comes next; where several have the same,
    the task's lot decides, so that no one always comes first.
    """
    waiting = dict(loads)
    return tuple(_hands(task, waiting) for task in tasks)


def _hands(task: Task, waiting: dict[int, int]) -> tuple[int | None, ...]:
    may = [person for person in waiting if person != task.barred]
    least = sorted(may, key=lambda person: (waiting[person], lot(task.item, str(person))))[: task.hands]
    for person in least:
        waiting[person] += 1
    return (*least, *(None for _ in range(task.hands - len(least))))
