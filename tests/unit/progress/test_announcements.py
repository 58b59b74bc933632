"""Known announcements are recognised early and through bad lines, and nothing else is."""

from collections.abc import Callable

import numpy as np
import pytest

from dialer.media.interface import Codec
from dialer.model.announcement import AnnouncementMeaning
from dialer.progress.announcement_whole import PAUSE_ROWS
from dialer.progress.announcements import AnnouncementLibrary, LibraryEntry, matches_in
from dialer.progress.fingerprint import fingerprint_of
from dialer.progress.frames import FRAME_BYTES, FRAME_MS
from dialer.prompts.audio import read_audio
from dialer.prompts.signals import BUSY_CN, RINGBACK_CN, play_signal, silence, special_information_tone, tone
from dialer.simulator.voices import VOICES_DIR
from tests.support.announcements import MEANINGS, TITLES, companded, entries, entry, listen, lossy, louder, noisy
from tests.support.announcements import recording as announcement

PARTED_MS = {"busy": 2500, "empty_number": 2100, "powered_off": 2600, "suspended": 2800, "unreachable": 2600}
"""From the first sound to 1.5 s after the words are no other's any more, or to the end of an entry that ends before."""
MATCH_MS = 1500


@pytest.fixture(scope="module")
def library() -> AnnouncementLibrary:
    return AnnouncementLibrary(entries())


@pytest.fixture(scope="module")
def alone() -> AnnouncementLibrary:
    """One announcement, with nobody to confuse it with."""
    return AnnouncementLibrary([entry(1, "powered_off", in_complete_set=True)])


@pytest.fixture(scope="module")
def lone() -> AnnouncementLibrary:
    """One announcement, of whose likes nothing is known."""
    return AnnouncementLibrary([entry(1, "powered_off")])


VOICEMAIL = "machine_zh_carrier"
"""The carrier's mailbox: its greeting is "unreachable", by the same voice, up to the last syllable but one."""
OF_THE_CARRIER = (*(f"announcement_{title}" for title in TITLES), VOICEMAIL)
SAID_MS = PAUSE_ROWS * FRAME_MS + 100
"""How long after its last word an entry is certain: a pause, and frames are looked at five at a time."""
OTHER_VOICES = sorted(path.stem for path in VOICES_DIR.glob("[hm]*.flac") if path.stem != VOICEMAIL)


def tune(seconds: float, seed: int = 3) -> bytes:
    """A melody of three voices, as a colour ringback."""
    chance = np.random.default_rng(seed)
    notes = (220.0, 262.0, 294.0, 330.0, 392.0, 440.0, 523.0, 587.0)
    beats = int(seconds / 0.25)
    return b"".join(tone(tuple(chance.choice(notes, 3, replace=False)), 250) for _ in range(beats))


LINES: dict[str, Callable[[bytes], bytes]] = {
    "as it is": lambda pcm: pcm,
    "half a frame later": lambda pcm: bytes(2 * 77) + pcm,
    "A-law": lambda pcm: companded(pcm, Codec.PCMA),
    "u-law": lambda pcm: companded(pcm, Codec.PCMU),
    "25 dB down": lambda pcm: companded(louder(pcm, -25), Codec.PCMA),
    "6 dB up": lambda pcm: companded(louder(pcm, 6), Codec.PCMA),
    "clipped": lambda pcm: louder(pcm, 15),
    "noise at 15 dB": lambda pcm: companded(noisy(pcm, 15), Codec.PCMU),
    "5 % lost": lambda pcm: lossy(pcm, 0.05, repeat=False),
    "5 % repeated": lambda pcm: lossy(pcm, 0.05, repeat=True),
    "ringing before it": lambda pcm: play_signal(RINGBACK_CN, 6000) + pcm,
    "information tones before it": lambda pcm: special_information_tone() + pcm,
    "music before it": lambda pcm: tune(7) + pcm,
}


@pytest.mark.parametrize("line", LINES)
@pytest.mark.parametrize("title", TITLES)
def test_each_is_recognised_on_every_line(library: AnnouncementLibrary, title: str, line: str) -> None:
    (match,) = listen(library.matcher(), LINES[line](announcement(title)))
    assert (match.title, match.meaning, match.certain) == (title, MEANINGS[title], True)
    assert match.matched_ms - match.starts_ms <= PARTED_MS[title] + 300


