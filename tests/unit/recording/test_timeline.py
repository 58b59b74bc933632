"""Records laid out in time: gaps, losses, order, long silences."""

import numpy as np
import pytest
from numpy.typing import NDArray

from recording.g711 import decode
from recording.marks import Mark, MarkKind
from recording.spool import RecordKind, SpoolCodec, SpoolRecord
from recording.timeline import CONCEAL_SAMPLES, WINDOW_SAMPLES, Timeline

ALAW_SILENCE = 8
"""What the A-law code for silence decodes to."""


def lay_out(*records: SpoolRecord) -> tuple[NDArray[np.int16], Timeline]:
    blocks: list[NDArray[np.int16]] = []
    timeline = Timeline(lambda block: blocks.append(block.T.copy()))
    for record in records:
        timeline.add(record)
    n_samples = timeline.finish()
    pcm = np.concatenate(blocks) if blocks else np.zeros((0, 2), dtype=np.int16)
    assert len(pcm) == n_samples
    return pcm, timeline


def audio(channel: int, position: int, code: int, n_samples: int = 160) -> SpoolRecord:
    return SpoolRecord(RecordKind.AUDIO, channel, position, bytes([code]) * n_samples)


def lost(channel: int, position: int, n_samples: int) -> SpoolRecord:
    return SpoolRecord(RecordKind.LOST, channel, position, n_lost=n_samples)


def end(position: int) -> SpoolRecord:
    return SpoolRecord(RecordKind.END, 0, position)


def test_channels_are_placed_by_position_and_gaps_are_silent() -> None:
    pcm, _ = lay_out(audio(0, 320, 0x2A), audio(1, 0, 0xAA), end(640))
    assert not pcm[:320, 0].any()
    assert (pcm[320:480, 0] == decode(b"\x2a", SpoolCodec.PCMA)[0]).all()
    assert (pcm[:160, 1] == decode(b"\xaa", SpoolCodec.PCMA)[0]).all()
    assert not pcm[480:, 0].any()
    assert len(pcm) == 640


def test_both_codecs_may_alternate_in_one_call() -> None:
    ulaw = SpoolRecord(RecordKind.AUDIO, 0, 160, bytes(160), SpoolCodec.PCMU)
    pcm, _ = lay_out(audio(0, 0, 0), ulaw)
    assert pcm[0, 0] == decode(b"\0", SpoolCodec.PCMA)[0]
    assert pcm[160, 0] == decode(b"\0", SpoolCodec.PCMU)[0]


def test_a_record_that_comes_late_still_finds_its_place() -> None:
    pcm, timeline = lay_out(audio(0, 0, 0x2A), audio(0, 320, 0x2A), audio(0, 160, 0x2A))
    assert (pcm[:, 0] == pcm[0, 0]).all()
    assert timeline.lost_samples == 0


def test_one_that_comes_after_its_place_was_written_is_counted_as_lost() -> None:
    far = [audio(0, n * WINDOW_SAMPLES, 0x2A) for n in (0, 2, 4)]
    _, timeline = lay_out(*far, audio(1, 0, 0x2A))
    assert timeline.lost_samples == 160
    assert timeline.marks.marks() == (Mark(0, 20, MarkKind.LATE, 1),)


def test_what_a_channel_said_last_is_kept_however_long_the_other_goes_on() -> None:
    pcm, timeline = lay_out(audio(1, 0, 0x2A), *(audio(0, n * 8000, 0x2A, 8000) for n in range(120)))
    assert pcm[:160, 1].all()
    assert not pcm[160:, 1].any()
    assert pcm[:, 0].all()
    assert timeline.lost_samples == 0


def test_a_long_loss_is_marked_as_heard_and_as_not_heard() -> None:
    _, timeline = lay_out(audio(0, 0, 0x2A), lost(0, 160, 320), lost(0, 480, 480), audio(0, 960, 0x2A))
    assert timeline.marks.marks() == (Mark(20, 80, MarkKind.CONCEALED, 0), Mark(80, 120, MarkKind.LOST, 0))


def test_a_loss_is_filled_with_the_last_sound_fading_out() -> None:
    pcm, timeline = lay_out(audio(0, 0, 0x2A), lost(0, 160, 800), audio(0, 960, 0x2A))
    level = abs(int(pcm[0, 0]))
    filled = np.abs(pcm[160:960, 0].astype(int))
    assert filled[0] == level
    assert (np.diff(filled) <= 0).all()
    assert not filled[CONCEAL_SAMPLES:].any()
    assert timeline.lost_samples == 800


def test_losses_in_a_row_fade_as_one() -> None:
    one, _ = lay_out(audio(0, 0, 0x2A), lost(0, 160, 480), end(640))
    three, _ = lay_out(audio(0, 0, 0x2A), *(lost(0, position, 160) for position in (160, 320, 480)), end(640))
    assert (one == three).all()


def test_a_loss_before_any_sound_stays_silent() -> None:
    pcm, timeline = lay_out(lost(0, 0, 320), end(320))
    assert not pcm.any()
    assert timeline.lost_samples == 320


def test_a_long_silence_is_written_in_bounded_pieces() -> None:
    largest = 0

    def sink(block: NDArray[np.int16]) -> None:
        nonlocal largest
        largest = max(largest, block.shape[1])

    timeline = Timeline(sink)
    timeline.add(audio(0, 3600 * 8000, 0x2A))
    assert timeline.finish() == 3600 * 8000 + 160
    assert 0 < largest <= WINDOW_SAMPLES


def test_nothing_is_nothing() -> None:
    pcm, _ = lay_out()
    assert len(pcm) == 0


@pytest.mark.parametrize(
    ("codec", "code", "sample"),
    [
        (SpoolCodec.PCMA, 0xD5, ALAW_SILENCE),
        (SpoolCodec.PCMA, 0x55, -ALAW_SILENCE),
        (SpoolCodec.PCMA, 0xAA, 32256),
        (SpoolCodec.PCMA, 0x2A, -32256),
        (SpoolCodec.PCMU, 0xFF, 0),
        (SpoolCodec.PCMU, 0x7F, 0),
        (SpoolCodec.PCMU, 0x80, 32124),
        (SpoolCodec.PCMU, 0x00, -32124),
    ],
)
def test_g711_end_points(codec: SpoolCodec, code: int, sample: int) -> None:
    assert decode(bytes([code]), codec)[0] == sample
