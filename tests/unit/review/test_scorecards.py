"""Scorecards: every mistake in words, what answers come to by hand, and the form that is shipped."""

from dataclasses import replace

import pytest

from recording.review.ready_made import NAMES, ready_made
from recording.review.scorecard import Condition, FatalEffect, Option, Scorecard, Section, Words, decode, digest, encode
from recording.review.scorecard_checks import mistakes_of
from recording.review.scoring import asked, problems_of, score
from tests.support.scorecards import CHOICE, GOOD, SCALE, SMALL, TEXT, card, options, question

MISTAKES = [
    (card(), "the form asks nothing"),
    (card(), "section 1 has no questions"),
    (card(question("a"), title=Words()), "the form has no title"),
    (card(question("a"), pass_mark=101), "pass_mark must lie between 0 and 100"),
    (card(question("a"), dispute_days=0), "dispute_days must lie between 1 and 90"),
    (card(question("a", weight=0)), "no question has a weight"),
    (card(question("a", TEXT)), "no question has a weight"),
    (card(question("a"), question("a")), "question a: 2 questions have this key"),
    (card(*(question(f"q{n}") for n in range(101))), "101 questions; 100 at most"),
    (card(question("A-1")), "question A-1: the key must be a small letter"),
    (card(question("a", words=Words())), "question a: has no text"),
    (card(question("a", weight=-1)), "the weight must lie between 0 and 1000"),
    (card(question("a", good="maybe")), "`good` must be yes or no"),
    (card(question("a", SCALE, lowest=5, highest=5)), "the scale must have between 1 and 100 steps"),
    (card(question("a", CHOICE, options=options(only=100))), "a choice needs two options at least"),
    (card(question("a", CHOICE, options=options(x=100) * 2)), "two options have the same key"),
    (card(question("a", CHOICE, options=options(x=50, y=0))), "full marks could not be reached"),
    (card(question("a", CHOICE, options=options(X=100, y=0))), "the key of option 'X' must be a small letter"),
    (card(question("a", CHOICE, options=(Option("x", Words(), 100), *options(y=0)))), "option x has no text"),
    (card(question("a", CHOICE, options=options(x=100, y=101))), "points of option y must lie between"),
    (card(question("a", fatal=("perhaps",))), "is fatal for perhaps, which is none of its answers"),
    (card(question("a", fatal=("yes", "no"))), "every answer is fatal"),
    (card(question("a", asked_if=Condition("b", ("yes",)))), "depending on b, which is no question of this form"),
    (card(question("t", TEXT), question("a", asked_if=Condition("t", ("x",)))), "whose answer is a text"),
    (card(question("b"), question("a", asked_if=Condition("b", ()))), "it would never be asked"),
    (card(question("b"), question("a", asked_if=Condition("b", ("5",)))), "is asked if b is 5"),
    (
        card(question("a", asked_if=Condition("b", ("yes",))), question("b", asked_if=Condition("a", ("yes",)))),
        "the questions a, b wait for each other",
    ),
    (card(question("a", asked_if=Condition("a", ("yes",)))), "the questions a wait for each other"),
]


@pytest.mark.parametrize(("form", "said"), MISTAKES, ids=[said for _, said in MISTAKES])
def test_a_mistake_is_said_in_words(form: Scorecard, said: str) -> None:
    assert any(said in mistake for mistake in mistakes_of(form)), mistakes_of(form)


def test_all_mistakes_are_said_at_once() -> None:
    form = card(
        sections=(
            Section(Words(), (question("a", weight=-1, words=Words()), question("b", good="x"))),
            Section(Words("B"), ()),
        ),
    )
    assert mistakes_of(form) == [
        "section 1 has no heading",
        "section 2 has no questions",
        "question a: has no text",
        "question a: the weight must lie between 0 and 1000",
        "question b: `good` must be yes or no",
    ]
    assert mistakes_of(SMALL) == []


@pytest.mark.parametrize("name", NAMES)
def test_a_ready_made_form_is_whole_in_both_languages(name: str) -> None:
    form = ready_made(name)
    assert mistakes_of(form) == []
    texts = [form.title, form.note, *(section.words for section in form.sections)]
    for one in form.questions:
        texts += [one.words, *(option.words for option in one.options), *([one.help] if one.help.en else [])]
    assert all(words.en and words.zh for words in texts)
    assert 8 <= len([one for one in form.questions if one.kind is not TEXT]) <= 15
    with pytest.raises(KeyError):
        ready_made("none")


