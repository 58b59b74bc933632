"""Files as they come: codings, channels, headers that lie, damage. Whatever is wrong is said, naming the file."""

import os
import struct
import tracemalloc
from pathlib import Path

import numpy as np
import pytest
import soundfile

from dialer.errors import InputError
from dialer.media.g711 import decode
from dialer.media.interface import Codec
from dialer.prompts.audio import AudioFile, read_audio
from dialer.prompts.signals import tone

SECOND = tone((450.0,), 1000)
ALAW, ULAW, PCM = 6, 7, 1  # WAVE format tags


def write_wav(
    path: Path, data: bytes, *, tag: int = PCM, bits: int = 16, declared: int | None = None, hz: int = 8000
) -> Path:
    """A mono WAV file whose data chunk claims `declared` bytes, whatever it holds."""
    length = len(data) if declared is None else declared
    form = struct.pack("<4sIHHIIHH", b"fmt ", 16, tag, 1, hz, hz * bits // 8, bits // 8, bits)
    body = b"WAVE" + form + b"data" + struct.pack("<I", length) + data
    path.write_bytes(b"RIFF" + struct.pack("<I", min(len(form) + 12 + length, 0xFFFFFFFF)) + body)
    return path


@pytest.mark.parametrize(("tag", "codec"), [(ALAW, Codec.PCMA), (ULAW, Codec.PCMU)])
def test_every_code_of_g711_is_what_a_call_hears(tmp_path: Path, tag: int, codec: Codec) -> None:
    codes = bytes(range(256))
    assert read_audio(write_wav(tmp_path / "codes.wav", codes, tag=tag, bits=8)) == decode(codes, codec).tobytes()


@pytest.mark.parametrize("subtype", ["PCM_U8", "PCM_16", "PCM_24", "PCM_32", "FLOAT", "DOUBLE"])
def test_every_width_of_pcm(tmp_path: Path, subtype: str) -> None:
    samples = np.frombuffer(SECOND, "<i2") / 32768
    soundfile.write(tmp_path / "a.wav", samples, 8000, subtype=subtype)
    heard = np.frombuffer(read_audio(tmp_path / "a.wav"), "<i2") / 32768
    assert np.abs(heard - samples).max() <= (1 / 128 if subtype == "PCM_U8" else 1 / 32768)


def test_one_channel_or_all_together(tmp_path: Path) -> None:
    person, we = np.full(8000, 8000, dtype=np.int16), np.full(8000, -4000, dtype=np.int16)
    path = tmp_path / "both.flac"
    soundfile.write(path, np.stack((person, we), axis=1), 8000)
    assert read_audio(path, channel=0) == person.tobytes()
    assert read_audio(path, channel=1) == we.tobytes()
    assert set(np.frombuffer(read_audio(path), "<i2")) == {2000}
    with pytest.raises(InputError, match=r"both\.flac: has no channel 2, only 2 counted from 0"):
        read_audio(path, channel=2)


@pytest.mark.parametrize("declared", [0x7FFFF000, 0xFFFFFFFF])
def test_a_header_written_into_a_pipe_promises_nothing(tmp_path: Path, declared: int) -> None:
    assert read_audio(write_wav(tmp_path / "piped.wav", SECOND, declared=declared)) == SECOND


@pytest.mark.parametrize(
    ("data", "header", "words"),
    [
        (SECOND, {"declared": 160_000}, r"cut short: 1\.0 s of 10\.0 s are there"),
        (b"", {}, "holds no audio"),
        (b"", {"declared": 16_000}, "holds no audio"),
        (SECOND, {"hz": 0}, "cannot be read as audio"),
        (SECOND, {"hz": 500_000}, "500000 Hz"),
        (np.full(8000, np.nan, dtype="<f4").tobytes(), {"tag": 3, "bits": 32}, "no numbers"),
        (np.full(8000, np.inf, dtype="<f4").tobytes(), {"tag": 3, "bits": 32}, "no numbers"),
    ],
    ids=["truncated", "header only", "header only, declared", "0 Hz", "500 kHz", "NaN", "infinity"],
)
def test_a_wav_file_that_is_wrong(tmp_path: Path, data: bytes, header: dict[str, int], words: str) -> None:
    with pytest.raises(InputError, match=rf"bad\.wav: {words}|bad\.wav: .*{words}"):
        read_audio(write_wav(tmp_path / "bad.wav", data, **header))


def damaged_flac(path: Path, seconds: int = 20) -> Path:
    """Noise, since silence would leave nothing to damage; the second half is overwritten."""
    noise = np.random.default_rng(1).integers(-9000, 9000, seconds * 8000, dtype=np.int16)
    soundfile.write(path, noise, 8000)
    whole = path.read_bytes()
    path.write_bytes(whole[: len(whole) // 2] + bytes(len(whole) // 2))
    return path


def test_damage_is_found_where_it_lies(tmp_path: Path) -> None:
    path = damaged_flac(tmp_path / "damaged.flac")
    with AudioFile(path) as audio:
        assert len(next(audio.pcm())) > 8000
        audio.check(until_s=5.0)
        with pytest.raises(InputError, match=r"damaged\.flac: damaged or cut short after (9|10)\.\d s"):
            audio.check(until_s=20.0)


def test_a_flac_file_that_breaks_off(tmp_path: Path) -> None:
    path = damaged_flac(tmp_path / "short.flac")
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 4])
    with pytest.raises(InputError, match=r"short\.flac: damaged or cut short after \d\.\d s"):
        read_audio(path)


def test_what_is_no_file(tmp_path: Path) -> None:
    (tmp_path / "empty.wav").touch()
    os.mkfifo(tmp_path / "pipe.wav")
    for name, words in (("empty.wav", "is empty"), ("pipe.wav", "is no file"), ("", "is no file")):
        with pytest.raises(InputError, match=words):
            read_audio(tmp_path / name)


def test_minutes_take_the_memory_of_seconds(tmp_path: Path) -> None:
    path = tmp_path / "long.wav"
    with soundfile.SoundFile(path, "w", 4000, 1, "PCM_U8") as audio:
        for _ in range(8):
            audio.write(np.zeros(240_000, dtype=np.int16))
    tracemalloc.start()
    try:
        with AudioFile(path) as audio:
            n_samples = sum(len(block) // 2 for block in audio.pcm())
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert n_samples == 480 * 8000
    assert peak < 1_500_000, "the samples alone would be 7.7 MB"
