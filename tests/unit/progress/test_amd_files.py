"""`dialer amd` on files that are wrong, long, of several channels or of other rates: a line or an error for each."""

import json
import struct
from pathlib import Path

import numpy as np
import pytest
import soundfile
from typer.testing import CliRunner

import dialer.simulator
from dialer.cli.amd import app
from dialer.cli.amd_files import Drawing
from dialer.cli.amd_hearing import EARLY_MEDIA_MAX_MS, Listening, first_beep, frames_of, hear
from dialer.errors import InputError
from dialer.progress.frames import FRAME_BYTES
from dialer.progress.verdict import Label
from dialer.prompts.audio import read_audio, write_flac
from dialer.prompts.signals import silence, tone

VOICES = Path(dialer.simulator.__file__).parent / "voices"
PERSON, MACHINE = VOICES / "human_zh_wei_nihao.flac", VOICES / "machine_zh_personal.flac"
THREE_HOURS_S = 3 * 3600


def run(*arguments: object) -> tuple[int, list[dict[str, object]], str]:
    """Exit code, lines, what standard error says."""
    result = CliRunner().invoke(app, ["--json", *map(str, arguments)])
    return result.exit_code, [json.loads(line) for line in result.stdout.splitlines()], result.stderr


def samples_of(path: Path) -> np.ndarray[tuple[int], np.dtype[np.int16]]:
    return np.frombuffer(read_audio(path), "<i2")


def write_three_hours(path: Path, start: bytes) -> Path:
    """A WAV file that begins with `start` and goes on in silence; nearly all of it is a hole on the disk."""
    length = THREE_HOURS_S * 16_000
    form = struct.pack("<4sIHHIIHH", b"fmt ", 16, 1, 1, 8000, 16_000, 2, 16)
    header = b"RIFF" + struct.pack("<I", 36 + length) + b"WAVE" + form + b"data" + struct.pack("<I", length)
    with path.open("wb") as file:
        file.write(header + start)
        file.truncate(len(header) + length)
    return path


