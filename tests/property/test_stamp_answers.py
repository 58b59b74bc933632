"""Whatever an authority answers, or somebody puts in its place: it is a stamp that holds, or it is said to be none."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from recording.stamps import StampError, check_stamp, make_query


def _element(tag: int, content: bytes) -> bytes:
    size = len(content)
    length = bytes([size]) if size < 0x80 else bytes([0x82]) + size.to_bytes(2, "big")
    return bytes([tag]) + length + content


der = st.recursive(
    st.builds(_element, st.integers(0, 255), st.binary(max_size=40)),
    lambda inner: st.builds(_element, st.sampled_from([0x30, 0x31, 0xA0]), st.lists(inner, max_size=4).map(b"".join)),
    max_leaves=20,
)


@given(st.binary(max_size=200) | der | st.builds(lambda data, n: data[:n], der, st.integers(0, 60)))
def test_what_is_no_stamp_is_refused(answer: bytes) -> None:
    with pytest.raises(StampError):
        check_stamp(answer, b"data", ())


@given(st.binary(min_size=1, max_size=100))
def test_a_request_is_for_this_data_alone(data: bytes) -> None:
    query, again = make_query(data), make_query(data)
    assert query.nonce != again.nonce
    assert len(query.body) < 100
