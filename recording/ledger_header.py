"""What an entry of the ledger says of itself and of other chains, as far as a check needs it. Pure."""

from datetime import datetime

import msgspec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from recording.heads import key_id_of
from recording.ledger import VERSION, Entry, EntryKind


class Place(msgspec.Struct, frozen=True):
    """A link of a chain of proofs, and its hash in hex, as an entry names it."""

    chain: str
    sequence: int
    hash: str


class EntryHeader(msgspec.Struct, frozen=True):
    """What an entry's content says of its place; of a key, where it tells of one; of links of the chains of proofs:
    a recording's attempt's newest (`proof`), or where all of them stand (`heads`).
    """

    v: int
    chain: str
    sequence: int
    kind: str
    subject: str
    at: datetime
    key_id: str = ""
    public_key: str = ""
    proof: Place | None = None
    heads: tuple[Place, ...] = ()


_decoder = msgspec.json.Decoder(EntryHeader)


def read_header(body: bytes) -> EntryHeader | None:
    """The header in an entry's content; None: it is not an entry of this program."""
    try:
        header = _decoder.decode(body)
    except (msgspec.MsgspecError, UnicodeDecodeError):
        return None
    return header if header.v == VERSION else None


def key_named_by(entry: Entry) -> Ed25519PublicKey | None:
    """The key that a SIGNING_KEY entry names; None: it is another entry, or its key does not give its id."""
    header = read_header(entry.body)
    return key_of(header) if header is not None and header.kind == EntryKind.SIGNING_KEY else None


def key_of(header: EntryHeader) -> Ed25519PublicKey | None:
    """The key it names; None: none whose id it gives."""
    try:
        key = Ed25519PublicKey.from_public_bytes(bytes.fromhex(header.public_key))
    except ValueError:
        return None
    return key if key_id_of(key) == header.key_id else None
