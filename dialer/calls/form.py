"""Is a collector's wrap-up complete and well-typed by the campaign's disposition form? Pure."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import ROUND_DOWN, Decimal

from dialer.errors import InputError
from dialer.model.campaign import DispositionCode, DispositionForm, FormField, FormFieldKind
from dialer.model.outcome import FormValue, WrapUp

MAX_TEXT = 2000
"""Characters of a text field or note."""
MAX_AMOUNT = Decimal(10) ** 12
CENT = Decimal("0.01")
CAMPAIGN_ENDED = "the campaign has ended and would keep no callback: choose another outcome"
NOT_CONFIRMED = "it needs the right person, and nobody has recorded that the right person was on the line"


@dataclass(frozen=True, slots=True)
class FormFacts:
    """What a wrap-up is held against beside its form: the day at the house, what the case owes (None: not known).

    `is_confirmed`: the right person is on record as having been on the line, or the campaign does not ask for it.
    `keeps_callbacks`: the campaign goes on, so that what is promised now will be dialed.
    """

    today: date
    debt: Decimal | None = None
    is_workday: Callable[[date], bool] = lambda day: True
    is_confirmed: bool = True
    keeps_callbacks: bool = True


@dataclass(frozen=True, slots=True)
class FieldLimits:
    """Between which values a field of the form must lie for this case; None: no such bound."""

    name: str
    least: Decimal | None = None
    most: Decimal | None = None
    first_day: date | None = None
    last_day: date | None = None
    workdays_only: bool = False


class FormError(InputError):
    """The form is not complete; `problems` says for each field what is wrong."""

    def __init__(self, problems: Mapping[str, str]) -> None:
        super().__init__("; ".join(f"{name}: {problem}" for name, problem in problems.items()))
        self.problems = dict(problems)


def check_wrap_up(form: DispositionForm, wrap_up: WrapUp, now: datetime, facts: FormFacts) -> DispositionCode:
    """The disposition code the collector chose. Raises FormError naming every field that is wrong."""
    code = next((known for known in form.codes if known.code == wrap_up.code), None)
    if code is None:
        known_codes = ", ".join(known.code for known in form.codes)
        raise FormError({"code": f"{wrap_up.code!r} is not in this campaign's form; known: {known_codes}"})
    problems = _field_problems(form, wrap_up, facts) | _callback_problems(code, wrap_up.callback_at, now, facts)
    if code.right_party and not facts.is_confirmed:
        problems["code"] = f"{code.code}: {NOT_CONFIRMED}"
    if len(wrap_up.note) > MAX_TEXT:
        problems["note"] = f"longer than {MAX_TEXT} characters"
    if problems:
        raise FormError(problems)
    return code


def limits_of(field: FormField, facts: FormFacts) -> FieldLimits:
    """The bounds of a field for this case on this day."""
    if field.kind is FormFieldKind.AMOUNT:
        share = None if field.most_of_debt is None else Decimal(str(field.most_of_debt))
        most = None if share is None or facts.debt is None else (facts.debt * share).quantize(CENT, ROUND_DOWN)
        return FieldLimits(field.name, None if field.least is None else Decimal(str(field.least)), most)
    if field.kind is FormFieldKind.DATE and (field.within_days is not None or field.workdays_only):
        last = None if field.within_days is None else facts.today + timedelta(days=field.within_days)
        return FieldLimits(field.name, first_day=facts.today, last_day=last, workdays_only=field.workdays_only)
    return FieldLimits(field.name)


def _field_problems(form: DispositionForm, wrap_up: WrapUp, facts: FormFacts) -> dict[str, str]:
    known = {field.name: field for field in form.fields}
    problems = {name: "no such field in this form" for name in wrap_up.values if name not in known}
    for field in form.fields:
        value = wrap_up.values.get(field.name)
        problem = _problem_of(field, value, wrap_up.code)
        if not problem and value is not None and value != "":
            # What is refused as too much tells what is owed.
            tells_debt = field.most_of_debt is not None and not facts.is_confirmed
            problem = NOT_CONFIRMED if tells_debt else _limit_problem(limits_of(field, facts), value, facts)
        if problem:
            problems[field.name] = problem
    return problems


def _problem_of(field: FormField, value: FormValue | None, code: str) -> str:
    if value is None or value == "":
        return f"needed for {code}" if code in field.required_for else ""
    match field.kind:
        case FormFieldKind.BOOLEAN:
            return "" if isinstance(value, bool) else "must be yes or no"
        case FormFieldKind.AMOUNT:
            return _amount_problem(value)
        case FormFieldKind.DATE:
            return "" if isinstance(value, date) and not isinstance(value, datetime) else "must be a date"
        case FormFieldKind.CHOICE:
            return "" if value in field.choices else f"must be one of {', '.join(field.choices)}"
        case FormFieldKind.TEXT:
            return (
                "" if isinstance(value, str) and len(value) <= MAX_TEXT else f"must be text up to {MAX_TEXT} characters"
            )


def _amount_problem(value: FormValue) -> str:
    if not isinstance(value, Decimal) or not value.is_finite():
        return "must be an amount"
    return "" if 0 <= value <= MAX_AMOUNT else f"must be between 0 and {MAX_AMOUNT}"


def _limit_problem(limits: FieldLimits, value: FormValue, facts: FormFacts) -> str:
    """Of a value of the right type."""
    if isinstance(value, Decimal):
        if limits.least is not None and value < limits.least:
            return f"must be at least {limits.least}"
        too_much = limits.most is not None and value > limits.most
        return f"must be at most {limits.most}: no more is owed, or taken" if too_much else ""
    return _day_problem(limits, value, facts) if isinstance(value, date) else ""


def _day_problem(limits: FieldLimits, day: date, facts: FormFacts) -> str:
    if limits.first_day is not None and day < limits.first_day:
        return f"must not be before {limits.first_day}"
    if limits.last_day is not None and day > limits.last_day:
        return f"must not be after {limits.last_day}"
    return "must be a workday" if limits.workdays_only and not facts.is_workday(day) else ""


def _callback_problems(
    code: DispositionCode, callback_at: datetime | None, now: datetime, facts: FormFacts
) -> dict[str, str]:
    if code.callback and not facts.keeps_callbacks:
        return {"code": f"{code.code}: {CAMPAIGN_ENDED}"}
    if callback_at is None:
        return {"callback_at": f"needed for {code.code}"} if code.callback else {}
    if callback_at.tzinfo is None:
        return {"callback_at": "needs a UTC offset"}
    return {} if callback_at > now else {"callback_at": "must be in the future"}
