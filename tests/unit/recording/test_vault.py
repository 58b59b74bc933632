"""A spool into the vault and out again; what happens when something is wrong."""

import errno
import hashlib
import io
import json
import os
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest
import soundfile

from recording.errors import ObjectMissingError, RecordingError, SealBrokenError, SpoolError, StoreFullError
from recording.finalize import Laid
from recording.flac import FlacWriter, read_back
from recording.marks import Mark, MarkKind, decode_marks
from recording.sealing import SealedReader, SealWriter
from recording.spool import SpoolCodec, SpoolWriter, encode_header
from recording.timeline import Sink
from recording.vault import FinalizedRecording, Ingest, Vault, peaks_id
from recording.worker import VaultSettings, answer, serve
from tests.support.vaults import KEY, flac_of, samples_in, vault_in, whole

if TYPE_CHECKING:
    from _typeshed import ReadableBuffer

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


def job(*parts: Path) -> Ingest:
    return Ingest(parts[0].stem, parts)


@pytest.fixture
def settings(tmp_path: Path) -> VaultSettings:
    return vault_in(tmp_path)


@pytest.fixture
def vault(settings: VaultSettings) -> Vault:
    return settings.open()


def files_below(folder: Path) -> list[Path]:
    return sorted(path for path in folder.rglob("*") if path.is_file())


def test_the_audio_is_what_was_on_the_wire(tmp_path: Path, vault: Vault) -> None:
    """libsndfile's own G.711 decoder is the second opinion."""
    recording = vault.ingest(job(spool_of(tmp_path / "a.spool")))
    pcm = samples_in(vault, recording, recording.key)
    assert pcm.shape == (1600, 2)
    for channel, subtype in ((0, "ALAW"), (1, "ULAW")):
        expected, _ = soundfile.read(
            io.BytesIO(CODES), dtype="int16", format="RAW", channels=1, samplerate=8000, subtype=subtype
        )
        assert (pcm[:1280, channel] == expected).all()


def test_what_is_known_of_a_recording(tmp_path: Path, vault: Vault) -> None:
    recording = vault.ingest(job(spool_of(tmp_path / "call-7.spool")))
    flac = flac_of(vault, recording, recording.key)
    stored = (tmp_path / "store" / recording.path).read_bytes()
    assert (recording.sha256, recording.size_bytes) == (hashlib.sha256(flac).hexdigest(), len(flac))
    assert (recording.sealed_sha256, recording.sealed_bytes) == (hashlib.sha256(stored).hexdigest(), len(stored))
    assert recording.path == f"2026/11/22/call-7.{recording.sealed_sha256[:12]}.flac.sealed"
    assert (recording.started_at, recording.duration_s) == (STARTED, 0.2)
    assert (recording.lost_ms, recording.truncated) == (20, False)
    assert decode_marks(recording.marks) == (Mark(160, 180, MarkKind.CONCEALED, 0),)
    assert FinalizedRecording.from_json(json.loads(json.dumps(recording.to_json()))) == recording
    waveform = whole(vault.open(recording.peaks_path, recording.key, peaks_id("call-7")))
    assert len(waveform) == 24 + 4 * 10


def test_nothing_readable_lies_on_the_disk(tmp_path: Path, vault: Vault) -> None:
    """Neither the file nor its key, sealed files only; and where they were made nothing is left."""
    recording = vault.ingest(job(spool_of(tmp_path / "a.spool")))
    assert files_below(tmp_path / "sealing") == []
    for path in files_below(tmp_path / "store"):
        assert path.read_bytes().startswith(b"DLRSEALD")
    assert {path.name.split(".", 2)[2] for path in files_below(tmp_path / "store")} == {"flac.sealed", "peaks.sealed"}
    assert recording.key.wrapped.hex() not in repr(recording)
    assert KEY.hex() not in repr(vault_in(tmp_path))


def test_a_spool_in_two_directories_is_one_recording(tmp_path: Path, vault: Vault) -> None:
    (tmp_path / "second").mkdir()
    with SpoolWriter.create(tmp_path / "a.spool", STARTED) as writer:
        writer.audio(0, 0, CODES[:160])
    size = (tmp_path / "a.spool").stat().st_size
    with SpoolWriter.create(tmp_path / "second" / "a.spool", STARTED, size) as writer:
        writer.audio(0, 160, CODES[160:320])
        writer.end(320)
    recording = vault.ingest(job(tmp_path / "second" / "a.spool", tmp_path / "a.spool"))
    assert (recording.duration_s, recording.truncated) == (0.04, False)
    assert np.all(samples_in(vault, recording, recording.key)[:, 0] != 0)