def test_bad_files_are_named_and_the_others_answered(tmp_path: Path) -> None:
    whole = PERSON.read_bytes()
    for name, content in {
        "corrupt.flac": whole[: len(whole) // 2] + bytes(len(whole) // 2),
        "empty.wav": b"",
        "header.wav": b"RIFF\x24\0\0\0WAVE",
        "text.wav": b"not audio at all",
        "short.flac": whole[:-300],
    }.items():
        (tmp_path / name).write_bytes(content)
    (tmp_path / "good.flac").write_bytes(whole)
    code, lines, errors = run(tmp_path, tmp_path / "gone.wav")
    assert code == 1
    assert [Path(str(line["file"])).name for line in lines] == ["good.flac"]
    named = [Path(line.split(": ")[1]).name for line in errors.splitlines()]
    assert named == ["corrupt.flac", "empty.wav", "header.wav", "short.flac", "text.wav", "gone.wav"]
    assert all(line.startswith("error: ") for line in errors.splitlines())


def test_a_directory_without_audio_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("nothing to hear")
    code, lines, errors = run(tmp_path, PERSON)
    assert code == 1
    assert len(lines) == 1
    assert "holds no audio files (.aiff, .au, .flac, .ogg, .wav)" in errors


def test_a_name_that_is_no_text_still_gives_a_line(tmp_path: Path) -> None:
    path = tmp_path / "\udcff喂.flac"
    path.write_bytes(PERSON.read_bytes())
    code, lines, _ = run(tmp_path)
    assert code == 0
    assert Path(str(lines[0]["file"])).name == "\ufffd喂.flac"


def test_our_recordings_are_heard_without_what_we_said(tmp_path: Path) -> None:
    """The called person is channel 0; a machine that we play to it must not become the verdict."""
    person, we = samples_of(PERSON), samples_of(MACHINE)
    both = np.zeros((we.size, 2), dtype=np.int16)
    both[: person.size, 0], both[:, 1] = person, we
    path = tmp_path / "call.flac"
    soundfile.write(path, both, 8000)
    assert hear(path, Listening()).verdict.label is Label.HUMAN
    assert hear(path, Listening(channel=1)).verdict == hear(MACHINE, Listening()).verdict
    assert run("--channel", 0, path)[1][0]["label"] == "human"
    assert run("--channel", 1, path)[1][0]["label"] == "machine"
    assert run("--channel", "mix", path)[0] == 0
    assert run("--channel", 2, path)[0] == 1
    assert CliRunner().invoke(app, ["--channel", "left", str(path)]).exit_code == 2


@pytest.mark.parametrize("rate_hz", [16_000, 44_100, 48_000])
def test_another_rate_another_file_the_same_verdict(tmp_path: Path, rate_hz: int) -> None:
    samples = samples_of(PERSON)
    at = np.arange(samples.size * rate_hz // 8000) * 8000 / rate_hz
    path = tmp_path / "a.wav"
    soundfile.write(path, np.interp(at, np.arange(samples.size), samples / 32768), rate_hz)
    assert hear(path, Listening()).verdict.label is Label.HUMAN


def test_three_hours_are_answered_at_once(tmp_path: Path) -> None:
    path = write_three_hours(tmp_path / "long.wav", read_audio(PERSON))
    heard = hear(path, Listening())
    assert heard.verdict.label is Label.HUMAN
    assert heard.until_ms == heard.verdict.decided_ms


def test_a_call_does_not_ring_for_three_hours(tmp_path: Path) -> None:
    path = write_three_hours(tmp_path / "long.wav", read_audio(VOICES / "announcement_powered_off.flac"))
    heard = hear(path, Listening(early_media=True))
    assert heard.verdict.label is Label.ANNOUNCEMENT
    assert heard.until_ms == EARLY_MEDIA_MAX_MS


def test_what_was_heard_before_something_else_is_kept(tmp_path: Path) -> None:
    ringing = tone((450.0,), 1000) + silence(4000)
    write_flac(tmp_path / "a.flac", ringing * 2 + read_audio(VOICES / "announcement_powered_off.flac"))
    heard = hear(tmp_path / "a.flac", Listening(early_media=True))
    assert [verdict.label for verdict in (*heard.earlier, heard.verdict)] == [Label.RINGBACK, Label.ANNOUNCEMENT]


def test_after_a_machine_its_beep_is_heard_and_then_no_more(tmp_path: Path) -> None:
    once = read_audio(MACHINE)
    path = write_three_hours(tmp_path / "long.wav", once + silence(2000) + once)
    heard, alone = hear(path, Listening()), hear(MACHINE, Listening())
    assert heard == alone
    assert heard.verdict.beep_ms is not None
    assert heard.verdict.beep_ms < heard.until_ms < heard.verdict.beep_ms + 400
    found = first_beep(MACHINE, 0)
    assert found is not None
    assert found.beep_ms == heard.verdict.beep_ms
    assert first_beep(PERSON, 0) is None


def test_the_rest_of_the_ringing_is_no_beep(tmp_path: Path) -> None:
    """A call listens for beeps from the verdict on."""
    before = tone((450.0,), 600) + silence(400)
    write_flac(tmp_path / "a.flac", before + read_audio(MACHINE))
    heard, alone = hear(tmp_path / "a.flac", Listening()), hear(MACHINE, Listening())
    assert heard.verdict.beep_ms is not None
    assert alone.verdict.beep_ms is not None
    assert abs(heard.verdict.beep_ms - len(before) / 16 - alone.verdict.beep_ms) <= 40


def test_damage_after_the_verdict_is_still_an_error(tmp_path: Path) -> None:
    noise = np.random.default_rng(1).integers(-300, 300, 20 * 8000, dtype=np.int16)
    path = tmp_path / "late.flac"
    soundfile.write(path, np.concatenate((samples_of(PERSON), noise)), 8000)
    path.write_bytes(path.read_bytes()[:-2000])
    with pytest.raises(InputError, match=r"late\.flac: damaged or cut short"):
        hear(path, Listening())


def test_a_file_too_short_for_a_frame_is_unknown(tmp_path: Path) -> None:
    soundfile.write(tmp_path / "a.wav", np.zeros(100, dtype=np.int16), 8000)
    for early_media in (False, True):
        assert hear(tmp_path / "a.wav", Listening(early_media)).verdict.label is Label.UNKNOWN


def test_blocks_become_whole_frames() -> None:
    frames = list(frames_of([b"a" * 5, b"", b"b" * FRAME_BYTES, b"c" * (2 * FRAME_BYTES)]))
    assert [len(frame) for frame in frames] == [FRAME_BYTES] * 3
    assert frames[0] == b"a" * 5 + b"b" * (FRAME_BYTES - 5)


def test_pictures_do_not_overwrite_each_other(tmp_path: Path) -> None:
    drawing = Drawing(tmp_path)
    places = [drawing.place_for(Path(folder, "a.wav")).name for folder in ("x", "y", "z")]
    assert places == ["a.wav.png", "a.wav-2.png", "a.wav-3.png"]
    assert Drawing().place_for(Path("x/a.wav")) == Path("x/a.wav.png")
