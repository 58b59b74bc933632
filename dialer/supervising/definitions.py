"""What every figure means: what it counts, or what is divided by what. Pure; shares are computed by these very lines.

Who changes what a figure means raises VERSION: figures of two versions are not to be compared.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum

from dialer.model.figures import SUMS, Contacts, Tally
from dialer.words.bilingual import Bilingual

VERSION = 1
DIGITS = 4
"""Of a ratio after the point."""


class Unit(str, Enum):
    """What a figure is in; a share is 0 to 1."""

    COUNT = "count"
    SHARE = "share"
    SECONDS = "seconds"


@dataclass(frozen=True, slots=True)
class Definition:
    """A figure: a count with what it counts, or `numerator` / `denominator`, keys of other figures."""

    key: str
    name: Bilingual
    means: Bilingual
    unit: Unit = Unit.COUNT
    numerator: str = ""
    denominator: str = ""


def _count(key: str, en: str, zh: str, means_en: str, means_zh: str) -> Definition:
    return Definition(key, Bilingual(en, zh), Bilingual(means_en, means_zh))


def _seconds(key: str, en: str, zh: str, means_en: str, means_zh: str) -> Definition:
    return Definition(key, Bilingual(en, zh), Bilingual(means_en, means_zh), Unit.SECONDS)


_COUNTS = (
    _count(
        "dials",
        "Dials",
        "外呼数",
        "Attempts for which an INVITE left, in the hour they were placed; one that was never sent is not counted.",
        "已发出 INVITE 的呼叫，计入拨出的那个小时；未发出的不计。",
    ),
    _count("answered", "Answered", "应答数", "Calls somebody or something picked up.", "被人或设备接起的呼叫。"),
    _count(
        "live",
        "People",
        "真人接听数",
        "Calls a person answered: talked with a collector, was reminded, or was abandoned. A talk the collector says "
        "was with nobody is left out.",
        "由真人接听的呼叫：与催收员通话、听到提醒、或被放弃。催收员标记为无人对话的不计。",
    ),
    _count(
        "abandoned",
        "Abandoned",
        "放弃数",
        "People for whom no collector was there in time, or who hung up while they waited for one.",
        "真人接听后未能及时接上催收员，或等待时挂断的呼叫。",
    ),
    _count(
        "machines",
        "Machines",
        "语音信箱数",
        "Answered calls taken for an answering machine.",
        "被判定为语音信箱或应答设备的呼叫。",
    ),
    _count("connected", "Talks", "通话数", "Calls a collector was connected to.", "接通到催收员的呼叫。"),
    _count(
        "right_party",
        "Right party",
        "本人接通数",
        "Talks whose wrap-up says that the identity was verified.",
        "话后小结确认身份为本人的通话。",
    ),
    _count(
        "promises",
        "Promises",
        "承诺还款数",
        "Talks whose code is a promise to pay: marked so in the form, or asking for an amount and a date.",
        "话后小结为承诺还款的通话：表单标记为承诺，或须填金额和日期的代码。",
    ),
    _count(
        "contacts_tried", "Contacts called", "已呼客户数", "Different contacts that were called.", "呼叫过的不同客户。"
    ),
    _count(
        "contacts_reached",
        "Contacts reached",
        "接通客户数",
        "Different contacts of whom a person answered.",
        "有真人接听的不同客户。",
    ),
)
_TIMES = (
    _seconds("talk_s", "Talk time", "通话时长", "From the collector to the call's end.", "从接通催收员到通话结束。"),
    _seconds("wrap_s", "Wrap-up time", "话后时长", "From a talk to the next state.", "从通话结束到下一状态。"),
    _seconds("handled_s", "Handling time", "处理时长", "Talk and wrap-up time together.", "通话与话后时长之和。"),
    _seconds(
        "busy_s",
        "Busy time",
        "工作时长",
        "Collectors reserved, in a preview, talking or in wrap-up.",
        "催收员处于预留、预览、通话或话后状态的时长。",
    ),
    _seconds(
        "at_work_s",
        "Time at work",
        "在岗时长",
        "Busy and ready time: logged in, without breaks, training and other work.",
        "工作与就绪时长：已登录，不含小休、培训及其他工作。",
    ),
    _seconds(
        "wait_median_s",
        "Wait, half",
        "等待中位数",
        "What half of the people waited at most, from the end of their greeting to a collector.",
        "半数接听者从问候语结束到接上催收员的等待不超过此值。",
    ),
    _seconds(
        "wait_p90_s",
        "Wait, nine of ten",
        "等待九成值",
        "What nine of ten people waited at most.",
        "九成接听者的等待不超过此值。",
    ),
)


def _ratio(
    key: str,
    en: str,
    zh: str,
    numerator: str,
    denominator: str,
    unit: Unit = Unit.SHARE,
    means: Bilingual | None = None,
) -> Definition:
    return Definition(key, Bilingual(en, zh), means or Bilingual("", ""), unit, numerator, denominator)


_RATIOS = (
    _ratio("answer_rate", "Connect rate", "应答率", "answered", "dials"),
    _ratio("live_rate", "Live rate", "真人接听率", "live", "dials"),
    _ratio("contact_rate", "Contact rate", "客户接通率", "contacts_reached", "contacts_tried"),
    _ratio("right_party_rate", "RPC rate", "本人接通率", "right_party", "live"),
    _ratio("promise_rate", "PTP rate", "承诺率", "promises", "right_party"),
    _ratio(
        "abandoned_share",
        "Abandoned",
        "放弃率",
        "abandoned",
        "live",
        means=Bilingual(
            "Of this day, as it is on record. The budget beside it is over the law's own period and holds the people "
            "thought to have been taken for machines.",
            "当日记录值。旁边的额度按法规周期计算，并包含可能被误判为语音信箱的真人。",
        ),
    ),
    _ratio("machine_share", "Machines", "语音信箱占比", "machines", "answered"),
    _ratio("mean_talk_s", "Talk, mean", "平均通话时长", "talk_s", "connected", Unit.SECONDS),
    _ratio("handle_s", "AHT", "平均处理时长", "handled_s", "connected", Unit.SECONDS),
    _ratio("occupancy", "Occupancy", "占用率", "busy_s", "at_work_s"),
)

DEFINITIONS: tuple[Definition, ...] = (*_COUNTS, *_TIMES, *_RATIOS)


def figures_of(tally: Tally) -> dict[str, float | None]:
    """Counts, times and every ratio of a tally; None where nothing is to be divided by."""
    counts = {name: getattr(tally, name) for name in SUMS}
    times = {
        "handled_s": tally.talk_s + tally.wrap_s,
        "wait_median_s": tally.wait_s(0.5),
        "wait_p90_s": tally.wait_s(0.9),
    }
    return with_ratios(counts | times)


def contact_figures(contacts: Contacts) -> dict[str, float | None]:
    """Different contacts, and the share of them that was reached."""
    return with_ratios({"contacts_tried": contacts.tried, "contacts_reached": contacts.reached})


def with_ratios(counted: Mapping[str, float | None]) -> dict[str, float | None]:
    """The figures with every ratio that can be made of them."""
    found = dict(counted)
    for ratio in _RATIOS:
        if ratio.numerator in counted and ratio.denominator in counted:
            found[ratio.key] = _divided(counted[ratio.numerator], counted[ratio.denominator])
    return found


def _divided(numerator: float | None, denominator: float | None) -> float | None:
    return round(numerator / denominator, DIGITS) if numerator is not None and denominator else None
