"""A new key-encryption key while the house is open: keys are wrapped anew, audio stays, lost keys are told of."""

import asyncio
from collections.abc import Mapping
from pathlib import Path

from typer.testing import CliRunner

from dialer.cli.main import app
from dialer.config_recordings import RecordingsConfig
from dialer.model.account import Role
from dialer.model.recording import WrappedKey
from dialer.storage.recording_keys import KeyChange
from recording.keys import kek_id_of
from tests.support.house import House, open_house
from tests.support.kept import ended_calls, keep, noise
from tests.support.storage import MONDAY
from tests.support.vaults import decoded, whole

FIRST, SECOND, FOREIGN = (bytes([n]) * 32 for n in (1, 2, 3))


def recordings(current: bytes, *old: bytes) -> RecordingsConfig:
    return RecordingsConfig(key=current.hex(), old_keys=tuple(key.hex() for key in old))


async def kept_in(house: House, n_recordings: int) -> list[str]:
    """Recordings of as many calls, made with the keys the house has."""
    calls = await ended_calls(house.storage, [None] * n_recordings)
    ids = [f"node1-{call.attempt_id}" for call in calls]
    for call, recording_id in zip(calls, ids, strict=True):
        await keep(house.storage, house.keeper.vault, recording_id, call.attempt_id, MONDAY, noise(800))
    return ids


async def n_samples_in(house: House, recording_id: str) -> int:
    info = await house.storage.recordings.get(recording_id)
    assert info is not None
    return len(decoded(await asyncio.to_thread(whole, await house.keeper.open(info))))


def stored_in(folder: Path) -> Mapping[Path, int]:
    return {path: path.stat().st_mtime_ns for path in (folder / "recordings").rglob("*.sealed")}


async def rewrap(house: House, role: Role = Role.ADMINISTRATOR) -> tuple[int, str]:
    """The command's status and what it printed."""
    words = ["recordings", "rewrap", "--url", str(house.api.make_url("")), "--token", house.tokens[role]]
    done = await asyncio.to_thread(CliRunner(env={"COLUMNS": "160"}).invoke, app, words)
    return done.exit_code, done.output


async def test_keys_are_wrapped_anew_and_the_audio_is_not_touched(tmp_path: Path) -> None:
    async with open_house(tmp_path, recordings=recordings(FIRST)) as house:
        ids = await kept_in(house, 3)
    stored = await asyncio.to_thread(stored_in, tmp_path)
    async with open_house(tmp_path, new_tokens=False, recordings=recordings(SECOND, FIRST)) as house:
        assert await n_samples_in(house, ids[0]) == 800
        status, said = await rewrap(house)
        assert (status, said.count("3 keys of recordings are wrapped anew")) == (0, 1)
        assert (await rewrap(house))[1].startswith("0 keys of recordings"), "nothing is done twice"
        assert await house.storage.recording_keys.counts() == {kek_id_of(SECOND): 3}
        log = await house.storage.audit.list(subject=f"key/{kek_id_of(SECOND)}", limit=9)
        assert [entry.detail for _, entry in log][-1] == "3 wrapped anew, 0 not to be opened"
    async with open_house(tmp_path, new_tokens=False, recordings=recordings(SECOND)) as house:
        assert [await n_samples_in(house, recording_id) for recording_id in ids] == [800] * 3
    assert await asyncio.to_thread(stored_in, tmp_path) == stored


async def test_what_no_key_opens_is_left_and_told_of(tmp_path: Path) -> None:
    async with open_house(tmp_path, recordings=recordings(FIRST)) as house:
        ids = await kept_in(house, 2)
    async with open_house(tmp_path, new_tokens=False, recordings=recordings(FOREIGN)) as house:
        status, said = await rewrap(house)
        assert status == 1
        assert f"2 recordings open with no key of this node, e.g. {ids[0]}" in said
        assert await house.storage.recording_keys.counts() == {kek_id_of(FIRST): 2}
        url, headers = "/v1/recording-keys/rewrap", house.auth(Role.ADMINISTRATOR)
        async with house.api.post(url, json={"limit": 1}, headers=headers) as answer:
            assert await answer.json() == {"rewrapped": 0, "lost": ids[:1], "next": ids[0]}
        async with house.api.post(url, json={"limit": 1}, headers=house.auth(Role.AUDITOR)) as answer:
            assert answer.status == 403


async def test_a_key_destroyed_meanwhile_does_not_come_back(tmp_path: Path) -> None:
    async with open_house(tmp_path, recordings=recordings(FIRST)) as house:
        await kept_in(house, 1)
        stored = house.storage.recording_keys
        [(recording_id, old)] = (await stored.wrapped_otherwise("", "", 9)).items()
        gone = KeyChange(recording_id, WrappedKey(old.kek_id, b"another"), WrappedKey("new", b"new"))
        assert await stored.replace([gone]) == 0
        assert await house.storage.recordings.key(recording_id) == old
