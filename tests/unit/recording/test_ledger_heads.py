"""Signed heads: a text that says all, a signature public tools check, keys by their names."""

import hashlib
from dataclasses import replace

import pytest
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from recording.heads import Head, key_id_of, parse_head, public_pem, read_public_keys, read_statement, sign_head
from tests.support.ledgers import KEY, OTHER_KEY, T0

HEAD = Head("node 1", 42, "ab" * 32)


def test_the_statement_says_all_in_lines() -> None:
    signed = sign_head(KEY, HEAD, T0)
    assert signed.statement.decode() == (
        "dialer ledger head\nversion: 1\nchain: node 1\nsequence: 42\n"
        f"hash: {'ab' * 32}\nsigned at: 2026-11-23T02:00:00.000000Z\nkey: {key_id_of(KEY.public_key())}\n"
    )
    assert read_statement(signed.statement).head == HEAD
    assert signed.is_by(KEY.public_key())
    assert not signed.is_by(OTHER_KEY.public_key())
    assert not replace(signed, statement=signed.statement.replace(b"42", b"43")).is_by(KEY.public_key())


@pytest.mark.parametrize(
    "change",
    [
        lambda text: text + b"\n",
        lambda text: text.replace(b"version: 1", b"version: 2"),
        lambda text: text.replace(b"sequence: 42", b"sequence: 042"),
        lambda text: text.replace(b"\n", b"\r\n"),
        lambda text: text.replace(b"chain: node 1\n", b""),
        lambda text: b"\xff" + text,
        lambda text: b"",
    ],
)
def test_a_statement_is_read_to_the_letter(change: object) -> None:
    assert callable(change)
    with pytest.raises(ValueError, match="statement"):
        read_statement(change(sign_head(KEY, HEAD, T0).statement))


@pytest.mark.parametrize("name", ["", "a\nhash: b", " a", "a\x85b"])
def test_a_chain_whose_name_would_break_the_lines_is_not_signed(name: str) -> None:
    with pytest.raises(ValueError, match="name a chain"):
        sign_head(KEY, replace(HEAD, chain=name), T0)


def test_a_head_is_noted_and_read_back() -> None:
    assert parse_head(str(HEAD)) == HEAD
    for text in ("", "node1", "node1:0:" + "ab" * 32, "node1:1:abcd", ":1:" + "ab" * 32):
        with pytest.raises(ValueError, match=r".*"):
            parse_head(text)


def test_keys_are_named_by_what_openssl_hashes() -> None:
    key = KEY.public_key()
    assert (
        key_id_of(key) == hashlib.sha256(key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)).hexdigest()
    )
    both = public_pem(key) + public_pem(OTHER_KEY.public_key())
    assert [key_id_of(one) for one in read_public_keys(both)] == [key_id_of(key), key_id_of(OTHER_KEY.public_key())]
    for wrong in (b"", b"-----BEGIN PUBLIC KEY-----\n", both.replace(b"BEGIN", b"BEGUN", 1)):
        with pytest.raises(ValueError, match=r".*"):
            read_public_keys(wrong)
