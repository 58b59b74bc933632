"""What the nodes tell each other about a campaign's abandonment budget."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class NodePart:
    """One node's part, as it reported last; `beat` grows with every report.

    `collectors` are at work for the campaign there; `people` is how many calls the node may still abandon, those it
    has abandoned and not put on record yet included.
    """

    node: str
    collectors: int
    people: float
    beat: int = 0
