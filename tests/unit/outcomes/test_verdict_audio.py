"""The audio of verdicts: exact in the law it came in, whole or not at all, and gone when its days are over."""

from datetime import date
from pathlib import Path

import numpy as np
import pytest
import soundfile

from dialer.media import g711
from dialer.media.interface import Codec
from dialer.outcomes import verdict_audio

EVERY_CODE = bytes(range(256)) * 10


@pytest.mark.parametrize(("codec", "subtype"), [(Codec.PCMA, "ALAW"), (Codec.PCMU, "ULAW")])
def test_what_came_in_a_law_is_kept_in_it_without_loss(tmp_path: Path, codec: Codec, subtype: str) -> None:
    samples = g711.decode(EVERY_CODE, codec)
    path = tmp_path / "kept.wav"
    path.write_bytes(verdict_audio.wav_of(samples.tobytes()))
    assert path.stat().st_size < samples.size + 100, "one byte a sample"
    with soundfile.SoundFile(path) as audio:
        assert (audio.samplerate, audio.channels, audio.subtype) == (8000, 1, subtype)
        assert (audio.read(dtype="int16") == samples).all()


@pytest.mark.parametrize("n", [0, 1, 801])
def test_what_is_in_neither_law_is_kept_as_it_is(tmp_path: Path, n: int) -> None:
    samples = (np.arange(n) * 7 + 1).astype(np.int16)
    path = tmp_path / "kept.wav"
    path.write_bytes(verdict_audio.wav_of(samples.tobytes()))
    with soundfile.SoundFile(path) as audio:
        assert audio.subtype == ("PCM_16" if n else "ALAW")
        assert (audio.read(dtype="int16") == samples).all()


def test_an_odd_number_of_bytes_in_a_law_is_padded(tmp_path: Path) -> None:
    wav = verdict_audio.wav_of(g711.decode(b"\xd5\x2a\x55", Codec.PCMA).tobytes())
    assert len(wav) % 2 == 0
    assert int.from_bytes(wav[4:8], "little") == len(wav) - 8
    (tmp_path / "odd.wav").write_bytes(wav)
    assert soundfile.info(tmp_path / "odd.wav").frames == 3


def test_of_more_than_five_seconds_the_end_is_left_out() -> None:
    samples = g711.decode(EVERY_CODE * 30, Codec.PCMU)
    wav = verdict_audio.wav_of(samples.tobytes() + b"\x01")
    assert (g711.decode(wav[-40_000:], Codec.PCMU) == samples[:40_000]).all()


def test_a_file_is_there_whole_or_not_at_all(tmp_path: Path) -> None:
    inside = verdict_audio.path_of(date(2026, 11, 23), 7, "answered")
    assert inside == "2026-11-23/7-answered.wav"
    verdict_audio.write(tmp_path, inside, b"RIFF")
    assert [path.name for path in (tmp_path / "2026-11-23").iterdir()] == ["7-answered.wav"]
    (tmp_path / "2026-11-24").write_bytes(b"")  # a file where the day's folder should be
    with pytest.raises(OSError):  # noqa: PT011  which one depends on the system
        verdict_audio.write(tmp_path, "2026-11-24/8-answered.wav", b"RIFF")
    (tmp_path / "2026-11-25" / "9-early.wav").mkdir(parents=True)
    with pytest.raises(OSError):  # noqa: PT011
        verdict_audio.write(tmp_path, "2026-11-25/9-early.wav", b"RIFF")
    assert not list((tmp_path / "2026-11-25").glob("*.tmp"))


def test_days_that_are_over_go_with_all_that_is_in_them(tmp_path: Path) -> None:
    for name in ("2026-11-22", "2026-11-23", "of the house"):
        verdict_audio.write(tmp_path, f"{name}/1-early.wav", b"RIFF")
    (tmp_path / "2026-11-22" / "1-early.tmp").write_bytes(b"left by a crash")
    verdict_audio.remove(tmp_path, ["2026-11-23/1-early.wav", "2026-11-23/gone.wav"])
    verdict_audio.remove_days(tmp_path, date(2026, 11, 23))
    assert sorted(path.name for path in tmp_path.iterdir()) == ["2026-11-23", "of the house"]
    verdict_audio.remove_days(tmp_path / "nowhere", date(2026, 11, 23))
