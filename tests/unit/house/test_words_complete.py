"""Every sentence with which the service refuses what people do in the pages has a Chinese form.

The modules are read, not run: what they raise, or give as a reason, is compared by what stands around its figures.
"""

import ast
from collections.abc import Iterator, Sequence
from pathlib import Path
from string import Formatter

import pytest

from dialer.words import catalogue
from dialer.words.catalogue import ALL, literals

ROOT = Path(__file__).parents[3]
RAISING = (
    "dialer/agents",
    "dialer/api",
    "dialer/calls",
    "dialer/campaigns/columns.py",
    "dialer/campaigns/lifecycle.py",
    "dialer/campaigns/list_process.py",
    "dialer/campaigns/list_reader.py",
    "dialer/campaigns/list_rows.py",
    "dialer/campaigns/phone_numbers.py",
    "dialer/campaigns/workbook.py",
    "dialer/campaigns/workbook_parts.py",
    "dialer/campaigns/loop",
    "dialer/evidence/object_check.py",
    "dialer/evidence/redacting.py",
    "dialer/evidence/row_check.py",
    "dialer/evidence/pack.py",
    "dialer/prompts/audio.py",
    "dialer/storage/accounts.py",
    "dialer/storage/campaigns.py",
    "dialer/storage/evaluation_remarks.py",
    "dialer/storage/evaluation_rows.py",
    "dialer/storage/evaluation_steps.py",
    "dialer/storage/holds.py",
    "dialer/storage/lists.py",
    "dialer/storage/qa_figures.py",
    "dialer/storage/qa_work.py",
    "dialer/storage/round_opening.py",
    "dialer/storage/scorecards.py",
    "dialer/storage/scoring_rounds.py",
    "dialer/storage/wrap_ups.py",
    "dialer/supervising",
    "recording/faults.py",
    "recording/ledger_check.py",
)
SAYING = (
    "dialer/calls/form.py",
    "recording/review/evaluation_state.py",
    "recording/review/scorecard_checks.py",
    "recording/review/scoring.py",
)
"""Modules whose functions return or yield what is wrong."""
NOT_IN_PAGES = frozenset(
    {
        "dialer/api/client.py",  # the commands' own words
        "dialer/api/history_lines.py",
        "dialer/api/oidc.py",  # the log-in page has a word for each kind of refusal
        "dialer/api/oidc_accounts.py",
        "dialer/api/oidc_tokens.py",
        "dialer/api/routes/oidc.py",
    }
)
FAULTS = frozenset(
    {
        *("ConfigError", "LocalProtocolError", "LookupError", "MediaError", "RemoteProtocolError", "RuntimeError"),
        *("SchemaVersionError", "StorageError", "TransientStorageError", "TypeError", "AssertionError", "IndexError"),
        *("FieldError", "AnswersError", "FormError", "ValidationError", "PydanticCustomError"),
    }
)
"""What is ours and not the caller's, or holds sentences made elsewhere."""
PLACES = {"ApiError": (1,), "bad_field": (1, 2), "conflict": (0,), "Refusal": (2,), "NotPlaced": (0,)}
FAULT_PLACES = {"Fault": (2,), "add": (2,), "Advice": (0, 1)}
"""The same where faults of the ledger are told."""
"""Which arguments are sentences; of every other error it is the first."""

Shape = tuple[str, ...]
SPELLED_OUT: frozenset[Shape] = frozenset(
    {
        ("is not ", ""),
        ("write ", ""),
        ("the case is ", ": no calls"),
        ("no headset is connected in the browser, and ", ""),
        ("there is no such ", ""),
    }
)
"""Where few things may stand in a place, the catalogue has each sentence."""


def shape(node: ast.expr) -> Shape | None:
    """What a text spells out around its figures; None: it is no text."""
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        return (node.value,)
    if not isinstance(node, ast.JoinedStr):
        return None
    found = [""]
    for part in node.values:
        if isinstance(part, ast.Constant):
            found[-1] += str(part.value)
        else:
            found.append("")
    return tuple(found)


def texts(node: ast.expr, named: dict[str, list[ast.expr]], prefix: str = "") -> Iterator[Shape]:
    """The texts an expression may be; what is made elsewhere is none."""
    if isinstance(node, ast.IfExp):
        yield from (*texts(node.body, named, prefix), *texts(node.orelse, named, prefix))
    elif isinstance(node, ast.Name):
        for value in named.get(node.id, ()):
            yield from texts(value, {}, prefix)
    elif (found := shape(node)) is not None and any(any(map(str.isalpha, part)) for part in found):
        yield (prefix + found[0], *found[1:])


