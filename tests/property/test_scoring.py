"""Scores of random forms and answers: within bounds, exact, and moved by nothing that must not count."""

from collections.abc import Callable
from dataclasses import replace

from hypothesis import given, settings
from hypothesis import strategies as st

from recording.review.scorecard import FatalEffect, Question, Scorecard, decode, encode
from recording.review.scorecard_checks import mistakes_of
from recording.review.scoring import FULL, asked, problems_of, score
from tests.support.scorecards import answered, cards

N = settings(max_examples=50, deadline=None)


def _changed(form: Scorecard, change: Callable[[Question], Question]) -> Scorecard:
    """Every question changed."""
    sections = (replace(one, questions=tuple(change(asks) for asks in one.questions)) for one in form.sections)
    return replace(form, sections=tuple(sections))


@N
@given(st.data(), cards())
def test_a_score_is_a_share_of_what_applies(data: st.DataObject, form: Scorecard) -> None:
    answers = data.draw(answered(form))
    assert mistakes_of(form) == []
    assert problems_of(form, answers, whole=True) == []
    assert decode(encode(form)) == form
    counted = score(form, answers)
    assert counted.basis_points is None or 0 <= counted.basis_points <= FULL
    assert all(of is None or 0 <= of <= FULL for of in counted.sections)
    applies = [one for one in counted.questions if one.share is not None and one.weight]
    if not counted.fatal:
        assert (counted.basis_points is None) == (not applies) == (counted.passed is None)
    if applies and not counted.fatal:
        shares = [one.share for one in applies if one.share is not None]
        assert counted.basis_points is not None
        assert min(shares) * FULL - 1 < counted.basis_points < max(shares) * FULL + 1


@N
@given(st.data(), cards())
def test_a_fatal_answer_decides(data: st.DataObject, form: Scorecard) -> None:
    answers = data.draw(answered(form))
    counted = score(form, answers)
    fatal = {
        one.key: one for one in form.questions if answers[one.key] in one.fatal and one.key in asked(form, answers)
    }
    assert set(counted.fatal) == set(fatal)
    if fatal:
        assert counted.passed is False
    if any(one.fatal_effect is FatalEffect.ZERO for one in fatal.values()):
        assert counted.basis_points == 0


@N
@given(st.data(), cards())
def test_what_is_not_asked_does_not_count(data: st.DataObject, form: Scorecard) -> None:
    answers, others = data.draw(answered(form)), data.draw(answered(form))
    keys = asked(form, answers)
    mixed = {key: (answers if key in keys else others)[key] for key in answers}
    assert score(form, mixed) == score(form, answers) == score(form, {key: answers[key] for key in keys})


@N
@given(st.data(), cards())
def test_what_does_not_apply_is_as_if_it_were_not_there(data: st.DataObject, form: Scorecard) -> None:
    """Of a question no other one depends on."""
    conditions = {one.asked_if.question for one in form.questions if one.asked_if}
    free = _changed(form, lambda one: replace(one, may_not_apply=True))
    answers = data.draw(answered(free))
    key = data.draw(st.sampled_from([one.key for one in form.questions if one.key not in conditions]))
    without = replace(
        free,
        sections=tuple(
            replace(section, questions=tuple(one for one in section.questions if one.key != key))
            for section in free.sections
        ),
    )
    left = {name: value for name, value in answers.items() if name != key}
    there, gone = score(free, answers | {key: None}), score(without, left)
    assert (there.basis_points, there.passed, there.fatal) == (gone.basis_points, gone.passed, gone.fatal)


@N
@given(st.data(), cards(), st.integers(1, 9))
def test_weights_have_no_unit(data: st.DataObject, form: Scorecard, factor: int) -> None:
    answers = data.draw(answered(form))
    heavier = score(_changed(form, lambda one: replace(one, weight=one.weight * factor)), answers)
    assert heavier.basis_points == score(form, answers).basis_points


@N
@given(st.data(), cards())
def test_the_order_of_questions_and_answers_does_not_matter(data: st.DataObject, form: Scorecard) -> None:
    answers = data.draw(answered(form))
    order = data.draw(st.permutations(form.questions))
    shuffled = replace(form, sections=(replace(form.sections[0], questions=tuple(order)),))
    one, other = score(form, answers), score(shuffled, dict(data.draw(st.permutations(list(answers.items())))))
    assert (one.basis_points, one.passed, set(one.fatal)) == (other.basis_points, other.passed, set(other.fatal))
    assert set(one.questions) == set(other.questions)
