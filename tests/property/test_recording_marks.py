"""Marks: what they cover, how many there are, and that they survive being written down."""

from hypothesis import given, settings
from hypothesis import strategies as st

from recording.marks import MARK_LIMIT, Mark, MarkBook, MarkKind, decode_marks, encode_marks

MS = 8
SPANS = st.lists(
    st.tuples(st.sampled_from(MarkKind), st.sampled_from([0, 1, None]), st.integers(0, 50_000), st.integers(0, 2_000)),
    max_size=40,
)


def book_of(spans: list[tuple[MarkKind, int | None, int, int]]) -> MarkBook:
    book = MarkBook()
    for kind, channel, start, length in spans:
        book.add(kind, channel, start, start + length)
    return book


@settings(max_examples=80, deadline=None)
@given(SPANS)
def test_marks_cover_what_was_added_and_nothing_else(spans: list[tuple[MarkKind, int | None, int, int]]) -> None:
    marks = book_of(spans).marks()
    assert list(marks) == sorted(marks, key=lambda mark: (mark.from_ms, mark.to_ms))
    for kind in MarkKind:
        for channel in (0, 1, None):
            added = {
                ms
                for of_kind, of_channel, start, length in spans
                if (of_kind, of_channel) == (kind, channel) and length
                for ms in range(start // MS, -(-(start + length) // MS))
            }
            mine = [mark for mark in marks if (mark.kind, mark.channel) == (kind, channel)]
            assert {ms for mark in mine for ms in range(mark.from_ms, mark.to_ms)} == added
    assert decode_marks(encode_marks(marks)) == marks


@settings(max_examples=20, deadline=None)
@given(st.integers(2 * MARK_LIMIT + 1, 6 * MARK_LIMIT), st.integers(200, 5_000), st.integers(0, 1))
def test_a_line_that_always_loses_has_few_marks_that_say_so(n_losses: int, every: int, channel: int) -> None:
    book = book_of([(MarkKind.LOST, channel, n * every, 160) for n in range(n_losses)])
    marks = book.marks()
    assert 0 < len(marks) <= MARK_LIMIT
    assert sum(mark.parts for mark in marks) == n_losses
    assert marks[0].from_ms == 0
    assert marks[-1].to_ms == -(-((n_losses - 1) * every + 160) // MS)


def test_what_touches_is_one() -> None:
    book = book_of([(MarkKind.PAUSED, None, 0, 800), (MarkKind.PAUSED, None, 800, 800), (MarkKind.PAUSED, None, 0, 0)])
    assert book.marks() == (Mark(0, 200, MarkKind.PAUSED, None),)
    assert encode_marks(book.marks()) == b'[{"kind":"paused","channel":"both","from_ms":0,"to_ms":200}]'
