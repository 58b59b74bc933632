"""Why a recording stays or may go, in English and Chinese."""

from collections.abc import Mapping
from typing import Literal

from recording.retention import NOTHING, Period, Reason, Terms

Language = Literal["en", "zh"]

SENTENCES: Mapping[str, tuple[str, str]] = {
    "no_terms": (
        "no policy pack in force says how long recordings are kept",
        "现行规则包均未规定录音保存期限",
    ),
    "law_minimum": (
        "{rules} asks to keep it for at least {period}: before {until} it cannot be deleted",
        "{rules} 要求至少保存 {period}，{until} 之前不得删除",
    ),
    "held": (
        "legal hold {hold} on the {scope} since {since}: {why}",
        "自 {since} 起处于第 {hold} 号法律保全（{scope}）：{why}",
    ),
    "house_period": (
        "the house keeps it for {period} ({rules}), until {until}: earlier it goes only where a request names it",
        "本机构保存 {period}（{rules}），至 {until}；提前删除须在申请中逐一列明",
    ),
    "period_over": ("its time was over on {since}", "保存期已于 {since} 届满"),
    "overdue": ("it should have been gone by {since}", "应于 {since} 前删除"),
    "already_gone": ("it was deleted before", "此前已删除"),
    "not_named": ("its time is not over, and the request does not name it", "保存期未满，且申请未逐一列明"),
    "unknown": ("there is no such recording", "没有此录音"),
    "derived": ("it was made from {original} and goes with it", "由 {original} 制作，随原录音一并删除"),
}
SCOPES: Mapping[str, tuple[str, str]] = {
    "recording": ("recording", "录音"),
    "case": ("case", "案件"),
    "person": ("person", "个人"),
    "campaign": ("campaign", "活动"),
}


def say(reason: Reason, language: Language) -> str:
    """The reason as a sentence."""
    place = 0 if language == "en" else 1
    values = {name: SCOPES[value][place] if name == "scope" else value for name, value in reason.values.items()}
    return SENTENCES[reason.code][place].format_map(values)


def tell_terms(terms: Terms, language: Language) -> str:
    """How long one set of rules has recordings kept, before any recording."""
    place = 0 if language == "en" else 1
    said = (
        (terms.law_min if terms.law_min != NOTHING else None, ("kept for at least {} by law", "依法至少保存{}")),
        (terms.house if terms.house != NOTHING else None, ("the house keeps them for {}", "本机构保存{}")),
        (terms.delete_by, ("gone after {}", "满{}后应已删除")),
    )
    parts = [words[place].format(tell_period(period, language)) for period, words in said if period is not None]
    return ("; ", "；")[place].join(parts) or ("it asks for nothing", "无要求")[place]


def tell_period(period: Period, language: Language) -> str:
    """A period in words: 5 years and 90 days."""
    if language == "zh":
        years, days = f"{period.years}年" if period.years else "", f"{period.days}天" if period.days else ""
        return years + days or "0天"
    counts = [(period.years, "year"), (period.days, "day")]
    return " and ".join(f"{n} {unit}{'s' * (n != 1)}" for n, unit in counts if n) or "0 days"
