"""A spool into the store and out again; what happens when something is wrong."""

import io
import json
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest
import soundfile

from recording.errors import RecordingError, SpoolError
from recording.finalize import file_sha256, finalize
from recording.spool import SpoolCodec, SpoolWriter, encode_header
from recording.store import FinalizedRecording, RecordingStore
from recording.worker import answer, serve

STARTED = datetime(2026, 11, 22, 23, 59, 59, tzinfo=UTC)
CODES = bytes(range(256)) * 5


def spool_of(path: Path, *, ended: bool = True) -> Path:
    with SpoolWriter.create(path, STARTED) as writer:
        for index in range(8):
            writer.audio(0, index * 160, CODES[index * 160 : index * 160 + 160])
            writer.audio(1, index * 160, CODES[index * 160 : index * 160 + 160], SpoolCodec.PCMU)
        writer.lost(0, 1280, 160)
        if ended:
            writer.end(1600)
    return path


@pytest.fixture
def store(tmp_path: Path) -> RecordingStore:
    return RecordingStore(tmp_path / "store")


def test_the_audio_is_what_was_on_the_wire(tmp_path: Path, store: RecordingStore) -> None:
    """libsndfile's own G.711 decoder is the second opinion."""
    recording = store.ingest(spool_of(tmp_path / "a.spool"))
    with store.open("a") as stream:
        pcm, rate_hz = soundfile.read(io.BytesIO(stream.read()), dtype="int16")
    assert rate_hz == 8000
    assert pcm.shape == (1600, 2)
    for channel, subtype in ((0, "ALAW"), (1, "ULAW")):
        expected, _ = soundfile.read(
            io.BytesIO(CODES), dtype="int16", format="RAW", channels=1, samplerate=8000, subtype=subtype
        )
        assert (pcm[:1280, channel] == expected).all()
    assert recording.duration_s == 0.2


def test_what_is_known_of_a_recording(tmp_path: Path, store: RecordingStore) -> None:
    recording = store.ingest(spool_of(tmp_path / "call-7.spool"))
    path = store.root / "2026/11/22/call-7.flac"
    assert recording == FinalizedRecording(
        recording_id="call-7",
        started_at=STARTED,
        duration_s=0.2,
        path="2026/11/22/call-7.flac",
        sha256=file_sha256(path)[0],
        size_bytes=path.stat().st_size,
        lost_ms=20,
        truncated=False,
    )
    assert store.find("call-7") == recording
    assert FinalizedRecording.from_json(json.loads(json.dumps(recording.to_json()))) == recording
    assert sorted(file.name for file in path.parent.iterdir()) == ["call-7.flac", "call-7.json"]


def test_a_spool_without_end_is_marked(tmp_path: Path, store: RecordingStore) -> None:
    assert store.ingest(spool_of(tmp_path / "a.spool", ended=False)).truncated


def test_a_call_without_audio_is_a_recording_too(tmp_path: Path, store: RecordingStore) -> None:
    with SpoolWriter.create(tmp_path / "a.spool", STARTED) as writer:
        writer.end(0)
    assert store.ingest(tmp_path / "a.spool").duration_s == 0.0
    with store.open("a") as stream:
        pcm, _ = soundfile.read(io.BytesIO(stream.read()), dtype="int16")
    assert not np.any(pcm)


def test_ingesting_again_changes_nothing(tmp_path: Path, store: RecordingStore) -> None:
    spool = spool_of(tmp_path / "a.spool")
    first = store.ingest(spool)
    before = (store.root / first.path).stat().st_mtime_ns
    assert store.ingest(spool) == first
    assert (store.root / first.path).stat().st_mtime_ns == before
    assert spool.exists(), "its owner removes it"


def test_a_file_damaged_before_the_spool_was_removed_is_made_again(tmp_path: Path, store: RecordingStore) -> None:
    spool = spool_of(tmp_path / "a.spool")
    first = store.ingest(spool)
    (store.root / first.path).write_bytes(b"half")
    again = store.ingest(spool)
    assert store.verify("a") == again


