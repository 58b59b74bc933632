"""An export's lines: read whatever they are, every odd one a fault, none an error."""

from datetime import UTC, datetime

import pytest

from dialer.compliance.proof import GENESIS, ProofKind, make_link
from dialer.compliance.proof_attempts import AttemptSet, StoredAttempts
from dialer.compliance.proof_chain import Trouble
from dialer.compliance.proof_export import (
    FORMAT,
    EndLine,
    ExportCheck,
    ExportLine,
    ExportReport,
    HeadLine,
    Line,
    PackLine,
    PolicyLine,
    encode_line,
    encode_link,
    parse_place,
)
from tests.support.policy import bank_policy

AT = datetime(2026, 11, 23, 2, 0, tzinfo=UTC)
LINK = make_link("node1", 1, GENESIS, ProofKind.SETTLED, {"attempt_id": 7, "why": "张三 \"'\\\u2028"})
HEAD = HeadLine("node1", 1, LINK.hash.hex())


def digest_of(*attempt_ids: int) -> str:
    attempts = AttemptSet()
    for attempt_id in attempt_ids:
        attempts.add(attempt_id)
    return attempts.digest


def check(*lines: Line | bytes) -> ExportReport:
    taken = ExportCheck()
    for line in lines:
        taken.add(line if isinstance(line, bytes) else encode_line(line))
    return taken.finish()


def whole(*more: Line | bytes, begin: ExportLine | None = None) -> ExportReport:
    begin = begin or ExportLine(FORMAT, AT)
    return check(begin, *more, encode_link(LINK.hash, LINK.body), HEAD, EndLine(1))


def test_bytes_survive_as_a_string() -> None:
    report = whole()
    assert (report.well, report.complete, report.report.links) == (True, True, 1)


def test_a_body_that_is_no_text_any_more_is_changed() -> None:
    report = check(ExportLine(FORMAT, AT), encode_link(LINK.hash, b"\xff" + LINK.body), HEAD, EndLine(1))
    assert not report.well


def test_packs_are_counted_and_checked() -> None:
    pack = bank_policy().packs[0]
    sound = PackLine(pack.sha256, pack.name, pack.content)
    report = whole(sound, PolicyLine(pack.sha256, pack.sha256))
    assert (report.well, report.packs) == (True, 1)
    altered = PackLine(pack.sha256, pack.name, f"{pack.content} ")
    (fault,) = whole(altered).report.faults
    assert "changed after it was hashed" in fault.words


@pytest.mark.parametrize(
    ("line", "words"),
    [
        (b"{", "no line of an export"),
        (b"\xff\xfe", "no line of an export"),
        (b'{"type":"link","hash":1,"body":""}', "no line of an export"),
        (PolicyLine("aa", "aa@yesterday"), "Invalid isoformat"),
        (EndLine(5), "says that it has 5 links, but there are 0"),
        (ExportLine(FORMAT + 1, AT), f"is of format {FORMAT + 1}"),
        (ExportLine(FORMAT, AT, after=("node1",)), "not CHAIN:SEQUENCE"),
    ],
)
def test_odd_lines_are_faults(line: Line | bytes, words: str) -> None:
    assert any(words in fault.words for fault in whole(line).report.faults)


def test_a_policy_link_is_read_and_a_wrong_one_told() -> None:
    sound = make_link("node1", 1, GENESIS, ProofKind.POLICY, {"packs": [{"sha256": "aa"}]})
    wrong = make_link("node1", 2, sound.hash, ProofKind.POLICY, {"packs": "aa"})
    lines = [encode_link(link.hash, link.body) for link in (sound, wrong)]
    report = check(*lines, HeadLine("node1", 2, wrong.hash.hex()), EndLine(2))
    (fault,) = report.report.faults
    assert (fault.sequence, "packs cannot be read" in fault.words) == (2, True)


def test_without_its_end_an_export_is_cut_off() -> None:
    (fault,) = check(encode_link(LINK.hash, LINK.body)).report.faults
    assert "cut off" in fault.words


def test_what_was_asked_for_explains_what_is_not_here() -> None:
    newer = HeadLine("node1", 2, "00" * 32)
    lines = (encode_link(LINK.hash, LINK.body), newer, EndLine(1))
    assert not check(ExportLine(FORMAT, AT), *lines).well
    early = check(ExportLine(FORMAT, AT, until=AT), *lines)
    assert (early.well, early.complete) == (True, False)
    nothing_new = check(ExportLine(FORMAT, AT, after=("node1:2",)), newer, EndLine(0))
    assert (nothing_new.well, nothing_new.complete) == (True, True)


ALLOWED = make_link("node1", 1, GENESIS, ProofKind.ALLOWED, {"attempt_id": 7})


@pytest.mark.parametrize(
    ("stored", "words"),
    [
        ((StoredAttempts("node1", 1, digest_of(7)),), []),
        (None, []),
        ((), ["allowed 1 attempts, by the source 0"]),
        ((StoredAttempts("node1", 0, digest_of()),), ["allowed 1 attempts, by the source 0"]),
        ((StoredAttempts("node1", 1, digest_of(8)),), ["of other attempts"]),
        ((StoredAttempts("node1", 0, digest_of(), gone=(7,)),), ["is not stored"]),
        ((StoredAttempts("node1", 1, digest_of(7), unproved=(8, 9)),), ["no link allowed it"] * 2),
        (
            (StoredAttempts("node1", 1, digest_of(7)), StoredAttempts("node2", 0, digest_of(), unproved=(3,))),
            ["no link allowed it"],
        ),
    ],
)
def test_attempts_are_compared_with_what_links_allowed(
    stored: tuple[StoredAttempts, ...] | None, words: list[str]
) -> None:
    head = HeadLine("node1", 1, ALLOWED.hash.hex())
    report = check(ExportLine(FORMAT, AT), encode_link(ALLOWED.hash, ALLOWED.body), head, EndLine(1, stored))
    found = [fault for fault in report.report.faults if fault.trouble is Trouble.OTHER_ATTEMPTS]
    assert len(found) == len(words)
    assert all(word in fault.words for word, fault in zip(words, found, strict=True))


def test_places() -> None:
    assert parse_place("a:b:12") == ("a:b", 12)
    for text in ("a", ":1", "a:", "a:-1", "a:x"):
        with pytest.raises(ValueError, match="CHAIN:SEQUENCE"):
            parse_place(text)


def test_heads_are_compared_with_what_is_here() -> None:
    other = replace_hash(HEAD)
    (fault,) = check(ExportLine(FORMAT, AT), encode_link(LINK.hash, LINK.body), other, EndLine(1)).report.faults
    assert "rewritten" in fault.words


def replace_hash(head: HeadLine) -> HeadLine:
    return HeadLine(head.chain, head.sequence, "11" * 32)
