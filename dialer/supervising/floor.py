"""The collectors of this node as they sit there now: state, call at hand, and how good their line is."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from dialer.agents.phone import kind_of
from dialer.agents.sessions import AgentSession
from dialer.clock import Clock
from dialer.media.interface import LegStats
from dialer.model.agent import AgentState, PhoneKind

SECOND = timedelta(seconds=1)
ON_CALL = (AgentState.TALKING, AgentState.HOLD)


@dataclass(frozen=True, slots=True)
class PhoneNow:
    """A collector's line. `mos` is an estimate of what we hear of them, 1.0 to 4.4; `round_trip_ms` None: not known."""

    kind: PhoneKind
    is_connected: bool
    mos: float
    jitter_ms: float
    round_trip_ms: float | None


@dataclass(frozen=True, slots=True)
class CollectorNow:
    """One collector at work here. `campaign_id` is that of the call at hand, or of the one being wrapped up."""

    agent_id: int
    state: AgentState
    since: datetime
    pending: AgentState | None
    campaign_ids: tuple[int, ...]
    campaign_id: int | None
    attempt_id: int | None
    on_call_since: datetime | None
    phone: PhoneNow


def collectors_now(sessions: Iterable[AgentSession], clock: Clock) -> tuple[CollectorNow, ...]:
    """Everybody who is logged in on this node, by id."""
    utc, monotonic = clock.utcnow(), clock.monotonic()
    return tuple(_now(session, utc + (session.machine.since - monotonic) * SECOND) for session in sessions)


def _now(session: AgentSession, since: datetime) -> CollectorNow:
    call = session.call
    return CollectorNow(
        agent_id=session.agent_id,
        state=session.state,
        since=since,
        pending=session.machine.pending,
        campaign_ids=tuple(sorted(session.campaign_ids)),
        campaign_id=session.busy_for,
        attempt_id=None if call is None else call.attempt_id or None,
        on_call_since=since if session.state in ON_CALL else None,
        phone=_phone(session),
    )


def _phone(session: AgentSession) -> PhoneNow:
    stats: LegStats = session.line.leg.stats()
    kind = kind_of(session.line)
    return PhoneNow(kind, session.reachable, round(stats.mos, 2), round(stats.jitter_ms, 1), stats.round_trip_ms)