@pytest.mark.parametrize("line", LINES)
def test_what_shares_nothing_is_recognised_in_a_second_and_a_half(alone: AnnouncementLibrary, line: str) -> None:
    (match,) = listen(alone.matcher(), LINES[line](announcement("powered_off")))
    assert match.matched_ms - match.starts_ms <= MATCH_MS


@pytest.mark.parametrize("line", LINES)
def test_one_that_is_known_alone_is_certain_when_all_of_it_was_said(lone: AnnouncementLibrary, line: str) -> None:
    named, certain = listen(lone.matcher(), LINES[line](announcement("powered_off")))
    assert (named.certain, certain.certain) == (False, True)
    assert certain.matched_ms - certain.starts_ms <= lone.entries[0].fingerprint.length_ms + SAID_MS


@pytest.mark.parametrize("heard", OF_THE_CARRIER)
@pytest.mark.parametrize("title", TITLES)
def test_one_that_is_known_alone_is_never_another(title: str, heard: str) -> None:
    """Whatever of it the others begin or end with."""
    pcm = read_audio(VOICES_DIR / f"{heard}.flac")
    known = AnnouncementLibrary([entry(1, title)])
    certain = [match for match in matches_in(known, pcm + silence(700) + pcm) if match.certain]
    assert len(certain) == (2 if heard == f"announcement_{title}" else 0)


def test_a_mailbox_that_nobody_added_is_not_certainly_one_that_is_known() -> None:
    known = AnnouncementLibrary(entries(in_complete_set=False))
    assert not any(match.certain for match in matches_in(known, read_audio(VOICES_DIR / f"{VOICEMAIL}.flac")))


def test_who_goes_on_says_something_else() -> None:
    """What is known was cut off before "，请稍后再拨"."""
    cut = AnnouncementLibrary([entry(1, "busy", announcement("busy")[: 16 * 3550])])
    assert [match.certain for match in matches_in(cut, announcement("busy"))] == [False]


@pytest.mark.parametrize("gap_ms", [300, 1500])
def test_what_an_entry_repeats_is_not_waited_for(lone: AnnouncementLibrary, gap_ms: int) -> None:
    once = announcement("powered_off")
    cut = once + silence(gap_ms) + once[: 16 * 2000]
    known = AnnouncementLibrary([entry(1, "powered_off", cut)])
    matches = matches_in(known, (once + silence(gap_ms)) * 2)
    certain = [match.matched_ms - match.starts_ms for match in matches if match.certain]
    assert len(certain) == 2
    assert max(certain) <= lone.entries[0].fingerprint.length_ms + SAID_MS


def test_who_joins_late_is_certain_when_it_is_said_again(lone: AnnouncementLibrary) -> None:
    once = announcement("powered_off")
    matches = matches_in(lone, once[16 * 1500 :] + silence(1000) + once)
    assert [match.certain for match in matches] == [False, False, True]


def test_nothing_is_said_while_words_are_shared(library: AnnouncementLibrary) -> None:
    """All five begin alike; what they share is known to be worth nothing."""
    for pcm in (announcement(title)[: 16 * 1100] for title in TITLES):
        assert matches_in(library, pcm) == ()


def test_another_ending_is_no_match() -> None:
    """The carrier's sixth announcement, of which the library knows nothing, begins like the others."""
    known = AnnouncementLibrary([entry(1, "busy"), entry(2, "empty_number"), entry(3, "unreachable")])
    for title in ("powered_off", "suspended"):
        assert matches_in(known, announcement(title)) == ()


def test_a_mailbox_in_the_library_is_no_other_announcement() -> None:
    pcm = read_audio(VOICES_DIR / f"{VOICEMAIL}.flac")
    mailbox = LibraryEntry(9, VOICEMAIL, AnnouncementMeaning.CALL_ASSISTANT, fingerprint_of(pcm))
    known = AnnouncementLibrary([*entries(), mailbox])
    assert {match.title for match in matches_in(known, pcm)} == {VOICEMAIL}
    assert [match.title for match in matches_in(known, announcement("unreachable"))] == ["unreachable"]


