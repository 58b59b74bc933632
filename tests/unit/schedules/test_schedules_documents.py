"""Data files: lines for every value, no duplicates, no aliases, no guessed types, a hash of the content alone."""

from pathlib import Path

import pytest

from schedules.documents import DocumentError, parse_document, read_document


def test_knows_the_line_of_every_value() -> None:
    document = parse_document("a: 1\nb:\n  - x\n  - y: 2\n", "f")
    assert document.line(("b", 1, "y")) == 4
    assert document.line(("b", 0)) == 3
    assert document.line(("b", 1, "missing")) == 4  # the nearest thing around it
    assert document.line(()) == 1


def test_dates_stay_text() -> None:
    assert parse_document("day: 2026-01-30", "f").data == {"day": "2026-01-30"}


def test_hash_ignores_layout_and_comments() -> None:
    one = parse_document("a: 1  # one\nb: [x, y]\n", "f")
    other = parse_document("b:\n- x\n- y\na: 1\n", "g")
    assert one.sha256 == other.sha256
    assert one.sha256 != parse_document("a: 2\nb: [x, y]\n", "f").sha256


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("", "f:1: the file is empty"),
        ("a: 1\na: 2\n", "f:2: the key 'a' stands here a second time"),
        ("a: &x [1]\nb: *x\n", "f:2: aliases"),
        ("a: &x [*x]\n", "f:1: aliases"),  # contains itself
        ("yes: 1\n", "f:1: a key must be plain text"),  # YAML 1.1 reads a boolean
        ("a: [1\n", "f:2: not valid YAML"),
        ("a: \x00\n", "f:1: not valid YAML"),
        ("a: !!python/name:os.system\n", "f:1: not valid YAML"),
        ("a: 1\n---\nb: 2\n", "f:2: not valid YAML"),
        ("[" * 2000, "f:1: not valid YAML"),
        ("a: 1\nb: .nan\n", "f:2: .nan is not a number"),
        ("a: -.inf\n", "f:1: -.inf is not a number"),
        ("a: !!int six\n", "f:1: not a value that can be read"),
        ("a: " + "9" * 5000, "f:1: not a value that can be read"),
        ('a: "\\ud800"\n', "f:1: not a value that can be read"),
    ],
)
def test_broken_text_says_where_and_why(text: str, complaint: str) -> None:
    with pytest.raises(DocumentError) as caught:
        parse_document(text, "f")
    assert str(caught.value).startswith(complaint)


def test_unreadable_file(tmp_path: Path) -> None:
    latin = tmp_path / "latin.yaml"
    latin.write_bytes(b"a: \xe9\n")
    with pytest.raises(DocumentError, match="not UTF-8"):
        read_document(latin)
    with pytest.raises(DocumentError, match="No such file"):
        read_document(tmp_path / "missing.yaml")
    with pytest.raises(DocumentError, match="null byte"):
        read_document(tmp_path / "a\0b")
