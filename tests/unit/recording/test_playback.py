"""What a listener is sent: any part of it is what stands there in the whole, and a broken seal is never played."""

import io

import numpy as np
import pytest
import soundfile

from recording.decoding import AudioReader, Side
from recording.errors import RecordingError, SealBrokenError
from recording.playback import WAV_HEADER_BYTES, Content, FlacContent, SpedContent, WavContent
from recording.sealing import SealedFile, SealedReader, SealWriter

KEY = bytes(range(32))
N_SAMPLES = 40_000
SAMPLES = np.random.default_rng(1).integers(-20_000, 20_000, (N_SAMPLES, 2)).astype(np.int16)


def _flac() -> bytes:
    file = io.BytesIO()
    soundfile.write(file, SAMPLES, 8000, "PCM_16", format="FLAC")
    return file.getvalue()


FLAC = _flac()


def _sealed() -> bytearray:
    stream = io.BytesIO()
    writer = SealWriter(stream, KEY, "r-1")
    writer.write(FLAC)
    writer.finish()
    return bytearray(stream.getvalue())


def _reader(sealed: bytes | bytearray) -> SealedReader:
    return SealedReader(lambda offset, n: bytes(sealed[offset : offset + n]), len(sealed), KEY, "r-1")


def _audio(sealed: bytes | bytearray) -> AudioReader:
    return AudioReader(SealedFile(_reader(sealed)))


def _all(content: Content, begin: int = 0, end: int | None = None) -> bytes:
    return b"".join(content.pieces(begin, content.size if end is None else end))


def test_the_file_is_sent_as_it_is() -> None:
    content = FlacContent(_reader(_sealed()))
    assert _all(content) == FLAC
    assert _all(content, 1000, 90_000) == FLAC[1000:90_000]


@pytest.mark.parametrize("side", Side)
def test_wav_of_a_side_in_any_range(side: Side) -> None:
    with _audio(_sealed()) as audio:
        content = WavContent(audio, side)
        whole = _all(content)
        assert len(whole) == content.size
        samples, rate_hz = soundfile.read(io.BytesIO(whole), dtype="int16", always_2d=True)
        assert rate_hz == 8000
        assert np.array_equal(samples, SAMPLES[:, side.channels])
        # odd bytes, inside the header, across it, across blocks, the last byte, nothing
        for begin, end in ((3, 9), (40, 51), (44, 45), (45, 70_001), (content.size - 1, content.size), (50, 50)):
            assert _all(content, begin, end) == whole[begin:end]


def test_wav_of_a_span() -> None:
    with _audio(_sealed()) as audio:
        whole = _all(WavContent(audio, Side.FAR, 1000, 3000))
        assert whole[WAV_HEADER_BYTES:] == SAMPLES[1000:3000, 0].tobytes()
        assert WavContent(audio, Side.FAR, N_SAMPLES + 1).size == WAV_HEADER_BYTES, "nothing is left after the end"


def test_another_speed_has_the_length_it_says() -> None:
    with _audio(_sealed()) as audio:
        content = SpedContent(audio, Side.NEAR, 1.5, 4000)
        played = _all(content)
        assert len(played) == content.size == WAV_HEADER_BYTES + 2 * round((N_SAMPLES - 4000) / 1.5)
        with pytest.raises(ValueError, match="from its beginning"):
            _all(content, 10, 20)


def test_a_broken_seal_is_an_error_and_not_an_early_end() -> None:
    sealed = _sealed()
    sealed[len(sealed) // 2] ^= 1
    with pytest.raises(SealBrokenError):
        _all(FlacContent(_reader(sealed)))
    with _audio(sealed) as audio, pytest.raises(SealBrokenError):
        _all(WavContent(audio, Side.BOTH))


def test_a_seal_broken_at_the_beginning_is_one_before_the_first_byte() -> None:
    sealed = _sealed()
    sealed[100] ^= 1
    with pytest.raises(SealBrokenError):
        _audio(sealed)


def test_what_is_no_recording_is_named() -> None:
    with io.FileIO("/dev/null") as empty, pytest.raises(RecordingError, match="not a readable FLAC file"):
        AudioReader(empty)
    mono = io.BytesIO()
    soundfile.write(mono, SAMPLES[:, 0], 16000, "PCM_16", format="FLAC")
    stream = io.BytesIO()
    writer = SealWriter(stream, KEY, "r-1")
    writer.write(mono.getvalue())
    writer.finish()
    with pytest.raises(RecordingError, match="not a recording of 2 channels"):
        _audio(stream.getvalue())
