"""One line of the benchmark table."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class BenchRow:
    """A measured figure beside what it must reach (`budget`) and what others need for the same work (`anchor`).

    `value` is the median of at least three runs, in `unit`; `budget` is None where the design sets none.
    """

    name: str
    value: float
    unit: str
    budget: float | None = None
    anchor: str = ""
    note: str = ""
