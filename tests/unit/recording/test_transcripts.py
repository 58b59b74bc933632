"""Words found in a transcript, and what it says without its times."""

import pytest

from recording.transcription import Transcript, Word, decode_transcript, dispute_words, encode_transcript

SAID = Transcript(
    (
        Word(0, 0, 300, "我要"),
        Word(0, 300, 500, "投"),
        Word(1, 400, 900, "Please wait"),
        Word(0, 900, 1200, "诉 你们"),
        Word(1, 1300, 1500, "LAW"),
        Word(1, 1500, 1900, "suit"),
        Word(0, 2000, 2200, "投诉投诉"),
    ),
    "zh",
)


@pytest.mark.parametrize(
    ("phrase", "found"),
    [
        ("投诉", [(0, 300, 1200), (0, 2000, 2200), (0, 2000, 2200)]),  # cut in two; twice in one word is one place
        ("要投诉你", [(0, 0, 1200)]),
        ("lawsuit", [(1, 1300, 1900)]),  # case and blanks do not count
        ("Law Suit", [(1, 1300, 1900)]),
        ("wait law", [(1, 400, 1500)]),
        ("诉please", []),  # never from one side into the other
        ("", []),
    ],
)
def test_where_words_were_said(phrase: str, found: list[tuple[int, int, int]]) -> None:
    places = [(word.channel, word.from_ms, word.to_ms) for word in dispute_words(SAID, [phrase])]
    assert places == sorted(set(found), key=lambda place: place[1:])


def test_several_words_in_order_of_time() -> None:
    assert [word.word for word in dispute_words(SAID, ["law", "投诉", "我"])] == ["我", "投诉", "law", "投诉"]


def test_text_has_a_line_a_turn() -> None:
    assert SAID.text() == "我要投\nPlease wait\n诉 你们\nLAW suit\n投诉投诉"
    assert Transcript(()).text() == ""


def test_what_is_sealed_reads_back() -> None:
    assert decode_transcript(encode_transcript(SAID)) == SAID
