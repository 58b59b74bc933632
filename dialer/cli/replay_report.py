"""What a replayed day came to: tables for people, one document for programs."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from datetime import timedelta
from zoneinfo import ZoneInfo

from dialer.cli.output import print_table, say
from dialer.model.history import History
from dialer.simulator.replay_result import Band, Comparison, Quarter

MOST_SHOWN = 6
"""Quarters of an hour whose reasons are printed; `--json` has all."""
OPEN_LOOP = (
    "The recorded day does not answer to another pace: people, collectors and who was abandoned stay as they were. "
    "Only the calls that ring are the replayed pacer's own, each ringing as long as the recorded one in its place did. "
    "So this tells when and why a pacer decides otherwise, not what would have become of the day; that is a question "
    "for dialer simulate --campaign."
)
_COLUMNS = ("from", "at work", "ready", "live", "abandoned", "placed", "as set", "changed", "otherwise")
_BANDS = ("predicted", "people", "predicted, mean", "found nobody", "how many")


def document(history: History, found: Comparison, asked: Mapping[str, object]) -> dict[str, object]:
    """The whole comparison; `asked` are the settings that were changed."""
    outline = history.outline
    return {
        "campaign": outline.campaign,
        "begins": outline.begins.isoformat(),
        "changed_settings": dict(asked),
        "placed": found.placed,
        "as_set": found.as_set,
        "changed": found.changed,
        "quarters": [asdict(quarter) for quarter in found.quarters],
        "predicted": [asdict(band) for band in found.bands],
        "note": OPEN_LOOP,
    }


def print_comparison(history: History, found: Comparison, asked: Mapping[str, object]) -> None:
    """The same for people."""
    outline = history.outline
    begins = outline.begins.astimezone(ZoneInfo(outline.zone))
    clock = {quarter: f"{begins + timedelta(seconds=quarter.begins_s):%H:%M}" for quarter in found.quarters}
    settings = ", ".join(f"{name} {value}" for name, value in asked.items()) or "the settings of that day"
    say(f"{outline.campaign}, {begins:%Y-%m-%d} ({outline.zone}), replayed with {settings}")
    say(OPEN_LOOP)
    rows = [(clock[quarter], *_cells(quarter)) for quarter in found.quarters]
    print_table("Calls by quarters of an hour", _COLUMNS, [*rows, _total(found)])
    if asked:
        _print_reasons(found.quarters, clock)
    print_table("What the day's own pace predicted, and what happened", _BANDS, [_band(band) for band in found.bands])


def _print_reasons(quarters: Sequence[Quarter], clock: Mapping[Quarter, str]) -> None:
    """Where the two differ most."""
    by_difference = sorted(quarters, key=lambda quarter: -abs(quarter.changed.ordered - quarter.as_set.ordered))
    shown = sorted(by_difference[:MOST_SHOWN], key=lambda quarter: quarter.begins_s)
    rows = [
        (clock[quarter], paced.ordered, f"{paced.reason_share:.0%}", paced.reason)
        for quarter in shown
        for paced in (quarter.as_set, quarter.changed)
        if quarter.differ > 0
    ]
    print_table("Where they differ most: as set, then changed", ("from", "calls", "of the time", "because"), rows)


def _cells(quarter: Quarter) -> tuple[object, ...]:
    return (
        f"{quarter.present:.1f}",
        f"{quarter.ready:.1f}",
        quarter.live,
        quarter.abandoned,
        quarter.placed,
        quarter.as_set.ordered,
        quarter.changed.ordered,
        f"{quarter.differ:.0%}",
    )


def _total(found: Comparison) -> tuple[object, ...]:
    live, abandoned = (sum(getattr(quarter, name) for quarter in found.quarters) for name in ("live", "abandoned"))
    return "all", "", "", live, abandoned, found.placed, found.as_set, found.changed, ""


def _band(band: Band) -> tuple[object, ...]:
    happened = f"{band.abandoned / band.people:.2%}"
    return f"up to {band.most:.0%}", band.people, f"{band.predicted:.2%}", happened, band.abandoned