def test_a_change_of_one_byte_is_found(tmp_path: Path, store: RecordingStore) -> None:
    recording = store.ingest(spool_of(tmp_path / "a.spool"))
    path = store.root / recording.path
    data = bytearray(path.read_bytes())
    data[-1] ^= 1
    path.write_bytes(bytes(data))
    with pytest.raises(RecordingError, match="was changed"):
        store.verify("a")


def test_a_missing_file_is_found(tmp_path: Path, store: RecordingStore) -> None:
    recording = store.ingest(spool_of(tmp_path / "a.spool"))
    (store.root / recording.path).unlink()
    with pytest.raises(RecordingError, match="cannot be read"):
        store.verify("a")
    with pytest.raises(RecordingError, match="cannot be opened"):
        store.open("a")


@pytest.mark.parametrize("recording_id", ["", "../a", "a/b", ".hidden", "*", "x" * 129])
def test_ids_stay_inside_the_store(store: RecordingStore, recording_id: str) -> None:
    with pytest.raises(RecordingError, match="not a recording's id"):
        store.find(recording_id)


def test_unknown_recordings_are_named(store: RecordingStore) -> None:
    with pytest.raises(RecordingError, match="no recording a in"):
        store.find("a")


def test_a_broken_record_is_named(tmp_path: Path, store: RecordingStore) -> None:
    recording = store.ingest(spool_of(tmp_path / "a.spool"))
    (store.root / recording.path).with_suffix(".json").write_text("{")
    with pytest.raises(RecordingError, match=r"a\.json: not a recording's record"):
        store.find("a")


def test_a_store_that_cannot_be_written_keeps_the_spool_and_leaves_nothing(tmp_path: Path) -> None:
    (tmp_path / "store").write_text("a file where a directory should be")
    spool = spool_of(tmp_path / "a.spool")
    with pytest.raises(RecordingError, match=r"spool .* is kept"):
        RecordingStore(tmp_path / "store").ingest(spool)
    assert spool.exists()


def test_a_missing_spool_is_named(tmp_path: Path, store: RecordingStore) -> None:
    with pytest.raises(SpoolError, match="no such spool"):
        store.ingest(tmp_path / "gone.spool")
    (tmp_path / "directory.spool").mkdir()
    with pytest.raises(RecordingError, match="cannot read the spool"):
        store.ingest(tmp_path / "directory.spool")
    with pytest.raises(RecordingError, match=r"gone\.spool"):
        finalize(tmp_path / "gone.spool", tmp_path / "gone.flac")


def test_half_written_files_of_a_killed_worker_are_removed(tmp_path: Path, store: RecordingStore) -> None:
    recording = store.ingest(spool_of(tmp_path / "a.spool"))
    part = (store.root / recording.path).with_name(".b.flac.123.part")
    part.write_bytes(b"half")
    assert store.remove_unfinished() == 1
    assert not part.exists()
    assert store.verify("a") == recording


def test_the_worker_answers_each_job_with_a_line(tmp_path: Path, store: RecordingStore) -> None:
    good = spool_of(tmp_path / "a.spool")
    empty = tmp_path / "b.spool"
    empty.write_bytes(b"")
    answers = io.StringIO()
    serve(store, io.StringIO("".join(json.dumps({"spool": str(path)}) + "\n" for path in (good, empty))), answers)
    first, second = (json.loads(line) for line in answers.getvalue().splitlines())
    assert FinalizedRecording.from_json(first["recording"]) == store.find("a")
    assert second["kind"] == "spool"
    (tmp_path / "directory.spool").mkdir()
    assert answer(store, tmp_path / "directory.spool")["kind"] == "other"


def test_a_header_alone_is_a_truncated_recording(tmp_path: Path, store: RecordingStore) -> None:
    """What a kill right after the start leaves behind."""
    (tmp_path / "a.spool").write_bytes(encode_header(STARTED))
    assert store.ingest(tmp_path / "a.spool").truncated
    (tmp_path / "b.spool").write_bytes(encode_header(STARTED)[:20])
    with pytest.raises(SpoolError):
        store.ingest(tmp_path / "b.spool")
