"""Where the key-encryption keys of recordings come from, and what is said when one cannot be had."""

import stat
import sys
from pathlib import Path

import pytest

from dialer.config import Config, NodeConfig
from dialer.config_recordings import RecordingsConfig
from dialer.errors import ConfigError
from dialer.evidence.recording_keys import recording_keys
from recording.keys import kek_id_of

KEY, OLD = bytes([1]) * 32, bytes([2]) * 32


def config(folder: Path, **said: object) -> Config:
    return Config(node=NodeConfig(data_dir=folder), recordings=RecordingsConfig.model_validate(said))


def printing(what: str, status: int = 0) -> list[str]:
    return [sys.executable, "-c", f"import sys; print({what!r}); sys.exit({status})"]


def test_a_key_is_made_once_for_its_owner_only(tmp_path: Path) -> None:
    first = recording_keys(config(tmp_path)).current_id
    assert recording_keys(config(tmp_path)).current_id == first
    assert stat.S_IMODE((tmp_path / "recordings.key").stat().st_mode) == 0o600


def test_configured_keys_come_first_and_old_ones_stay_readable(tmp_path: Path) -> None:
    ring = recording_keys(config(tmp_path, key=KEY.hex(), old_keys=[OLD.hex()]))
    assert ring.to_hex() == [KEY.hex(), OLD.hex()]
    assert list(tmp_path.iterdir()) == []


def test_a_program_may_know_the_key(tmp_path: Path) -> None:
    ring = recording_keys(config(tmp_path, key_command=printing(KEY.hex())))
    assert ring.current_id == kek_id_of(KEY)


@pytest.mark.parametrize(
    ("said", "problem"),
    [
        ({"key": "ab" * 31}, r"recordings\.key: 31 bytes; give 32 bytes as 64 hexadecimal digits"),
        ({"key": "correct horse"}, r"recordings\.key: not hexadecimal"),
        ({"key": KEY.hex(), "old_keys": ["ab"]}, r"recordings\.old_keys: 1 bytes"),
        ({"key": KEY.hex(), "key_command": ["true"]}, "both given"),
        ({"key_command": ["/no/such/program"]}, "cannot be run"),
        ({"key_command": printing("", 3)}, "ended with status 3"),
        ({"key_command": printing("horse")}, "key_command: not hexadecimal"),
    ],
)
def test_what_is_wrong_is_said_and_never_what_was_given(tmp_path: Path, said: dict[str, object], problem: str) -> None:
    with pytest.raises(ConfigError, match=problem) as caught:
        recording_keys(config(tmp_path, **said))
    assert "horse" not in str(caught.value).replace("/horse", "")


def test_a_program_that_hangs_is_not_waited_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("dialer.evidence.recording_keys.COMMAND_TIMEOUT_S", 0.1)
    with pytest.raises(ConfigError, match="gave no key within"):
        recording_keys(config(tmp_path, key_command=[sys.executable, "-c", "import time; time.sleep(30)"]))