@pytest.mark.parametrize("kept", [b"", encode_header(STARTED)])
def test_what_is_missing_from_the_first_directory_is_marked(tmp_path: Path, vault: Vault, kept: bytes) -> None:
    """Its disk is away, or did not keep what it had promised."""
    (tmp_path / "second").mkdir()
    (tmp_path / "a.spool").write_bytes(kept)
    with SpoolWriter.create(tmp_path / "second" / "a.spool", STARTED, 32 + 2 * 176) as writer:
        writer.audio(0, 320, CODES[:160])
        writer.audio(1, 320, CODES[:160])
        writer.end(480)
    recording = vault.ingest(job(tmp_path / "a.spool", tmp_path / "second" / "a.spool"))
    assert decode_marks(recording.marks) == tuple(Mark(0, 40, MarkKind.DAMAGED, channel) for channel in (0, 1))
    assert recording.truncated


def test_a_pause_is_silent_and_marked(tmp_path: Path, vault: Vault) -> None:
    with SpoolWriter.create(tmp_path / "a.spool", STARTED) as writer:
        writer.audio(0, 0, b"\x2a" * 800)
        writer.paused(800)
        writer.resumed(8000)
        writer.audio(0, 8000, b"\x2a" * 800)
        writer.paused(8800)
        writer.end(9600)
    recording = vault.ingest(job(tmp_path / "a.spool"))
    assert not samples_in(vault, recording, recording.key)[800:8000].any()
    pauses = (Mark(100, 1000, MarkKind.PAUSED, None), Mark(1100, 1200, MarkKind.PAUSED, None))
    assert decode_marks(recording.marks) == pauses
    assert (recording.truncated, recording.lost_ms) == (False, 0)


