"""The sections on recordings and on the ledger that proves them."""

from pathlib import Path
from typing import Literal

from pydantic import Field

from dialer.config_base import Secret, Section


class RecordingsConfig(Section):
    """Where finished recordings are kept, under which key, and who may hear them."""

    key: Secret = ""
    """Key-encryption key, 32 bytes in hex, that wraps every recording's own key. Empty: `key_command`, or made once in
    `data_dir`/recordings.key."""
    key_command: tuple[str, ...] = ()
    """A program and its arguments that print the key-encryption key in hex, for keys kept in an HSM or a vault."""
    old_keys: tuple[Secret, ...] = ()
    """Earlier key-encryption keys, until `dialer recordings rewrap` has wrapped everything with the current one."""
    store: str = ""
    """A directory, or `s3://BUCKET/PREFIX`; empty: `data_dir`/recordings."""
    s3_endpoint: str = ""
    """Of an S3 service that is not Amazon's, e.g. https://minio.bank.example:9000. Where it wants the
    bucket's name in the host, write it there: https://BUCKET.HOST."""
    s3_region: str = "us-east-1"
    """The bucket's region."""
    s3_access_key: Secret = ""
    """Empty: AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY and AWS_SESSION_TOKEN of the environment."""
    s3_secret_key: Secret = ""
    """Belongs to `s3_access_key`."""
    s3_ca_certificate: Path | None = None
    """PEM file with the certificate of the authority that vouches for `s3_endpoint`, where that is the house's own."""
    object_lock: Literal["off", "governance", "compliance"] = "off"
    """Locks calls' audio in an S3 store until the end of the legal minimum; the bucket must be made for it."""
    second_spool_dir: Path | None = None
    """On another disk: recordings go on there when the first one is full or fails."""
    collectors_hear_own: bool = False
    """Whether collectors may play the recordings of their own calls."""
    longest_pause_s: float = Field(default=120.0, gt=0, le=900)
    """A recording paused for this long goes on by itself."""
    transcriber: tuple[str, ...] = ()
    """A program that reads a WAV file and prints what was said as JSON; empty: nothing is transcribed."""


class EvidenceConfig(Section):
    """The ledger: who signs its heads, and who stamps them."""

    signing_key: Secret = ""
    """Ed25519 private key (PEM, PKCS #8) that signs this node's ledger; empty: made once in `data_dir`/ledger.key."""
    head_interval_s: float = Field(default=60.0, gt=0, le=86400)
    """How often a ledger that has grown is signed."""
    tsa_url: str = ""
    """A time-stamping authority (RFC 3161) that stamps signed heads; empty: none does."""
    tsa_certificate: Path | None = None
    """PEM file with the certificates the authority's answers are checked against."""
    tsa_interval_s: float = Field(default=3600.0, gt=0, le=604800)
    """How often the newest signed head is stamped."""
