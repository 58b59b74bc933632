"""A folder of labelled clips over live calls to SIPp, beside what the detectors make of the files.

`python -m tests.support.heard_table FOLDER [--loss 0.03 --jitter-ms 40] [--at-once 10]`: the folder has a
`manifest.csv` (file, label, phase). Prints each clip whose live verdict is not that of its file, and how long packets
took to the detectors.
"""

import asyncio
import tempfile
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated

import numpy as np
import typer
from rich.console import Console
from rich.table import Table

from dialer.calls.signals import ListenTarget
from dialer.config import MediaConfig, SipConfig
from dialer.media.engine import MediaEngine
from dialer.progress.verdict import Verdict
from dialer.sip.endpoint import SipEndpoint
from tests.support.heard_calls import Heard, hear_clips
from tests.support.heard_clips import Clip, clips_of, verdict_of
from tests.support.rtp_hop import Weather
from tests.support.sip_peers import HOST

PORTS = (24_400, 24_999)


def main(
    folder: Path,
    loss: Annotated[float, typer.Option(help="The share of packets lost.")] = 0.0,
    jitter_ms: Annotated[float, typer.Option(help="Each packet is late by anything up to this.")] = 0.0,
    at_once: Annotated[int, typer.Option(help="Calls at a time.")] = 10,
) -> None:
    """Calls every clip once and prints what differs."""
    clips = clips_of(folder)
    calls = asyncio.run(_call_all(clips, Weather(loss, jitter_ms), at_once))
    report(clips, calls, {clip.name: verdict_of(clip.frames(), clip.early) for clip in clips}, Console(width=150))


async def _call_all(clips: Sequence[Clip], weather: Weather, at_once: int) -> dict[str, Heard]:
    with tempfile.TemporaryDirectory() as scratch:
        config = MediaConfig(port_min=PORTS[0], port_max=PORTS[1], workers=1)
        async with (
            SipEndpoint(SipConfig(host=HOST, port=0), is_trunk=lambda peer: peer.host == HOST) as endpoint,
            MediaEngine(config, Path(scratch)) as media,
        ):
            return await hear_clips(endpoint, media, clips, Path(scratch), weather, at_once)


def report(
    clips: Sequence[Clip], calls: Mapping[str, Heard], offline: Mapping[str, Verdict | None], console: Console
) -> None:
    """What differs, clip by clip, then the sums."""
    table = Table("clip", "is", "offline", "live", "offline ms", "live ms", "lost", "disturbed", title="other labels")
    sums: Counter[str] = Counter()
    later_ms = []
    for clip in clips:
        heard, of_file = calls[clip.name], offline[clip.name]
        live, frames = heard.verdict(clip), _frames(clip, heard)
        sums["clips"] += 1
        sums["same frames, same answer"] += live == verdict_of(frames, clip.early)
        sums["no hole"] += heard.has_no_hole
        sums["disturbed"] += heard.was_disturbed
        sums["same label as the file"] += _label(live) == _label(of_file)
        if _label(live) != _label(of_file):
            row = (clip.label, _label(of_file), _label(live), _ms(of_file), _ms(live), heard.n_lost)
            table.add_row(clip.name, *map(str, row), "yes" if heard.was_disturbed else "")
        elif live is not None and of_file is not None:
            later_ms.append(live.decided_ms - 20 * _lead(frames) - of_file.decided_ms)
    console.print(table)
    for words, count in sums.items():
        console.print(f"{words}: {count}")
    _print_times(later_ms, [delay for heard in calls.values() for delay in _delays_ms(heard)], console)


def _print_times(later_ms: Sequence[int], delays_ms: Sequence[float], console: Console) -> None:
    within = np.mean(np.abs(later_ms) <= 60)
    low, high = np.percentile(later_ms, (5, 95))
    console.print(
        f"decided later than offline: 5th to 95th percentile {low:.0f} to {high:.0f} ms, {within:.1%} within 60 ms"
    )
    if delays_ms:
        p50, p90, p99 = np.percentile(delays_ms, (50, 90, 99))
        console.print(f"packet to detector: median {p50:.1f} ms, 90th {p90:.1f} ms, 99th percentile {p99:.1f} ms")


def _frames(clip: Clip, heard: Heard) -> list[bytes]:
    return heard.frames(ListenTarget.EARLY_MEDIA if clip.early else ListenTarget.GREETING)


def _lead(frames: Sequence[bytes]) -> int:
    return next((index for index, frame in enumerate(frames) if any(frame)), 0)


def _delays_ms(heard: Heard) -> list[float]:
    """From each packet's arrival before the leg to its frame's arrival at the detector; nothing was lost."""
    blocks = heard.all_blocks()
    if heard.n_lost or not blocks:
        return []
    begin = _lead([block.pcm for block in blocks])
    return [1000 * (b.heard_at - at) for b, at in zip(blocks[begin:], heard.arrivals, strict=False)]


def _label(verdict: Verdict | None) -> str:
    return verdict.label.value if verdict else "none"


def _ms(verdict: Verdict | None) -> str:
    return str(verdict.decided_ms) if verdict else ""


if __name__ == "__main__":
    typer.run(main)
