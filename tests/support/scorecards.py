"""Scorecards and answers, small and random."""

from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy

from recording.review.scorecard import Condition, FatalEffect, Option, Question, QuestionKind, Scorecard, Section, Words

YES_NO, SCALE, CHOICE, TEXT = QuestionKind


def question(key: str, kind: QuestionKind = YES_NO, **said: object) -> Question:
    """A question that has words."""
    return Question(**{"key": key, "words": Words(key), "kind": kind} | said)  # type: ignore[arg-type]


def options(**points: int) -> tuple[Option, ...]:
    return tuple(Option(key, Words(key), share) for key, share in points.items())


def card(*questions: Question, **said: object) -> Scorecard:
    """One section with these."""
    plain = {"title": Words("Form", "表"), "sections": (Section(Words("All"), questions),)}
    return Scorecard(**plain | said)  # type: ignore[arg-type]


SMALL = card(
    question("who", CHOICE, weight=0, options=options(debtor=100, other=100)),
    question("identity", weight=3, asked_if=Condition("who", ("debtor",))),
    question("tone", SCALE, weight=2, may_not_apply=True),
    question("facts", CHOICE, weight=5, options=options(right=100, partial=50, wrong=0), may_not_apply=True),
    question("threats", weight=0, good="no", fatal=("yes",)),
    question("objection", weight=0, may_not_apply=True, fatal=("no",), fatal_effect=FatalEffect.FAILED),
    question("remarks", TEXT, weight=0),
)
GOOD: dict[str, str | None] = {
    "who": "debtor",
    "identity": "yes",
    "tone": "5",
    "facts": "right",
    "threats": "no",
    "objection": None,
}


@st.composite
def cards(draw: st.DrawFn) -> Scorecard:
    """Forms without a mistake: conditions point at earlier questions."""
    made: list[Question] = []
    for number in range(draw(st.integers(1, 7))):
        made.append(draw(_questions(f"q{number}", [one for one in made if one.answers])))
    made.append(question("last", weight=draw(st.integers(1, 9)), may_not_apply=True))
    effect = draw(st.integers(0, 100))
    cut = draw(st.integers(1, len(made)))
    sections = [Section(Words("A"), tuple(made[:cut])), Section(Words("B"), tuple(made[cut:]))]
    return Scorecard(title=Words("Form"), sections=tuple(one for one in sections if one.questions), pass_mark=effect)


@st.composite
def _questions(draw: st.DrawFn, key: str, earlier: list[Question]) -> Question:
    condition, depends = None, draw(st.booleans())
    if earlier and depends:
        other = draw(st.sampled_from(earlier))
        condition = Condition(other.key, tuple(draw(st.sets(st.sampled_from(other.answers), min_size=1))))
    made = question(
        key,
        draw(st.sampled_from(QuestionKind)),
        weight=draw(st.integers(0, 9)),
        may_not_apply=draw(st.booleans()),
        good=draw(st.sampled_from(("yes", "no"))),
        lowest=draw(st.integers(-2, 1)),
        highest=draw(st.integers(2, 6)),
        options=options(best=100, middle=draw(st.integers(0, 100)), worst=0),
        fatal_effect=draw(st.sampled_from(FatalEffect)),
        asked_if=condition,
    )
    if not made.answers or draw(st.integers(0, 3)):
        return made
    return question(key, made.kind, **{name: getattr(made, name) for name in SAID}, fatal=made.answers[-1:])


SAID = ("weight", "may_not_apply", "good", "lowest", "highest", "options", "fatal_effect", "asked_if")


@st.composite
def answered(draw: st.DrawFn, form: Scorecard) -> dict[str, str | None]:
    """An answer to everything, asked or not."""
    return {one.key: draw(_answers(one)) for one in form.questions}


def _answers(one: Question) -> SearchStrategy[str | None]:
    given: SearchStrategy[str | None] = st.sampled_from(one.answers) if one.answers else st.text(max_size=5)
    return given | st.none() if one.may_not_apply else given