def test_damage_is_marked_where_it_may_have_been(tmp_path: Path, vault: Vault) -> None:
    with SpoolWriter.create(tmp_path / "a.spool", STARTED) as writer:
        for index in range(6):
            writer.audio(index % 2, index // 2 * 160, b"\x2a" * 160)
        writer.end(480)
    data = bytearray((tmp_path / "a.spool").read_bytes())
    data[32 + 2 * 176 + 20] ^= 1  # in the record of channel 0 at 160
    (tmp_path / "a.spool").write_bytes(bytes(data))
    recording = vault.ingest(job(tmp_path / "a.spool"))
    assert decode_marks(recording.marks) == (Mark(20, 40, MarkKind.DAMAGED, 0),)
    assert recording.truncated


def test_a_spool_without_end_is_marked(tmp_path: Path, vault: Vault) -> None:
    assert vault.ingest(job(spool_of(tmp_path / "a.spool", ended=False))).truncated


def test_a_call_without_audio_is_a_recording_too(tmp_path: Path, vault: Vault) -> None:
    with SpoolWriter.create(tmp_path / "a.spool", STARTED) as writer:
        writer.end(0)
    recording = vault.ingest(job(tmp_path / "a.spool"))
    assert (recording.duration_s, recording.silence_share) == (0.0, 1.0)
    assert not samples_in(vault, recording, recording.key).any()


def test_once_more_is_another_object_under_another_key(tmp_path: Path, vault: Vault) -> None:
    """As after a crash before anybody was told: what the first attempt left is removed, and opens with neither key."""
    spool = spool_of(tmp_path / "a.spool")
    first = vault.ingest(job(spool))
    (tmp_path / "store/2026/11/22/a.somebody.else.sealed").write_bytes(b"kept")
    again = vault.ingest(job(spool))
    assert flac_of(vault, first, first.key) == flac_of(vault, again, again.key)
    vault.remove_others(again)
    assert first.sha256 == again.sha256
    assert first.path != again.path
    with pytest.raises(SealBrokenError):
        vault.open(again.path, first.key, "a")
    with pytest.raises(ObjectMissingError, match=r"recording a: the store holds no 2026"):
        vault.open(first.path, first.key, "a")
    left = {path.name for path in files_below(tmp_path / "store")}
    assert left == {Path(again.path).name, Path(again.peaks_path).name, "a.somebody.else.sealed"}


def test_the_waveform_does_not_pass_for_the_audio(tmp_path: Path, vault: Vault) -> None:
    recording = vault.ingest(job(spool_of(tmp_path / "a.spool")))
    with pytest.raises(SealBrokenError):
        vault.open(recording.peaks_path, recording.key, "a")


@pytest.mark.parametrize("recording_id", ["", "../a", "a/b", ".hidden", "*", "x" * 65])
def test_ids_stay_inside_the_store(tmp_path: Path, vault: Vault, recording_id: str) -> None:
    spool = spool_of(tmp_path / "a.spool")
    with pytest.raises(RecordingError, match="not a recording's id"):
        vault.ingest(Ingest(recording_id, (spool,)))


def test_a_staging_directory_that_cannot_be_used_keeps_the_spool(tmp_path: Path, vault: Vault) -> None:
    (tmp_path / "sealing").write_text("a file where a directory should be")
    spool = spool_of(tmp_path / "a.spool")
    with pytest.raises(RecordingError, match=r"recording a could not be sealed.*the spool is kept"):
        vault.ingest(job(spool))
    assert spool.exists()


def test_a_missing_spool_is_named(tmp_path: Path, vault: Vault) -> None:
    with pytest.raises(SpoolError, match="no such spool"):
        vault.ingest(job(tmp_path / "gone.spool"))
    with pytest.raises(SpoolError, match="no such spool"):
        vault.ingest(Ingest("gone", ()))
    (tmp_path / "directory.spool").mkdir()
    with pytest.raises(RecordingError, match="cannot read the spool"):
        vault.ingest(job(tmp_path / "directory.spool"))


def test_a_header_alone_is_a_truncated_recording(tmp_path: Path, vault: Vault) -> None:
    """What a kill right after the start leaves behind."""
    (tmp_path / "a.spool").write_bytes(encode_header(STARTED))
    assert vault.ingest(job(tmp_path / "a.spool")).truncated
    (tmp_path / "b.spool").write_bytes(encode_header(STARTED)[:20])
    with pytest.raises(SpoolError):
        vault.ingest(job(tmp_path / "b.spool"))


def test_what_a_killed_worker_left_is_removed(tmp_path: Path, vault: Vault) -> None:
    recording = vault.ingest(job(spool_of(tmp_path / "a.spool")))
    (tmp_path / "sealing" / "b.123").mkdir()
    (tmp_path / "sealing" / "b.123" / "flac").write_bytes(b"half")
    assert vault.clean() == 1
    assert files_below(tmp_path / "sealing") == []
    assert flac_of(vault, recording, recording.key)


@pytest.mark.parametrize(
    ("number", "error", "said"),
    [(errno.ENOSPC, StoreFullError, "no room to seal recording a"), (errno.EIO, RecordingError, "could not be sealed")],
)
def test_a_disk_that_refuses_is_named(
    tmp_path: Path, vault: Vault, number: int, error: type[Exception], said: str
) -> None:
    def refuse(sink: Sink) -> Laid:
        raise OSError(number, "refused")

    with pytest.raises(error, match=rf"{said}.*the spool is kept"):
        vault.keep("a", STARTED, refuse)
    assert files_below(tmp_path) == []


class _FullDisk(io.BytesIO):
    """Takes the header and nothing more."""

    def write(self, data: "ReadableBuffer") -> int:
        if self.tell():
            raise OSError(errno.ENOSPC, "full")
        return super().write(data)


def test_the_reason_gets_past_the_encoder() -> None:
    """libsndfile, in C, only learns that something failed."""
    audio = FlacWriter(SealWriter(_FullDisk(), KEY, "a"), "a", STARTED)
    noise = np.random.default_rng(1).integers(-(1 << 15), 1 << 15, (2, 80_000), dtype=np.int16)
    with pytest.raises(OSError, match="full"):
        audio.write(noise)
    audio.abandon()


def test_a_file_that_is_not_what_was_written_is_refused() -> None:
    stream = io.BytesIO()
    audio = FlacWriter(SealWriter(stream, KEY, "a"), "a", STARTED)
    audio.write(np.ones((2, 1000), dtype=np.int16))
    audio.finish()
    sealed = stream.getvalue()
    reader = SealedReader(lambda offset, n: sealed[offset : offset + n], len(sealed), KEY, "a")
    assert read_back(reader, audio.checksum, 1000) == hashlib.sha256(whole(reader)).hexdigest()
    for checksum, n_samples in ((audio.checksum ^ 1, 1000), (audio.checksum, 999)):
        with pytest.raises(RecordingError, match="not what was written"):
            read_back(reader, checksum, n_samples)


def test_the_worker_answers_each_job_with_a_line(tmp_path: Path, settings: VaultSettings) -> None:
    good = spool_of(tmp_path / "a.spool")
    empty = tmp_path / "b.spool"
    empty.write_bytes(b"")
    lines = "".join(json.dumps(job(path).to_json()) + "\n" for path in (good, empty))
    answers = io.StringIO()
    serve(io.StringIO(settings.to_line() + lines), answers)
    first, second = (json.loads(line) for line in answers.getvalue().splitlines())
    recording = FinalizedRecording.from_json(first["recording"])
    assert len(samples_in(settings.open(), recording, recording.key)) == 1600
    assert second["kind"] == "spool"
    (tmp_path / "directory.spool").mkdir()
    assert answer(settings, job(tmp_path / "directory.spool"))["kind"] == "other"
    serve(io.StringIO(""), answers)
    assert os.listdir(tmp_path / "sealing") == []
