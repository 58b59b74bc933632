"""Hearing recordings over HTTP: ranges, sides, speeds, what the audit log says, and seals that are broken."""

import asyncio
import hashlib
import io
import json
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile
from numpy.typing import NDArray

from dialer.evidence.playing import MAX_LISTENERS, MAX_OF_ONE, PlayingBusyError
from dialer.model.account import Role
from dialer.model.recording import NewRecording
from tests.support.house import House, open_house
from tests.support.kept import ended_calls, keep, noise
from tests.support.storage import MONDAY

N_SAMPLES = 30_000
SAMPLES = noise(N_SAMPLES)


@dataclass(frozen=True)
class Kept:
    """A house with one sealed recording, `r-1`."""

    house: House
    recording: NewRecording
    store: Path

    async def get(self, path: str, role: Role = Role.QA, **headers: str) -> tuple[int, Mapping[str, str], bytes]:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        async with self.house.api.get(f"/v1/recordings/r-1{path}", headers=self.house.auth(role) | named) as answer:
            return answer.status, answer.headers, await answer.read()

    async def heard(self) -> list[str]:
        """What the audit log says of listenings, oldest first."""
        entries = await self.house.storage.audit.list("recording/r-1")
        return [entry.detail for _, entry in reversed(entries) if entry.action == "recording.audio"]


@pytest.fixture
async def kept(tmp_path: Path) -> AsyncIterator[Kept]:
    async with open_house(tmp_path) as house:
        (attempt,) = await ended_calls(house.storage, [7])
        recording = await keep(house.storage, house.keeper.vault, "r-1", attempt.attempt_id, MONDAY, SAMPLES)
        yield Kept(house, recording, tmp_path / "recordings")


def _samples(body: bytes) -> NDArray[np.int16]:
    samples: NDArray[np.int16] = soundfile.read(io.BytesIO(body), dtype="int16", always_2d=True)[0]
    return samples


async def test_the_file_is_the_one_whose_hash_is_on_record(kept: Kept) -> None:
    status, headers, body = await kept.get("/audio")
    assert (status, headers["Content-Type"], headers["Cache-Control"]) == (200, "audio/flac", "private, no-store")
    assert hashlib.sha256(body).hexdigest() == kept.recording.sha256
    assert headers["ETag"] == f'"{kept.recording.sha256}"'
    assert np.array_equal(_samples(body), SAMPLES)
    status, headers, part = await kept.get("/audio", Range="bytes=100-199")
    assert (status, part, headers["Content-Range"]) == (206, body[100:200], f"bytes 100-199/{len(body)}")
    status, _, part = await kept.get("/audio", Range="bytes=100-", If_Range='"another"')
    assert (status, part) == (200, body), "what changed since is sent whole"
    status, headers, _ = await kept.get("/audio", Range=f"bytes={len(body)}-")
    assert (status, headers["Content-Range"]) == (416, f"bytes */{len(body)}")


async def test_one_side_as_wav_in_ranges(kept: Kept) -> None:
    status, headers, body = await kept.get("/audio?channel=far")
    assert (status, headers["Content-Type"]) == (200, "audio/wav")
    assert np.array_equal(_samples(body)[:, 0], SAMPLES[:, 0])
    status, _, part = await kept.get("/audio?channel=far", Range="bytes=-1001", If_Range=headers["ETag"])
    assert (status, part) == (206, body[-1001:])
    _, _, near = await kept.get("/audio?format=wav&channel=near")
    assert np.array_equal(_samples(near)[:, 0], SAMPLES[:, 1])


async def test_another_speed_is_not_sent_in_ranges(kept: Kept) -> None:
    status, headers, body = await kept.get("/audio?speed=2&from_ms=1000", Range="bytes=0-9")
    assert (status, "Accept-Ranges" in headers, "ETag" in headers) == (200, False, False)
    assert len(_samples(body)) == (N_SAMPLES - 8000) // 2
    assert await kept.heard() == ["wav, both, speed 2 from 1000 ms"]


