"""Encryption at rest: numbers, names and notes are sealed, numbers also get a keyed index to find them by.

AES-256-GCM with a random 96-bit nonce per value (NIST SP 800-38D §8.2.2), the value's purpose as associated data so
that one kind of value never passes for another; HMAC-SHA-256 for the index. Both keys come from the database key.
"""

import hmac
import os
from pathlib import Path

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from dialer.errors import ConfigError, StorageError
from dialer.key_files import read_or_make

KEY_BYTES = 32
NONCE_BYTES = 12  # NIST SP 800-38D §8.2.2
INDEX_BYTES = 16
"""Bytes kept of the index: 128 bits tell apart more numbers than exist."""


class Cipher:
    """Seals and opens values with keys derived from the database key."""

    def __init__(self, key: bytes) -> None:
        """`key`: 32 bytes. Raises ConfigError for any other length."""
        if len(key) != KEY_BYTES:
            raise ConfigError(f"database.key: {len(key)} bytes; give 32 bytes as 64 hexadecimal digits")
        self._aead = AESGCM(_derive(key, b"dialer storage seal"))
        self._index_key = _derive(key, b"dialer storage index")
        self.check_value = hmac.digest(_derive(key, b"dialer storage check"), b"key check", "sha256")

    def seal(self, plain: bytes, purpose: bytes) -> bytes:
        """Nonce, ciphertext and tag in one value."""
        nonce = os.urandom(NONCE_BYTES)
        return nonce + self._aead.encrypt(nonce, plain, purpose)

    def open(self, sealed: bytes, purpose: bytes) -> bytes:
        """The plain value. Raises StorageError when it was altered or sealed for something else."""
        try:
            return self._aead.decrypt(sealed[:NONCE_BYTES], sealed[NONCE_BYTES:], purpose)
        except (InvalidTag, ValueError) as error:  # altered, or too short to be anything
            message = "an encrypted value does not open: the database was altered; restore it from a backup"
            raise StorageError(message) from error

    def number_index(self, number: str) -> bytes:
        """What a number (E.164) is found by; equal numbers give equal indexes, without the key nothing can be told."""
        return hmac.digest(self._index_key, number.encode(), "sha256")[:INDEX_BYTES]

    def keyed_digest(self, content: bytes, purpose: bytes) -> bytes:
        """Tells equal contents of one purpose, and nothing else: a plain hash of a number could be guessed."""
        return hmac.digest(self._index_key, purpose + b"\0" + content, "sha256")


def parse_key(text: str) -> bytes:
    """The database key from its 64 hexadecimal digits; ConfigError says what is wrong, never what was given."""
    try:
        key = bytes.fromhex(text.strip())
    except ValueError as error:
        raise ConfigError("database.key: not hexadecimal; give 32 bytes as 64 hexadecimal digits") from error
    if len(key) != KEY_BYTES:
        raise ConfigError(f"database.key: {len(key)} bytes; give 32 bytes as 64 hexadecimal digits")
    return key


def load_or_create_key(path: Path) -> bytes:
    """Reads the key file, or makes it once (mode 0600, flushed to disk before anything is encrypted with it).

    Raises:
        ConfigError: the file cannot be read or written, others may read it, or it holds no key.
    """
    text = read_or_make(path, lambda: f"{os.urandom(KEY_BYTES).hex()}\n", "database key")
    try:
        return parse_key(text)
    except ConfigError as error:
        raise ConfigError(f"{path}: {error}") from error


def _derive(key: bytes, info: bytes) -> bytes:
    """HKDF (RFC 5869) without salt: the input is a uniformly random key already."""
    return HKDF(algorithm=SHA256(), length=KEY_BYTES, salt=None, info=info).derive(key)