def test_a_threat_makes_a_perfect_call_nothing() -> None:
    form = ready_made("bank-card-collection")
    best = {one.key: "yes" for one in form.questions if one.kind is not TEXT}
    best |= {"posing": "no", "who": "cardholder", "disclosure": "no", "third_party_conduct": "right", "threats": "no"}
    best |= {"facts": "right", "tone": "5", "promise": "right"}
    assert problems_of(form, best, whole=True) == []
    good, bad = score(form, best), score(form, best | {"threats": "yes"})
    assert (good.basis_points, good.passed, good.fatal) == (10_000, True, ())
    assert (bad.basis_points, bad.passed, bad.fatal) == (0, False, ("threats",))


def test_the_content_has_one_encoding_and_a_digest() -> None:
    assert decode(encode(SMALL)) == SMALL
    assert digest(SMALL) == digest(decode(encode(SMALL))) != digest(replace(SMALL, pass_mark=81))
    assert Words("a", "").say("zh") == Words("a", "b").say("en") == "a"


def test_a_score_by_hand() -> None:
    # identity 3 of 3, tone 3/4 of 2, facts 1/2 of 5: 7 of 10
    counted = score(SMALL, GOOD | {"tone": "4", "facts": "partial"})
    assert (counted.basis_points, counted.passed, counted.sections) == (7000, False, (7000,))
    assert {one.key: one.share_bp for one in counted.questions} == {
        "who": 10_000,
        "identity": 10_000,
        "tone": 7500,
        "facts": 5000,
        "threats": 10_000,
        "objection": None,
    }
    # of somebody else nobody asks for the identity: the answer left from before does not count
    assert score(SMALL, GOOD | {"who": "other", "identity": "no"}).basis_points == 10_000


def test_rounding_is_half_up_and_what_is_seen_decides() -> None:
    form = card(question("a", weight=2), question("b", weight=1), pass_mark=67)
    assert score(form, {"a": "yes", "b": "no"}).basis_points == 6667
    assert score(form, {"a": "yes", "b": "no"}).passed is False
    half = card(question("a", CHOICE, options=options(x=100, y=1), weight=1), question("b", weight=199))
    assert score(half, {"a": "y", "b": "no"}).basis_points == 1  # 0.5 of a basis point


def test_fatal_wins_over_everything() -> None:
    zero = score(SMALL, GOOD | {"threats": "yes", "objection": "no"})
    assert (zero.basis_points, zero.passed, zero.fatal) == (0, False, ("threats", "objection"))
    failed = score(SMALL, GOOD | {"objection": "no"})
    assert (failed.basis_points, failed.passed, failed.fatal) == (10_000, False, ("objection",))
    only = card(question("a", weight=0, fatal=("no",), fatal_effect=FatalEffect.FAILED), question("b", TEXT, weight=0))
    assert score(only, {"a": "no", "b": "x"}).passed is False


def test_where_nothing_applies_there_is_no_score() -> None:
    form = card(question("a", may_not_apply=True))
    assert (score(form, {"a": None}).basis_points, score(form, {"a": None}).passed) == (None, None)
    assert score(form, {}).basis_points is None


def test_wrong_answers_are_named() -> None:
    wrong = {"who": "nobody", "identity": None, "tone": "6", "none": "yes"}
    assert problems_of(SMALL, wrong, whole=True) == [
        "who: is none of its answers; choose one of: debtor, other",
        "identity: must apply; answer it",
        "tone: is none of its answers; choose one of: 1, 2, 3, 4, 5",
        "none: is no question of this form",
        "facts: is not answered",
        "objection: is not answered",
        "threats: is not answered",
    ]
    assert problems_of(SMALL, {"tone": "3"}, whole=False) == []
    assert problems_of(SMALL, GOOD, whole=True) == []


def test_a_condition_on_what_is_not_asked_is_not_met() -> None:
    form = card(
        question("a"),
        question("b", asked_if=Condition("a", ("yes",))),
        question("c", asked_if=Condition("b", ("yes",))),
    )
    assert asked(form, {"a": "no", "b": "yes", "c": "yes"}) == {"a"}
    assert asked(form, {"a": "yes", "b": "yes"}) == {"a", "b", "c"}
    assert asked(form, {"a": "yes", "b": None}) == {"a", "b"}
