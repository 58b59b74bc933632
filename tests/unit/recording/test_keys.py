"""Keys of recordings: wrapped, unwrapped, wrapped anew, and lost."""

import pytest

from recording.errors import KeyLostError
from recording.keys import KEY_BYTES, KeyRing, Wrapped, kek_id_of

OLD, NEW = bytes(KEY_BYTES), bytes(range(KEY_BYTES))


def test_a_wrapped_key_unwraps() -> None:
    ring = KeyRing(NEW)
    key = ring.new_key()
    wrapped = ring.wrap(key, "a-1")
    assert wrapped.kek_id == ring.current_id == kek_id_of(NEW)
    assert ring.unwrap(wrapped, "a-1") == key
    assert key not in wrapped.wrapped
    assert wrapped.wrapped.hex() not in repr(wrapped)


def test_an_old_key_unwraps_and_the_current_one_wraps() -> None:
    wrapped = KeyRing(OLD).wrap(bytes(KEY_BYTES), "a-1")
    ring = KeyRing(NEW, [OLD])
    anew = ring.rewrap(wrapped, "a-1")
    assert (wrapped.kek_id, anew.kek_id) == (kek_id_of(OLD), kek_id_of(NEW))
    assert KeyRing(NEW).unwrap(anew, "a-1") == bytes(KEY_BYTES)


def test_a_lost_key_encryption_key_is_named() -> None:
    wrapped = KeyRing(OLD).wrap(bytes(KEY_BYTES), "a-1")
    with pytest.raises(KeyLostError, match=rf"recording a-1: .*{kek_id_of(OLD)}.*recordings\.old_keys"):
        KeyRing(NEW).unwrap(wrapped, "a-1")


@pytest.mark.parametrize("change", ["another recording", "a flipped bit", "cut", "empty"])
def test_a_wrapped_key_opens_nothing_else(change: str) -> None:
    ring = KeyRing(NEW)
    good = ring.wrap(ring.new_key(), "a-1")
    data = {
        "another recording": good.wrapped,
        "a flipped bit": good.wrapped[:-1] + bytes([good.wrapped[-1] ^ 1]),
        "cut": good.wrapped[:-1],
        "empty": b"",
    }[change]
    with pytest.raises(KeyLostError, match="altered, or is another recording's"):
        ring.unwrap(Wrapped(good.kek_id, data), "a-2" if change == "another recording" else "a-1")


def test_a_ring_passes_to_another_process() -> None:
    ring = KeyRing(NEW, [OLD])
    again = KeyRing.from_hex(ring.to_hex())
    assert again.to_hex() == ring.to_hex() == [NEW.hex(), OLD.hex()]
    assert again.current_id == ring.current_id


def test_a_key_of_another_length_is_refused() -> None:
    with pytest.raises(ValueError, match="32 bytes"):
        KeyRing(b"short")
