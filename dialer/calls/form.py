"""Is a collector's wrap-up complete and well-typed by the campaign's disposition form? Pure."""

from collections.abc import Mapping
from datetime import date, datetime
from decimal import Decimal

from dialer.errors import InputError
from dialer.model.campaign import DispositionCode, DispositionForm, FormField, FormFieldKind
from dialer.model.outcome import FormValue, WrapUp

MAX_TEXT = 2000
"""Characters of a text field or note."""
MAX_AMOUNT = Decimal(10) ** 12


class FormError(InputError):
    """The form is not complete; `problems` says for each field what is wrong."""

    def __init__(self, problems: Mapping[str, str]) -> None:
        super().__init__("; ".join(f"{name}: {problem}" for name, problem in problems.items()))
        self.problems = dict(problems)


def check_wrap_up(form: DispositionForm, wrap_up: WrapUp, now: datetime) -> DispositionCode:
    """The disposition code the collector chose. Raises FormError naming every field that is wrong."""
    code = next((known for known in form.codes if known.code == wrap_up.code), None)
    if code is None:
        known_codes = ", ".join(known.code for known in form.codes)
        raise FormError({"code": f"{wrap_up.code!r} is not in this campaign's form; known: {known_codes}"})
    problems = _field_problems(form, wrap_up) | _callback_problems(code, wrap_up.callback_at, now)
    if len(wrap_up.note) > MAX_TEXT:
        problems["note"] = f"longer than {MAX_TEXT} characters"
    if problems:
        raise FormError(problems)
    return code


def _field_problems(form: DispositionForm, wrap_up: WrapUp) -> dict[str, str]:
    known = {field.name: field for field in form.fields}
    problems = {name: "no such field in this form" for name in wrap_up.values if name not in known}
    for field in form.fields:
        problem = _problem_of(field, wrap_up.values.get(field.name), wrap_up.code)
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


def _callback_problems(code: DispositionCode, callback_at: datetime | None, now: datetime) -> dict[str, str]:
    if callback_at is None:
        return {"callback_at": f"needed for {code.code}"} if code.callback else {}
    if callback_at.tzinfo is None:
        return {"callback_at": "needs a UTC offset"}
    return {} if callback_at > now else {"callback_at": "must be in the future"}
