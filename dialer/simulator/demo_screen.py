"""The demo's table: what each campaign does and why, and what the case system has heard. In two languages."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

CALL_STAGES = {"dialing": "振铃 ring", "detecting": "识别 listen", "waiting": "等待 wait", "connected": "通话 talk"}


@dataclass(slots=True)
class Scene:
    """What is known at one moment of the demo."""

    elapsed_s: float
    campaigns: Sequence[Mapping[str, Any]] = ()
    dispositions: Counter[str] = field(default_factory=Counter)
    wrap_ups: Counter[str] = field(default_factory=Counter)
    recordings: int = 0
    first_talk_s: float | None = None


def render(scene: Scene) -> RenderableType:
    """The whole screen."""
    first = "…" if scene.first_talk_s is None else f"{scene.first_talk_s:.0f} s"
    head = Text(f"演示 demo · {scene.elapsed_s:.0f} s · 首次接通 first bridged call: {first}", style="bold")
    paces = [Text(f"{status['name']}: {status['limiting']}", style="dim") for status in scene.campaigns]
    return Group(head, _campaigns(scene.campaigns), Text("节奏 what sets the pace now"), *paces, _heard(scene))


def _campaigns(campaigns: Sequence[Mapping[str, Any]]) -> Table:
    table = Table(expand=True, title="外呼活动 campaigns", title_justify="left")
    table.add_column("活动 campaign", no_wrap=True)
    table.add_column("待拨/完成\nto dial/done", justify="right", no_wrap=True)
    table.add_column("线上呼叫\ncalls up", ratio=2)
    table.add_column("坐席\ncollectors", ratio=2)
    table.add_column("放弃/接通\nabandoned/live", justify="right", no_wrap=True)
    for status in campaigns:
        entries, calls = status["entries"], status["calls"]
        done = entries["done"] + entries["exhausted"] + entries["stopped"]
        table.add_row(
            f"{status['name']}\n{status['state']}",
            f"{entries['waiting'] + entries['leased']}/{done}",
            " · ".join(f"{title} {calls[stage]}" for stage, title in CALL_STAGES.items() if calls.get(stage)) or "–",
            " · ".join(f"{state} {count}" for state, count in sorted(status["agents"].items())) or "–",
            f"{status['abandoned']}/{status['live']}",
        )
    return table


def _heard(scene: Scene) -> Table:
    table = Table(expand=True, title="案件系统已收到 what the case system has heard", title_justify="left")
    table.add_column("通话结果 dispositions", ratio=2)
    table.add_column("坐席记录 wrap-ups", ratio=1)
    table.add_column("录音 recordings", justify="right")
    table.add_row(_counts(scene.dispositions), _counts(scene.wrap_ups), str(scene.recordings))
    return table


def _counts(counts: Counter[str]) -> str:
    return "  ".join(f"{name} {count}" for name, count in counts.most_common()) or "–"