def test_entries_of_one_meaning_share_what_they_like() -> None:
    again = companded(announcement("powered_off"), Codec.PCMU)
    twice = [entry(n, "powered_off", pcm, in_complete_set=True) for n, pcm in enumerate((None, again))]
    matches = matches_in(AnnouncementLibrary(twice), announcement("powered_off"))
    assert matches
    assert matches[0].matched_ms - matches[0].starts_ms <= MATCH_MS


def test_one_recording_with_two_meanings_is_never_recognised() -> None:
    same = fingerprint_of(announcement("busy"))
    two = [LibraryEntry(n, "busy", meaning, same) for n, meaning in enumerate(list(AnnouncementMeaning)[:2])]
    assert matches_in(AnnouncementLibrary(two), announcement("busy")) == ()


def test_a_call_may_join_late(alone: AnnouncementLibrary) -> None:
    (match,) = matches_in(alone, announcement("powered_off")[16 * 1500 :])
    assert -1500 <= match.starts_ms < -1100, "it began before the call heard it"


def test_each_playing_gives_one_match(alone: AnnouncementLibrary) -> None:
    once = announcement("powered_off")
    matches = matches_in(alone, once + silence(700) + once)
    assert [match.title for match in matches] == ["powered_off"] * 2
    assert matches[1].starts_ms - matches[0].starts_ms == pytest.approx(len(once) / 16 + 700, abs=40)


def test_two_languages_are_two_matches() -> None:
    english = LibraryEntry(2, "english", AnnouncementMeaning.EMPTY_NUMBER, fingerprint_of(announcement("sit_en")))
    both = AnnouncementLibrary([entry(1, "empty_number"), english])
    matches = matches_in(both, announcement("empty_number") + silence(800) + announcement("sit_en"))
    assert [match.announcement_id for match in matches if match.certain] == [1, 2]


@pytest.mark.parametrize(
    "pcm",
    [
        *(pytest.param(read_audio(VOICES_DIR / f"{name}.flac"), id=name) for name in OTHER_VOICES),
        pytest.param(tune(20, seed=8), id="a tune"),
        pytest.param(play_signal(BUSY_CN, 10_000), id="busy"),
        pytest.param(play_signal(RINGBACK_CN, 10_000), id="ringing"),
        pytest.param(noisy(tone((450.0,), 8000), 0), id="noise"),
        pytest.param(silence(8000), id="silence"),
        pytest.param(announcement("busy")[::-1][: 16 * 4000], id="bytes in no order"),
    ],
)
def test_nothing_else_is_recognised(library: AnnouncementLibrary, pcm: bytes) -> None:
    assert matches_in(library, pcm) == ()


def test_an_empty_library_recognises_nothing() -> None:
    empty = AnnouncementLibrary()
    assert matches_in(empty, announcement("busy")) == ()


def test_what_is_too_short_to_be_recognised_is_left_out() -> None:
    assert AnnouncementLibrary([entry(1, "busy", announcement("busy")[: 16 * 700])]).entries == ()


def test_a_frame_has_its_length(library: AnnouncementLibrary) -> None:
    with pytest.raises(ValueError, match=f"a frame is {FRAME_BYTES} bytes, not 10"):
        library.matcher().feed(bytes(10))


def test_calls_share_a_library_and_nothing_else(library: AnnouncementLibrary) -> None:
    """Two calls fed in turns hear what each would alone."""
    one, two = library.matcher(), library.matcher()
    heard: list[list[str]] = [[], []]
    first, second = announcement("busy") + silence(200), announcement("empty_number") + silence(200)
    for at in range(0, min(len(first), len(second)) - FRAME_BYTES, FRAME_BYTES):
        for matcher, pcm, titles in ((one, first, heard[0]), (two, second, heard[1])):
            match = matcher.feed(pcm[at : at + FRAME_BYTES])
            if match is not None:
                titles.append(match.title)
    assert heard == [["busy"], ["empty_number"]]
