"""Signed heads: where a chain of the ledger stands, as a text that its node's key signs. Pure.

A head's statement is seven lines of text, so that anybody can read what was signed and check it with public tools; the
signature is Ed25519 (RFC 8032), 64 raw bytes over exactly these lines. A key is named by the SHA-256 of its
SubjectPublicKeyInfo (RFC 5280 §4.1.2.7), in hex. What a time-stamping authority stamps is the statement followed by the
signature.
"""

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_pem_public_key

TITLE = "dialer ledger head"
VERSION = 1
FIELDS = ("version", "chain", "sequence", "hash", "signed at", "key")
SIGNATURE_BYTES = 64  # RFC 8032 §5.1.6
HASH_BYTES = 32
_PEM_END = b"-----END PUBLIC KEY-----"


@dataclass(frozen=True, slots=True)
class Head:
    """The entry a chain has come to. `hash` in hex, so that it can be written down."""

    chain: str
    sequence: int
    hash: str

    def __str__(self) -> str:
        """As it is noted: CHAIN:SEQUENCE:HASH."""
        return f"{self.chain}:{self.sequence}:{self.hash}"


@dataclass(frozen=True, slots=True)
class Statement:
    """What is signed: the head, when, and by which key. `signed_at` is the node's own clock."""

    head: Head
    signed_at: datetime
    key_id: str

    def encode(self) -> bytes:
        """The text that is signed. ValueError: the chain's name cannot stand in one line."""
        chain = self.head.chain
        if not chain.isprintable() or chain != chain.strip() or not chain:
            raise ValueError(f"{chain!r} cannot name a chain: it is empty, or holds line breaks or outer spaces")
        at = self.signed_at.astimezone(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")
        values = (VERSION, chain, self.head.sequence, self.head.hash, at, self.key_id)
        lines = (f"{name}: {value}\n" for name, value in zip(FIELDS, values, strict=True))
        return f"{TITLE}\n{''.join(lines)}".encode()


@dataclass(frozen=True, slots=True)
class SignedHead:
    """A statement, word for word, its signature, and what a time-stamping authority answered to both (DER)."""

    statement: bytes
    signature: bytes
    stamp: bytes | None = None

    @property
    def stamped(self) -> bytes:
        """What a stamp is over."""
        return self.statement + self.signature

    @property
    def said(self) -> Statement | None:
        """The statement read; None: it is not one."""
        try:
            return read_statement(self.statement)
        except ValueError:
            return None

    def is_by(self, key: Ed25519PublicKey) -> bool:
        """Whether this key signed it."""
        try:
            key.verify(self.signature, self.statement)
        except InvalidSignature:
            return False
        return True


def read_statement(text: bytes) -> Statement:
    """What a statement says. ValueError: it is not one of ours, to the letter."""
    try:
        _title, *lines = text.decode().splitlines()
        named = dict(line.split(": ", 1) for line in lines)
        head = Head(named["chain"], int(named["sequence"]), named["hash"])
        statement = Statement(head, datetime.fromisoformat(named["signed at"]), named["key"])
        same = statement.encode() == text
    except (ValueError, KeyError) as error:
        raise ValueError("not the statement of a head") from error
    if not same:
        raise ValueError("not the statement of a head as this program writes it")
    return statement


def sign_head(key: Ed25519PrivateKey, head: Head, signed_at: datetime) -> SignedHead:
    """The head, signed; `signed_at` is aware. ValueError: the chain's name cannot stand in one line."""
    statement = Statement(head, signed_at, key_id_of(key.public_key())).encode()
    return SignedHead(statement, key.sign(statement))


def parse_head(text: str) -> Head:
    """A head as it is noted, CHAIN:SEQUENCE:HASH (ValueError)."""
    place, _, digest = text.strip().rpartition(":")
    chain, _, number = place.rpartition(":")
    sequence = int(number)
    if not chain or sequence < 1 or len(bytes.fromhex(digest)) != HASH_BYTES:
        raise ValueError(f"{text!r} is not CHAIN:SEQUENCE:HASH")
    return Head(chain, sequence, digest.lower())


# ---- keys


def key_id_of(key: Ed25519PublicKey) -> str:
    """What a key is named by."""
    return hashlib.sha256(key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)).hexdigest()


def public_pem(key: Ed25519PublicKey) -> bytes:
    """A public key as `openssl pkey -pubin` reads it."""
    return key.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)


def read_public_keys(pem: bytes) -> tuple[Ed25519PublicKey, ...]:
    """The public keys of a PEM file, in its order. ValueError: it holds none, or others than Ed25519."""
    blocks = [block + _PEM_END + b"\n" for block in pem.split(_PEM_END)[:-1]]
    keys = tuple(key for block in blocks if isinstance(key := load_pem_public_key(block), Ed25519PublicKey))
    if not keys or len(keys) != len(blocks):
        raise ValueError("not a PEM file with Ed25519 public keys (-----BEGIN PUBLIC KEY-----)")
    return keys


def by_id(keys: Iterable[Ed25519PublicKey]) -> dict[str, Ed25519PublicKey]:
    """Keys by their names."""
    return {key_id_of(key): key for key in keys}
