"""How good a line was between two looks at its leg's figures. Pure.

A leg's own MOS is that of everything since it was opened: after a bad minute it stays bad for an hour. Here it is that
of the time between, by the same reduction of the E-model (ITU-T G.107 §7, Annex B; G.711 as in G.113 Appendix I).
"""

from dataclasses import dataclass

from dialer.media.interface import LegStats

BASE_R = 93.2
LOSS_ROBUSTNESS = 4.3
PACKET_MS = 20.0


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
    """Of what the far end sent meanwhile, 1.0 to 4.4."""


def quality_between(before: LegStats, now: LegStats) -> LineQuality:
    """Loss and MOS since `before`; everything else as it stands now."""
    lost = max(now.packets_lost - before.packets_lost, 0)
    received = max(now.packets_received - before.packets_received, 0)
    due = lost + received
    loss = lost / due if due else None
    return LineQuality(
        round_trip_ms=now.round_trip_ms,
        loss=loss,
        jitter_ms=now.jitter_ms,
        remote_loss=now.remote_loss,
        remote_jitter_ms=now.remote_jitter_ms,
        mos=_mos(loss or 0.0, now.jitter_ms, now.round_trip_ms or 0.0),
    )


def _mos(loss: float, jitter_ms: float, round_trip_ms: float) -> float:
    delay_ms = round_trip_ms / 2 + 2 * jitter_ms + PACKET_MS
    delay_impairment = 0.024 * delay_ms + 0.11 * max(delay_ms - 177.3, 0.0)
    loss_impairment = 95 * 100 * loss / (100 * loss + LOSS_ROBUSTNESS)
    r = min(max(BASE_R - delay_impairment - loss_impairment, 0.0), 100.0)
    return min(max(1 + 0.035 * r + r * (r - 60) * (100 - r) * 7e-6, 1.0), 4.5)
