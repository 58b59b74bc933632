"""How good a line was between two looks at its leg's figures. Pure."""

from dataclasses import dataclass

from dialer.media.interface import LegStats


@dataclass(frozen=True, slots=True)
class LineQuality:
    """Shares are 0 to 1. None: nothing was due to arrive, or the far end has not reported yet."""

    round_trip_ms: float | None
    loss: float | None
    """Of what the far end sent meanwhile."""
    jitter_ms: float
    remote_loss: float | None
    """Of what we sent, as the far end last reported."""
    remote_jitter_ms: float | None
    mos: float


def quality_between(before: LegStats, now: LegStats) -> LineQuality:
    """The loss since `before`; everything else as it stands now."""
    lost = max(now.packets_lost - before.packets_lost, 0)
    received = max(now.packets_received - before.packets_received, 0)
    due = lost + received
    return LineQuality(
        round_trip_ms=now.round_trip_ms,
        loss=lost / due if due else None,
        jitter_ms=now.jitter_ms,
        remote_loss=now.remote_loss,
        remote_jitter_ms=now.remote_jitter_ms,
        mos=now.mos,
    )
