"""What collectors did from when to when, from their recorded changes. Pure."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from dialer.model.agent import AgentState
from dialer.model.history import History, RecordedChange

PAUSED = frozenset({AgentState.BREAK, AgentState.TRAINING, AgentState.AUX})


@dataclass(frozen=True, slots=True)
class Span:
    """A collector in one state, seconds after the history's first moment; `first`: since the phone was connected.

    `whole` is False where the history begins after the state did, or ends before it.
    """

    agent: int
    state: AgentState
    since_s: float
    until_s: float
    first: bool
    whole: bool

    @property
    def length_s(self) -> float:
        """How long it lasted within the history."""
        return self.until_s - self.since_s


@dataclass(frozen=True, slots=True)
class Presence:
    """A collector, logged in from when to when."""

    agent: int
    since_s: float
    until_s: float


def spans_of(history: History) -> tuple[Span, ...]:
    """The collectors' states within the history, as far as they were there for the campaign; in order of their ends."""
    by_agent: dict[int, list[RecordedChange]] = {}
    for change in history.changes:
        by_agent.setdefault(change.agent, []).append(change)
    spans = [span for changes in by_agent.values() for span in _of_one(changes, history.outline.length_s)]
    return tuple(sorted(spans, key=lambda span: (span.until_s, span.agent)))


def _of_one(changes: list[RecordedChange], length_s: float) -> Iterator[Span]:
    before = AgentState.OFFLINE
    for change, following in zip(changes, [*changes[1:], None], strict=True):
        until_s = length_s if following is None else min(following.at_s, length_s)
        since_s = max(change.at_s, 0.0)
        if change.here and change.state is not AgentState.OFFLINE and until_s > since_s:
            whole = following is not None and change.at_s >= 0.0
            yield Span(change.agent, change.state, since_s, until_s, before is AgentState.OFFLINE, whole)
        before = change.state


def presences_of(spans: Iterable[Span]) -> tuple[Presence, ...]:
    """From when to when collectors were logged in for the campaign, whatever they did."""
    found: list[Presence] = []
    for span in sorted(spans, key=lambda span: (span.agent, span.since_s)):
        if found and found[-1].agent == span.agent and found[-1].until_s == span.since_s:
            found[-1] = Presence(span.agent, found[-1].since_s, span.until_s)
        else:
            found.append(Presence(span.agent, span.since_s, span.until_s))
    return tuple(found)
