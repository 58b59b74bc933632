"""The key that signs a node's ledger, and what the node knows of its own chain outside of the database.

Whoever can write the database can make the ledger anew; what he cannot do is change these files. `ledger.key` signs,
`ledger.pub` holds the public keys the node ever signed with, and `ledger.head` the last head it signed: against these
a check finds what was rewritten, and the node refuses to sign it.
"""

from pathlib import Path

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, load_pem_private_key

from dialer.config import Config
from dialer.errors import ConfigError
from dialer.key_files import read_or_make, write_whole
from recording.heads import Head, by_id, key_id_of, parse_head, public_pem, read_public_keys

KEY_FILE = "ledger.key"
PUBLIC_FILE = "ledger.pub"
HEAD_FILE = "ledger.head"


def signing_key(config: Config) -> Ed25519PrivateKey:
    """The key of this node, made once when the configuration names none. Blocks; raises ConfigError."""
    path = config.node.data_dir / KEY_FILE
    given = config.evidence.signing_key
    text, where = (given, "evidence.signing_key") if given else (read_or_make(path, _new_key, "signing key"), str(path))
    try:
        key = load_pem_private_key(text.encode(), password=None)
    except (ValueError, TypeError, UnsupportedAlgorithm) as error:
        raise ConfigError(f"{where}: not a private key; make one with `openssl genpkey -algorithm ed25519`") from error
    if not isinstance(key, Ed25519PrivateKey):
        raise ConfigError(f"{where}: not an Ed25519 key; make one with `openssl genpkey -algorithm ed25519`")
    return key


def _new_key() -> str:
    return Ed25519PrivateKey.generate().private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode("ascii")


def own_keys(config: Config) -> dict[str, Ed25519PublicKey]:
    """The public keys this node signs with or signed with, by their ids; empty: it never did. Blocks; ConfigError."""
    path = config.node.data_dir / PUBLIC_FILE
    return by_id(read_key_file(path)) if path.exists() else {}


def read_key_file(path: Path) -> tuple[Ed25519PublicKey, ...]:
    """The public keys of a PEM file. Blocks; raises ConfigError."""
    try:
        return read_public_keys(path.read_bytes())
    except OSError as error:
        raise ConfigError(f"{path}: cannot read it: {error.strerror}") from error
    except ValueError as error:
        raise ConfigError(f"{path}: {error}") from error


def publish(config: Config, key: Ed25519PublicKey) -> None:
    """Adds a key to the node's public ones, after those before it. Blocks; raises ConfigError."""
    known = own_keys(config)
    if key_id_of(key) not in known:
        path = config.node.data_dir / PUBLIC_FILE
        _write(path, b"".join(public_pem(one) for one in (*known.values(), key)))


def signed_head(config: Config) -> Head | None:
    """The last head this node signed, as it noted it; None: none yet. Blocks; raises ConfigError."""
    path = config.node.data_dir / HEAD_FILE
    try:
        return parse_head(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return None
    except (OSError, ValueError) as error:
        raise ConfigError(f"{path}: cannot read the last signed head: {error}") from error


def note_head(config: Config, head: Head) -> None:
    """Notes the head this node signed last. Blocks; raises ConfigError."""
    _write(config.node.data_dir / HEAD_FILE, f"{head}\n".encode())


def _write(path: Path, content: bytes) -> None:
    try:
        write_whole(path, content)
    except OSError as error:
        raise ConfigError(f"{path}: cannot write it: {error.strerror}; check the directory and its rights") from error
