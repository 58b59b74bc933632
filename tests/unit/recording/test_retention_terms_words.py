"""How long recordings are kept, in words."""

import pytest

from recording.retention import Period, Terms
from recording.retention_words import tell_period, tell_terms


@pytest.mark.parametrize(
    ("period", "en", "zh"),
    [
        (Period(), "0 days", "0天"),
        (Period(days=1), "1 day", "1天"),
        (Period(years=1), "1 year", "1年"),
        (Period(5, 90), "5 years and 90 days", "5年90天"),
    ],
)
def test_a_period_is_told_by_its_parts(period: Period, en: str, zh: str) -> None:
    assert (tell_period(period, "en"), tell_period(period, "zh")) == (en, zh)


@pytest.mark.parametrize(
    ("terms", "en", "zh"),
    [
        (Terms("a", "UTC"), "it asks for nothing", "无要求"),
        (Terms("a", "UTC", law_min=Period(2)), "kept for at least 2 years by law", "依法至少保存2年"),
        (
            Terms("a", "UTC", Period(2), Period(5), Period(5, 90)),
            "kept for at least 2 years by law; the house keeps them for 5 years; gone after 5 years and 90 days",
            "依法至少保存2年；本机构保存5年；满5年90天后应已删除",
        ),
    ],
)
def test_terms_are_told_in_the_order_in_which_they_bind(terms: Terms, en: str, zh: str) -> None:
    assert (tell_terms(terms, "en"), tell_terms(terms, "zh")) == (en, zh)