def raised(tree: ast.Module) -> Iterator[tuple[int, Shape]]:
    """Line and text of every refusal."""
    named: dict[str, list[ast.expr]] = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name):
            named.setdefault(node.targets[0].id, []).append(node.value)
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name | ast.Attribute):
            name = node.func.id if isinstance(node.func, ast.Name) else node.func.attr
            for argument in sentences(name, node):
                prefix = "there is no such " if name == "not_found" else ""
                yield from ((node.lineno, text) for text in texts(argument, named, prefix))


def sentences(name: str, call: ast.Call) -> list[ast.expr]:
    if name in FAULT_PLACES and _is_of_trouble(call, name):
        return [argument for place, argument in enumerate(call.args) if place in FAULT_PLACES[name]]
    if name in FAULTS or not (name in PLACES or name == "not_found" or name.endswith("Error")):
        return []
    places = PLACES.get(name, (0,))
    keywords = [one.value for one in call.keywords if one.arg in ("detail", "reason", "fix")]
    return [argument for place, argument in enumerate(call.args) if place in places] + keywords


def _is_of_trouble(call: ast.Call, name: str) -> bool:
    return name == "Advice" or (bool(call.args) and ast.unparse(call.args[0]).startswith("Trouble."))


def said(tree: ast.Module) -> Iterator[tuple[int, Shape]]:
    """Line and text of whatever a module's functions return, yield or keep by name, where it is a sentence."""
    for node in ast.walk(tree):
        values: Sequence[ast.expr | None] = ()
        if isinstance(node, ast.Return | ast.Yield):
            values = (node.value,)
        elif isinstance(node, ast.Dict):
            values = node.values
        elif isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Subscript):
            values = (node.value,)
        for value in values:
            if value is not None:
                found = texts(value, {})
                yield from ((value.lineno, text) for text in found if any(" " in part for part in text))


def files(places: Sequence[str]) -> list[str]:
    found = [
        path for place in places for path in ([ROOT / place] if place.endswith(".py") else (ROOT / place).rglob("*.py"))
    ]
    return sorted({str(path.relative_to(ROOT)) for path in found} - NOT_IN_PAGES)


KNOWN = {literals(english) for english in ALL} | SPELLED_OUT


def untold(file: str) -> list[str]:
    tree = ast.parse((ROOT / file).read_text(encoding="utf-8"))
    spoken = list(raised(tree)) + (list(said(tree)) if file in SAYING else [])
    return [f"{file}:{line}: {'{}'.join(text)}" for line, text in spoken if not {text, pathless(text)} & KNOWN]


def pathless(text: Shape) -> Shape:
    """Without the file's name in front, which those who answer with it take away."""
    return (text[1].removeprefix(": "), *text[2:]) if len(text) > 1 and text[0] == "" else text


@pytest.mark.parametrize("file", sorted({*files(RAISING), *SAYING}))
def test_every_refusal_has_chinese(file: str) -> None:
    assert untold(file) == []


def test_the_chinese_uses_the_english_places() -> None:
    for english, chinese in ALL.items():
        have, want = ({name for _, name, *_ in Formatter().parse(text) if name} for text in (english, chinese))
        assert want <= have, english


def test_no_two_templates_say_the_same() -> None:
    """But for words before words, and a name before words."""
    assert len(ALL) - len({literals(english) for english in ALL}) == 1


@pytest.mark.parametrize(
    ("english", "chinese"),
    [
        ("cannot log out while talking", "当前“通话中”，不能签出"),
        ("cannot start: the campaign is a draft: check it, then start it", "无法启动：活动仍为草稿，请先检查再启动"),
        ("draining: stopped by Bo", "收尾中：由 Bo 停止"),
        ("main: all 3 channels in use; b: down", "main：3 个通道均已占用；b：无应答"),
        # The node's name is no sentence, however much a place could take.
        (
            "3 of 7 waiting entries may be called now, but no collector is logged in for the campaign on n1, and trunk "
            "group 'a' has no trunk",
            "7 条待呼条目中有 3 条现在可呼，但n1 上没有催收员签入此活动，且线路组 'a' 中没有线路",
        ),
        ("no new calls: the moon is full", ""),  # never a mixture
        ("cannot be played: nobody knows", ""),
        ("x" * 5000, ""),
    ],
)
def test_a_sentence_is_said_whole_or_not_at_all(english: str, chinese: str) -> None:
    assert catalogue.chinese(english) == chinese
