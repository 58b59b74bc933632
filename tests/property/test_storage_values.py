"""What goes into storage comes out the same, and nothing else opens it."""

from datetime import UTC, date, datetime
from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from dialer.model.outcome import FormValue
from dialer.storage.crypto import Cipher
from dialer.storage.events import uuid7
from dialer.storage.values import open_private, seal_private
from dialer.storage.wrap_ups import decode_value, encode_value

CIPHER = Cipher(bytes(32))

field_values = st.one_of(
    st.text(), st.integers(-(2**63), 2**63 - 1), st.floats(allow_nan=False, allow_infinity=False), st.booleans()
)
form_values = st.one_of(st.text(), st.booleans(), st.decimals(allow_nan=False, allow_infinity=False), st.dates())


@given(st.text(), st.dictionaries(st.text(), field_values))
def test_names_and_fields(name: str, fields: dict[str, str | int | float | bool]) -> None:
    assert open_private(CIPHER, seal_private(CIPHER, name, fields)) == (name, fields)


@given(st.binary(), st.sampled_from([b"phone", b"contact"]))
def test_sealed_values(plain: bytes, purpose: bytes) -> None:
    assert CIPHER.open(CIPHER.seal(plain, purpose), purpose) == plain


@given(form_values)
def test_values_of_a_disposition_form(value: str | bool | Decimal | date) -> None:
    form_value: FormValue = value
    decoded = decode_value(encode_value(form_value))
    assert (type(decoded), decoded) == (type(value), value)


@given(st.lists(st.datetimes(datetime(1970, 1, 2), datetime(2500, 1, 1)), min_size=2, max_size=20))  # noqa: DTZ001
def test_event_ids_sort_by_time(instants: list[datetime]) -> None:
    aware = sorted({instant.replace(tzinfo=UTC, microsecond=0) for instant in instants})
    ids = [uuid7(instant) for instant in aware]
    assert ids == sorted(ids)
