"""What holds a campaign's pace: one word for it, and the short sentence of that word. The long one has the numbers."""

from collections.abc import Mapping
from enum import Enum


class Factor(str, Enum):
    """What limits the pace. The first ones are troubles, COLLECTORS is what a well-fed campaign says."""

    FAULT = "fault"
    NOT_RUN = "not_run"
    """It should run and cannot: a prompt is missing."""
    RECORDING = "recording"
    TRUNKS_DOWN = "trunks_down"
    REFUSED = "refused"
    """Every call would be refused alike."""
    NO_COLLECTOR = "no_collector"
    BUDGET = "budget"
    CHANNELS = "channels"
    CALLS_PER_SECOND = "calls_per_second"
    LIST_EMPTY = "list_empty"
    LIST_WAITS = "list_waits"
    LIST_SHORT = "list_short"
    COLLECTORS = "collectors"
    PREVIEW = "preview"
    LINES = "lines"
    """Reminders: the campaign's own number of lines."""
    STATE = "state"
    """Not running: a draft, paused, draining, finished."""
    STARTING = "starting"


SENTENCES: Mapping[Factor, tuple[str, str]] = {
    Factor.FAULT: ("a fault of the program", "程序故障"),
    Factor.NOT_RUN: ("it cannot run as it is set", "当前设置无法运行"),
    Factor.RECORDING: ("calls could not be recorded", "无法录音，暂停外呼"),
    Factor.TRUNKS_DOWN: ("no trunk answers", "线路均无应答"),
    Factor.REFUSED: ("every call would be refused by a rule", "所有呼叫都会被规则拒绝"),
    Factor.NO_COLLECTOR: ("no collector is available", "没有可用的催收员"),
    Factor.BUDGET: ("the abandonment budget: one call per ready collector", "放弃率额度：每位就绪催收员仅一路"),
    Factor.CHANNELS: ("the trunks' channels", "线路通道数"),
    Factor.CALLS_PER_SECOND: ("the trunks' calls per second", "线路每秒呼叫数"),
    Factor.LIST_EMPTY: ("the list is done", "名单已呼完"),
    Factor.LIST_WAITS: ("nobody may be called now, some later", "目前无可呼对象，稍后可呼"),
    Factor.LIST_SHORT: ("few on the list may be called now", "目前可呼对象不足"),
    Factor.COLLECTORS: ("as many calls as the collectors can take", "按催收员的接听能力外呼"),
    Factor.PREVIEW: ("collectors decide, call by call", "由催收员逐个决定"),
    Factor.LINES: ("the campaign's own number of lines", "活动设定的线路数"),
    Factor.STATE: ("it is not running", "未在运行"),
    Factor.STARTING: ("it is starting", "正在启动"),
}
"""In English and Chinese."""
