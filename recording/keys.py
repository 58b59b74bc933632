"""Keys of recordings: each recording has its own, wrapped by a key-encryption key.

Only wrapped keys are stored, so that a new key-encryption key means wrapping 60 bytes a recording again and no audio;
and so that a recording is destroyed by destroying those 60 bytes, wherever copies of its audio lie.

Wrapped: a 96-bit random nonce, then the key under AES-256-GCM with the recording's id as associated data: a key that
is moved to another recording does not open. Random nonces are good for 2^32 wraps under one key (NIST SP 800-38D §8.3):
more than a hundred years of 100,000 recordings a day.
"""

import hashlib
import os
from collections.abc import Iterable
from dataclasses import dataclass, field

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from recording.errors import KeyLostError

KEY_BYTES = 32
KEK_ID_DIGITS = 16
_NONCE_BYTES = 12
_PURPOSE = b"recording key\0"


@dataclass(frozen=True, slots=True)
class Wrapped:
    """A recording's key as it may be stored; `kek_id` names the key-encryption key that opens it."""

    kek_id: str
    wrapped: bytes = field(repr=False)


def kek_id_of(key: bytes) -> str:
    """The name of a key-encryption key, the start of its SHA-256 in hex: it tells keys apart and nothing about them."""
    return hashlib.sha256(key).hexdigest()[:KEK_ID_DIGITS]


class KeyRing:
    """The key-encryption keys a node has: the current one wraps, all of them unwrap."""

    def __init__(self, current: bytes, old: Iterable[bytes] = ()) -> None:
        """Raises ValueError when a key is not 32 bytes long."""
        keys = (*old, current)
        if any(len(key) != KEY_BYTES for key in keys):
            raise ValueError(f"a key-encryption key is {KEY_BYTES} bytes long")
        self.current_id = kek_id_of(current)
        self._keys = {kek_id_of(key): key for key in keys}

    @classmethod
    def from_hex(cls, keys: Iterable[str]) -> "KeyRing":
        """The ring that `to_hex` wrote down, the current key first."""
        current, *old = (bytes.fromhex(key) for key in keys)
        return cls(current, old)

    def to_hex(self) -> list[str]:
        """Every key, the current one first, for a pipe to a process of our own; never for a file or a log."""
        ids = [self.current_id, *(kek_id for kek_id in self._keys if kek_id != self.current_id)]
        return [self._keys[kek_id].hex() for kek_id in ids]

    def holds(self, kek_id: str) -> bool:
        """Whether it unwraps what that key-encryption key wrapped."""
        return kek_id in self._keys

    def new_key(self) -> bytes:
        """A fresh key for one recording."""
        return os.urandom(KEY_BYTES)

    def wrap(self, key: bytes, recording_id: str) -> Wrapped:
        """The key as it may be stored, under the current key-encryption key."""
        nonce = os.urandom(_NONCE_BYTES)
        aead = AESGCM(self._keys[self.current_id])
        return Wrapped(self.current_id, nonce + aead.encrypt(nonce, key, _PURPOSE + recording_id.encode()))

    def unwrap(self, wrapped: Wrapped, recording_id: str) -> bytes:
        """The recording's key. Raises KeyLostError when no key here opens it."""
        kek = self._keys.get(wrapped.kek_id)
        if kek is None:
            raise KeyLostError(
                f"recording {recording_id}: its key is wrapped by the key-encryption key {wrapped.kek_id}, which is "
                "not here; add that key to recordings.old_keys, from the backup of your keys"
            )
        nonce, sealed = wrapped.wrapped[:_NONCE_BYTES], wrapped.wrapped[_NONCE_BYTES:]
        try:
            return AESGCM(kek).decrypt(nonce, sealed, _PURPOSE + recording_id.encode())
        except (InvalidTag, ValueError) as error:  # altered, or too short to be anything
            raise KeyLostError(
                f"recording {recording_id}: its wrapped key was altered, or is another recording's; restore it from a "
                "backup of the database"
            ) from error

    def rewrap(self, wrapped: Wrapped, recording_id: str) -> Wrapped:
        """The same key under the current key-encryption key. Raises KeyLostError."""
        return self.wrap(self.unwrap(wrapped, recording_id), recording_id)
