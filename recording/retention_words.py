"""Why a recording stays or may go, in English and Chinese."""

from collections.abc import Mapping
from typing import Literal

from recording.retention import Reason

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
