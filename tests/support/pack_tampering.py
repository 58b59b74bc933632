"""What somebody does to an unpacked evidence pack; the list of sums is theirs to make anew (`packs.sum_again`)."""

import hashlib
import shutil
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from recording.heads import Head, key_id_of, public_pem, read_statement, sign_head
from recording.ledger import entry_hash
from tests.support.packs import flip

FORGER = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
RUN = "ledger/001"


def flip_audio(folder: Path) -> None:
    flip(folder / "recordings/R1.flac")


def unmark(folder: Path) -> None:
    (folder / "recordings/R2.marks.json").write_bytes(b"[ ]")


def take_away(folder: Path) -> None:
    (folder / "recordings/R2.flac").unlink()


def put_in(folder: Path) -> None:
    (folder / "recordings/R9.flac").write_bytes(b"other audio")


def swap(folder: Path) -> None:
    one, other = folder / "recordings/R1.flac", folder / "recordings/R2.flac"
    content = one.read_bytes()
    one.write_bytes(other.read_bytes())
    other.write_bytes(content)


def put_back_what_was_deleted(folder: Path) -> None:
    shutil.copy(folder / "recordings/R2.flac", folder / "recordings/R3.flac")


def hide_the_tombstone(folder: Path) -> None:
    (tombstone,) = (path for path in (folder / RUN / "entries").iterdir() if b'"tombstone"' in path.read_bytes())
    chain = folder / RUN / "chain.txt"
    lines = [line.removesuffix(" shown") if line.startswith(f"{tombstone.stem} ") else line for line in _lines(chain)]
    chain.write_text("\n".join(lines) + "\n")
    tombstone.unlink()


def remove_an_entry(folder: Path) -> None:
    chain = folder / RUN / "chain.txt"
    lines = _lines(chain)
    del lines[3]  # of another case, shown as its digest alone
    chain.write_text("\n".join(lines) + "\n")


def remove_an_entrys_content(folder: Path) -> None:
    (folder / RUN / "entries/1.json").unlink()


def move_an_entry(folder: Path) -> None:
    one, other = folder / RUN / "entries/1.json", folder / RUN / "entries/5.json"
    content = one.read_bytes()
    one.write_bytes(other.read_bytes())
    other.write_bytes(content)


def exchange_the_audio_and_its_entry(folder: Path) -> None:
    """With the digest in the chain made anew, too: only the signature stands against it."""
    audio = folder / "recordings/R1.flac"
    before = hashlib.sha256(audio.read_bytes()).hexdigest()
    flip(audio)
    _rewrite(folder, before, hashlib.sha256(audio.read_bytes()).hexdigest())


def sign_anew(folder: Path) -> None:
    """All of it anew, as somebody with another key can: head, signature, key. Only who knows the house's key sees."""
    exchange_the_audio_and_its_entry(folder)
    hash_ = bytes.fromhex(_lines(folder / RUN / "chain.txt")[1].split()[2])
    for line in _lines(folder / RUN / "chain.txt")[2:]:
        hash_ = entry_hash(hash_, bytes.fromhex(line.split()[1]))
    said = read_statement((folder / RUN / "head.txt").read_bytes())
    signed = sign_head(FORGER, Head(said.head.chain, said.head.sequence, hash_.hex()), said.signed_at)
    (folder / RUN / "head.txt").write_bytes(signed.statement)
    (folder / RUN / "head.sig").write_bytes(signed.signature)
    (folder / RUN / "head.tsr").unlink()
    key = FORGER.public_key()
    (folder / f"keys/{key_id_of(key)}.pem").write_bytes(public_pem(key))


def exchange_the_key(folder: Path) -> None:
    (key,) = (folder / "keys").iterdir()
    key.write_bytes(public_pem(FORGER.public_key()))


def flip_the_signature(folder: Path) -> None:
    flip(folder / RUN / "head.sig", 10)


def date_back(folder: Path) -> None:
    head = folder / RUN / "head.txt"
    head.write_bytes(head.read_bytes().replace(b"signed at: 2026", b"signed at: 2024"))


def flip_the_stamp(folder: Path) -> None:
    flip(folder / RUN / "head.tsr", -5)


def change_a_proof(folder: Path) -> None:
    proof = max((folder / "proofs").iterdir(), key=lambda path: b'"allowed":true' in path.read_bytes())
    proof.write_bytes(proof.read_bytes().replace(b'"allowed":true', b'"allowed":null'))


def take_proofs_away(folder: Path) -> None:
    for proof in (folder / "proofs").iterdir():
        proof.unlink()


def _lines(path: Path) -> list[str]:
    return path.read_text().splitlines()


def _rewrite(folder: Path, old: str, new: str) -> None:
    """Puts another text into an entry, and the entry's new digest into the chain."""
    for entry in (folder / RUN / "entries").iterdir():
        content = entry.read_bytes()
        if f'"sha256":"{old}"'.encode() in content:
            changed = content.replace(old.encode(), new.encode())
            entry.write_bytes(changed)
            chain = folder / RUN / "chain.txt"
            digests = (hashlib.sha256(content).hexdigest(), hashlib.sha256(changed).hexdigest())
            chain.write_text(chain.read_text().replace(*digests))
