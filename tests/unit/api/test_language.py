"""Which language a problem is said in, and how."""

from http import HTTPStatus

import msgspec
import pytest
from pydantic import TypeAdapter

from dialer.api.language import preferred
from dialer.api.problems import ApiError, FieldError, bad_field
from dialer.words.bilingual import Bilingual, both
from dialer.words.said import Reader, Said


@pytest.mark.parametrize(
    ("header", "language"),
    [
        ("", "en"),
        ("zh-CN", "zh"),
        ("ZH-Hans-CN;q=0.9", "zh"),
        ("en-GB,en;q=0.9,zh;q=0.8", "en"),
        ("zh;q=0.8,en;q=0.9", "en"),
        ("zh,en", "zh"),  # alike: the one named first
        ("fr,zh;q=0.5", "zh"),
        ("fr", "en"),
        ("*", "en"),
        ("zh;q=0", "en"),
        ("zh;q=often", "en"),
        (";;,=,zh;q=nan", "en"),
        ("zhx", "en"),
    ],
)
def test_the_language_is_the_callers(header: str, language: str) -> None:
    assert preferred(header) == language


def problem(error: ApiError, language: str) -> dict[str, object]:
    body = error.response("zh" if language == "zh" else "en").body
    assert isinstance(body, bytes)
    found: dict[str, object] = msgspec.json.decode(body)
    return found


def test_title_detail_and_fields_are_in_chinese() -> None:
    said = problem(bad_field("body.until", "needs a UTC offset", "write it like 2026-11-23T09:00:00+08:00"), "zh")
    assert (said["title"], said["detail"]) == ("内容有误", "须带时区偏移")
    field = {"field": "body.until", "reason": "须带时区偏移", "fix": "请写成 2026-11-23T09:00:00+08:00"}
    assert said["errors"] == [field]
    english = problem(bad_field("body.until", "needs a UTC offset"), "en")
    assert english["detail"] == "body.until: needs a UTC offset"


def test_what_has_no_chinese_stays_english_and_whole() -> None:
    error = ApiError(HTTPStatus.CONFLICT, "the moon is full", [FieldError(field="a", reason="is missing", fix="wait")])
    said = problem(error, "zh")
    assert (said["title"], said["detail"]) == ("无法执行", "the moon is full")
    assert said["errors"] == [{"field": "a", "reason": "is missing", "fix": "wait"}]


def test_a_sentence_may_bring_its_own_chinese() -> None:
    said = problem(
        bad_field("a", "Sunday is no workday", "leave it out", {"Sunday is no workday": "周日不是工作日"}), "zh"
    )
    assert (said["detail"], said["errors"]) == (
        "周日不是工作日",
        [{"field": "a", "reason": "周日不是工作日", "fix": "请去掉"}],
    )


def test_both_languages_tell_the_same_figures_or_chinese_nothing() -> None:
    spent = both("{n} of {of:.1f} spent", "已用 {n}/{of:.1f}", n=3, of=4.25)
    assert spent == Bilingual("3 of 4.2 spent", "已用 3/4.2")
    assert both("held by {why}", "受限于{why}", why=spent).zh == "受限于已用 3/4.2"
    assert both("held by {why}", "受限于{why}", why=Bilingual("the moon", "")) == Bilingual("held by the moon", "")


def test_texts_inside_answers_are_the_readers() -> None:
    adapter = TypeAdapter(tuple[Said, ...])
    texts = ("all 3 channels in use", "the moon is full")
    assert adapter.dump_python(texts, context=Reader("zh")) == ("3 个通道均已占用", "the moon is full")
    assert adapter.dump_python(texts, context=Reader("en")) == adapter.dump_python(texts) == texts
