"""Sets of clips: the same seed gives the same bytes, and the manifest says what is heard."""

import csv
import hashlib
from pathlib import Path

import numpy as np
import pytest
import soundfile
from speech.build import build, classes
from speech.lines import Lines
from speech.manifest import Row
from speech.pool import HELD_OUT, Pool, planned, write_index
from speech.scenes import Scene, Stage
from speech.sound import RATE_HZ, in_ms, n_samples, spoken_bounds
from speech.texts import Split, read_texts

N_CLIPS = 50


@pytest.fixture(scope="module")
def built(pool: Pool, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, list[Row]]:
    folder = tmp_path_factory.mktemp("set")
    return folder, build(folder, pool, Split.TRAIN, 7, N_CLIPS)


def test_the_same_seed_gives_the_same_bytes(pool: Pool, tmp_path: Path) -> None:
    first = build(tmp_path / "a", pool, Split.TEST, 3, 6)
    again = build(tmp_path / "b", pool, Split.TEST, 3, 6)
    other = build(tmp_path / "c", pool, Split.TEST, 4, 6)
    assert first == again
    assert {row.sha256 for row in first}.isdisjoint(row.sha256 for row in other)


def test_manifest_names_every_file_with_its_digest_and_length(built: tuple[Path, list[Row]]) -> None:
    folder, rows = built
    with (folder / "manifest.csv").open(encoding="utf-8", newline="") as stream:
        written = list(csv.DictReader(stream))
    assert [row["file"] for row in written] == [row.file for row in rows]
    assert len(rows) == N_CLIPS
    for row in rows:
        wav = (folder / "audio" / row.file).read_bytes()
        assert hashlib.sha256(wav).hexdigest() == row.sha256
        info = soundfile.info(folder / "audio" / row.file)
        assert (info.samplerate, info.channels, info.subtype) == (RATE_HZ, 1, row.codec.upper())
        assert abs(in_ms(info.frames) - row.dur_ms) <= 1


def test_times_are_in_order(built: tuple[Path, list[Row]]) -> None:
    for row in built[1]:
        if row.label in {"human", "machine"}:
            assert row.first_speech_ms is not None
            assert row.greeting_end_ms is not None
            assert row.speech_ms is not None
            assert 0 <= row.first_speech_ms < row.greeting_end_ms <= row.dur_ms
            assert 0 < row.speech_ms <= row.greeting_end_ms - row.first_speech_ms
            assert row.beep_ms is None or row.greeting_end_ms < row.beep_ms < row.dur_ms


def test_the_greeting_is_where_the_manifest_says(pool: Pool) -> None:
    """The dry track of one utterance: first and last loud sample within 20 ms of what is written down."""
    scene = Scene("human", "short")
    scene.say(pool.samples(pool.utterances[0], 1.0), "hello", 812.0)
    scene.finish(6000)
    first, last = spoken_bounds(scene.track)
    assert scene.first_ms == 812
    assert scene.end_ms is not None
    assert abs(in_ms(first) - scene.first_ms) <= 20
    assert abs(in_ms(last) - scene.end_ms) <= 20
    assert scene.speech_ms == scene.end_ms - scene.first_ms


def test_a_greeting_longer_than_the_clip_ends_with_it(pool: Pool) -> None:
    scene = Scene("machine", "carrier", longest_ms=1000)
    scene.say(np.full(RATE_HZ * 2, 0.5, dtype=np.float32), "long", 300.0)
    scene.finish(3000)
    assert (scene.end_ms, scene.speech_ms, scene.notes) == (1000, 700, ["truncated"])
    assert scene.track.size == RATE_HZ


def test_a_text_with_a_missing_part_is_not_said(pool: Pool, tmp_path: Path) -> None:
    """Half of "Hello? | I am not here" would be a machine that sounds like a person."""
    half = [said for said in pool.utterances if said.section != "pause" or said.part == 0 or said.voice == "e:two"]
    write_index(tmp_path, half)
    lines = Lines(Pool(tmp_path), Split.TRAIN)
    rng = np.random.default_rng(1)
    drawn = [lines.draw(rng, "pause", "en") for _ in range(20)]
    assert all(line is not None and len(line) == 2 and line[0].voice == "e:two" for line in drawn)
    assert lines.draw(rng, "pause", "en", "e:one") is None


def test_every_class_gets_its_share() -> None:
    drawn = classes(1000)
    assert 480 <= sum(label == "human" for label, _ in drawn) <= 540
    assert len(set(drawn)) == len(set(classes(5000)))


def test_held_out_texts_and_voices_are_not_trained_on() -> None:
    plan = list(planned({"k", "e", "p", "f"}))
    texts = {
        split: {(said.language, said.section, said.text) for said in plan if said.split == split} for split in Split
    }
    assert all(texts.values())
    assert texts[Split.TRAIN].isdisjoint(texts[Split.TEST])
    assert not any(said.split in {"", Split.TRAIN} and said.voice in HELD_OUT for said in plan)


def test_no_text_is_there_twice() -> None:
    texts = [(text.language, text.section, text.parts) for text in read_texts()]
    assert len(texts) == len(set(texts))


def test_a_beep_sounds_alone(pool: Pool) -> None:
    """Greetings that are said twice, too: where the beep is, nobody speaks."""
    stage = Stage(Lines(pool, Split.TRAIN))
    scenes = [stage.draw("machine", "carrier", np.random.default_rng(seed)) for seed in range(60)]
    beeps = [(scene, scene.beep_ms) for scene in scenes if scene.beep_ms is not None]
    assert any("repeat" in " ".join(scene.notes) for scene, _ in beeps)
    for scene, beep_ms in beeps:
        assert not scene.track[n_samples(beep_ms - 60) : n_samples(beep_ms - 1)].any()
