"""What is wrong with a scorecard, all at once and in words. Pure.

A form with mistakes may be a draft, but is never frozen.
"""

import re
from collections import Counter
from collections.abc import Iterator, Mapping

from recording.review.scorecard import Condition, Question, QuestionKind, Scorecard

MAX_QUESTIONS = 100
MAX_WEIGHT = 1000
MAX_SCALE = 100
"""Steps of a scale at most."""
MAX_DAYS = 90
KEY = re.compile(r"[a-z][a-z0-9_]{0,39}")


def mistakes_of(card: Scorecard) -> list[str]:
    """Everything that is wrong with a form, in words, each naming its place; empty: it may be frozen."""
    return list(_mistakes(card))


def _mistakes(card: Scorecard) -> Iterator[str]:
    by_key = {question.key: question for question in card.questions}
    yield from _settings(card)
    yield from _outline(card)
    for question in card.questions:
        yield from (f"question {question.key}: {said}" for said in _wrong_with(question, by_key))
    for circle in _circles(by_key):
        yield f"the questions {', '.join(circle)} wait for each other: none of them would ever be asked"


def _settings(card: Scorecard) -> Iterator[str]:
    if not card.title.say("en"):
        yield "the form has no title"
    if not 0 <= card.pass_mark <= 100:
        yield "pass_mark must lie between 0 and 100 percent"
    for name in ("dispute_days", "review_days"):
        if not 1 <= getattr(card, name) <= MAX_DAYS:
            yield f"{name} must lie between 1 and {MAX_DAYS}"


def _outline(card: Scorecard) -> Iterator[str]:
    questions = card.questions
    if not questions:
        yield "the form asks nothing"
    if len(questions) > MAX_QUESTIONS:
        yield f"the form has {len(questions)} questions; {MAX_QUESTIONS} at most"
    if questions and not any(question.weight > 0 for question in questions if question.kind is not QuestionKind.TEXT):
        yield "no question has a weight: nothing would ever be scored"
    for number, section in enumerate(card.sections, 1):
        if not section.words.say("en"):
            yield f"section {number} has no heading"
        if not section.questions:
            yield f"section {number} has no questions"
    for key, times in Counter(question.key for question in questions).items():
        if times > 1:
            yield f"question {key}: {times} questions have this key"


def _wrong_with(question: Question, by_key: Mapping[str, Question]) -> Iterator[str]:
    if not KEY.fullmatch(question.key):
        yield "the key must be a small letter, then at most 39 small letters, digits and underscores"
    if not question.words.say("en"):
        yield "has no text"
    if not 0 <= question.weight <= MAX_WEIGHT:
        yield f"the weight must lie between 0 and {MAX_WEIGHT}"
    yield from _wrong_with_answers(question)
    if question.asked_if is not None:
        yield from _wrong_with_condition(question, question.asked_if, by_key)


def _wrong_with_answers(question: Question) -> Iterator[str]:
    if question.kind is QuestionKind.YES_NO and question.good not in ("yes", "no"):
        yield "`good` must be yes or no"
    if question.kind is QuestionKind.SCALE and not 1 <= question.highest - question.lowest <= MAX_SCALE:
        yield f"the scale must have between 1 and {MAX_SCALE} steps, from `lowest` up to `highest`"
        return
    if question.kind is QuestionKind.CHOICE:
        yield from _wrong_with_options(question)
    unknown = [answer for answer in question.fatal if answer not in question.answers]
    if unknown:
        yield f"is fatal for {', '.join(unknown)}, which is none of its answers"
    if question.answers and set(question.answers) <= set(question.fatal):
        yield "every answer is fatal"


def _wrong_with_options(question: Question) -> Iterator[str]:
    keys = [option.key for option in question.options]
    if len(keys) < 2:
        yield "a choice needs two options at least"
    if len(set(keys)) < len(keys):
        yield "two options have the same key"
    for option in question.options:
        if not KEY.fullmatch(option.key):
            yield f"the key of option {option.key!r} must be a small letter, then small letters, digits and underscores"
        if not option.words.say("en"):
            yield f"option {option.key} has no text"
        if not 0 <= option.points <= 100:
            yield f"the points of option {option.key} must lie between 0 and 100 percent"
    if keys and question.weight > 0 and max(option.points for option in question.options) < 100:
        yield "no option gives 100 points: full marks could not be reached"


def _wrong_with_condition(question: Question, condition: Condition, by_key: Mapping[str, Question]) -> Iterator[str]:
    other = by_key.get(condition.question)
    if other is None:
        yield f"is asked depending on {condition.question}, which is no question of this form"
    elif other.kind is QuestionKind.TEXT:
        yield f"is asked depending on {condition.question}, whose answer is a text"
    elif not condition.answers:
        yield "has a condition without answers: it would never be asked"
    elif unknown := [answer for answer in condition.answers if answer not in other.answers]:
        yield f"is asked if {condition.question} is {', '.join(unknown)}, which is none of its answers"


def _circles(by_key: Mapping[str, Question]) -> Iterator[tuple[str, ...]]:
    """Each circle of conditions once, beginning with its first key in the alphabet."""
    found: set[frozenset[str]] = set()
    for key in sorted(by_key):
        path: list[str] = []
        while key in by_key and key not in path:
            path.append(key)
            condition = by_key[key].asked_if
            key = "" if condition is None else condition.question
        if key in path:
            circle = path[path.index(key) :]
            if frozenset(circle) not in found:
                found.add(frozenset(circle))
                yield tuple(sorted(circle))