async def test_what_cannot_be_heard_is_said(kept: Kept) -> None:
    for asked in (
        "format=flac&channel=far",
        "format=flac&speed=2",
        "speed=4",
        "speed=nan",
        "from_ms=5",
        "channel=left",
    ):
        status, _, _ = await kept.get(f"/audio?{asked}")
        assert status == 422, asked
    assert await kept.heard() == []


async def test_one_listening_in_many_ranges_is_one_entry(kept: Kept) -> None:
    for begin in (0, 1000, 20_000, 0):
        await kept.get("/audio?format=wav", Range=f"bytes={begin}-{begin + 999}")
    assert await kept.heard() == ["wav, both: 0 to 4 s"]
    await kept.get("/audio?format=wav", Role.SUPERVISOR, Range="bytes=0-9")
    await kept.get("/audio?channel=near")
    assert await kept.heard() == ["wav, both: 0 to 4 s", "wav, both: 0 to 4 s", "wav, near: 0 to 4 s"]


async def test_a_broken_seal_is_an_error_and_an_alarm(kept: Kept, caplog: pytest.LogCaptureFixture) -> None:
    sealed = kept.store / kept.recording.path
    await asyncio.to_thread(_flip, sealed, 100)
    status, _, body = await kept.get("/audio?format=wav")
    assert (status, "verify it" in json.loads(body)["detail"]) == (500, True)
    alarms = [record for record in caplog.records if record.levelname == "ERROR"]
    assert {record.action for record in alarms} == {"recording_broken"}  # type: ignore[attr-defined]
    assert await kept.heard() == [], "nothing was heard"


async def test_the_waveform_and_the_marks(kept: Kept) -> None:
    status, headers, body = await kept.get("/peaks")
    assert (status, headers["Content-Type"], body[:8]) == (200, "application/octet-stream", b"DLRPEAKS")
    status, _, marks = await kept.get("/marks")
    assert (status, json.loads(marks)) == (200, {"items": []})


async def test_no_more_listeners_than_the_node_can_serve(kept: Kept) -> None:
    async with AsyncExitStack() as listeners:
        for nth in range(MAX_LISTENERS):
            await listeners.enter_async_context(kept.house.services.player.listening(f"account {nth}"))
        status, headers, _ = await kept.get("/audio")
        assert (status, headers["Retry-After"]) == (503, "5")
    status, _, _ = await kept.get("/audio")
    assert status == 200


async def test_one_listener_leaves_room_for_others(kept: Kept) -> None:
    player = kept.house.services.player
    async with AsyncExitStack() as listeners:
        for _ in range(MAX_OF_ONE):
            await listeners.enter_async_context(player.listening("account 1"))
        with pytest.raises(PlayingBusyError):
            await listeners.enter_async_context(player.listening("account 1"))
        assert (await kept.get("/audio"))[0] == 200
    await _nobody_listens(kept.house)
    async with player.listening("account 1"):
        assert player.n_listeners == 1


async def test_who_leaves_ends_the_work(kept: Kept) -> None:
    house, long = kept.house, np.zeros((600 * 8000, 2), dtype=np.int16)
    await keep(house.storage, house.keeper.vault, "long", kept.recording.attempt_id, MONDAY, long)
    headers, url = house.auth(Role.QA), "/v1/recordings/long"
    exported = [{"format": form, "reason": "a court asks"} for form in ("wav", "opus")]
    for path, body in (("/audio?format=wav", None), *(("/exports", each) for each in exported)):
        answer = await house.api.request("GET" if body is None else "POST", url + path, json=body, headers=headers)
        await answer.content.readexactly(1000)
        assert house.services.player.n_listeners == 1
        answer.close()
        await _nobody_listens(house)
    entries = await house.storage.audit.list("recording/long")
    ended = [entry.detail for _, entry in entries if entry.action == "recording.exported"]
    assert len(ended) == 2
    assert all(detail.startswith("cut short: sha256 ") for detail in ended)


async def _nobody_listens(house: House) -> None:
    for _ in range(1000):
        if not house.services.player.n_listeners:
            return
        await asyncio.sleep(0.01)
    raise AssertionError("somebody still listens")


def _flip(path: Path, at: int) -> None:
    path.chmod(0o600)
    content: Any = bytearray(path.read_bytes())
    content[at] ^= 1
    path.write_bytes(content)
