"""Keys and encryption at rest."""

import os
from pathlib import Path

import pytest

from dialer.errors import ConfigError, StorageError
from dialer.storage.crypto import Cipher, load_or_create_key, parse_key

KEY = bytes(range(32))


def test_seals_and_opens() -> None:
    cipher = Cipher(KEY)
    sealed = cipher.seal("张三".encode(), b"name")
    assert Cipher(KEY).open(sealed, b"name") == "张三".encode()
    assert cipher.seal("张三".encode(), b"name") != sealed
    assert "张三".encode() not in sealed


@pytest.mark.parametrize("damage", ["altered", "truncated", "empty", "other purpose", "other key"])
def test_opens_nothing_else(damage: str) -> None:
    sealed = Cipher(KEY).seal(b"+8613800001234", b"phone")
    if damage == "altered":
        sealed = sealed[:-1] + bytes([sealed[-1] ^ 1])
    if damage in ("truncated", "empty"):
        sealed = sealed[:20] if damage == "truncated" else b""
    cipher = Cipher(KEY[::-1]) if damage == "other key" else Cipher(KEY)
    with pytest.raises(StorageError, match="does not open"):
        cipher.open(sealed, b"name" if damage == "other purpose" else b"phone")


def test_index_is_stable_keyed_and_says_nothing() -> None:
    index = Cipher(KEY).number_index("+8613800001234")
    assert index == Cipher(KEY).number_index("+8613800001234")
    assert index != Cipher(KEY).number_index("+8613800001235")
    assert index != Cipher(KEY[::-1]).number_index("+8613800001234")
    assert b"138" not in index


@pytest.mark.parametrize("length", [0, 16, 31, 33])
def test_keys_have_one_length(length: int) -> None:
    with pytest.raises(ConfigError, match=f"{length} bytes; give 32 bytes"):
        Cipher(bytes(length))
    with pytest.raises(ConfigError, match=f"{length} bytes; give 32 bytes"):
        parse_key(bytes(length).hex())


def test_a_bad_key_is_not_repeated() -> None:
    with pytest.raises(ConfigError) as caught:
        parse_key("correct horse battery staple")
    assert "horse" not in str(caught.value)


def test_key_file_is_made_once_and_for_its_owner_alone(tmp_path: Path) -> None:
    path = tmp_path / "data" / "secret.key"
    key = load_or_create_key(path)
    assert len(key) == 32
    assert load_or_create_key(path) == key
    assert path.stat().st_mode & 0o777 == 0o600
    assert os.listdir(path.parent) == ["secret.key"]


def test_key_file_others_may_read_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "secret.key"
    load_or_create_key(path)
    path.chmod(0o644)
    with pytest.raises(ConfigError, match="others may read the database key; run chmod 600"):
        load_or_create_key(path)


@pytest.mark.parametrize("content", ["", "zz", "ab" * 31])
def test_key_file_without_a_key_is_named(tmp_path: Path, content: str) -> None:
    path = tmp_path / "secret.key"
    path.write_text(content)
    path.chmod(0o600)
    with pytest.raises(ConfigError, match=r"secret\.key: database\.key"):
        load_or_create_key(path)


def test_key_file_that_cannot_be_made(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(ConfigError, match="cannot use the key file"):
        load_or_create_key(tmp_path / "file" / "secret.key")
