"""Messages of the reading process survive the way through bytes; anything else is refused."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dialer.campaigns.columns import Column, Target
from dialer.campaigns.importing import ImportProgress, Reading
from dialer.campaigns.list_messages import (
    Counts,
    Failed,
    Finished,
    Message,
    Opened,
    Opening,
    ReadRequest,
    Rows,
    decode,
    decode_request,
    encode,
    encode_request,
)
from dialer.campaigns.list_rows import Problem
from dialer.model.call_list import NewContact, NewPhone
from dialer.model.contact import PhoneRole

TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
FIELDS = st.dictionaries(TEXT, st.one_of(TEXT, st.integers(-(10**15), 10**15), st.booleans()), max_size=4)
PHONES = st.builds(NewPhone, TEXT, st.sampled_from(PhoneRole))
CONTACTS = st.builds(
    NewContact,
    person_ref=TEXT,
    case_ref=TEXT,
    phones=st.lists(PHONES, max_size=3).map(tuple),
    name=TEXT,
    zone=st.none() | TEXT,
    fields=FIELDS,
)
PROBLEMS = st.builds(Problem, st.integers(2, 10**6), TEXT, TEXT, TEXT)


@given(contacts=st.lists(CONTACTS, max_size=4).map(tuple), problems=st.lists(PROBLEMS, max_size=3).map(tuple))
def test_rows_survive(contacts: tuple[NewContact, ...], problems: tuple[Problem, ...]) -> None:
    message = Rows(contacts, contacts[:1], problems, Counts(5, 4, 3, 2, 1, 0.5), Path("/data/list.csv.problems.csv"))
    arrived = decode(encode(message))
    assert arrived == message
    assert isinstance(arrived, Rows)
    kinds = [[type(value) for value in contact.fields.values()] for contact in contacts]
    assert [[type(value) for value in contact.fields.values()] for contact in arrived.contacts] == kinds


@pytest.mark.parametrize(
    "message",
    [
        Opening(0.25),
        Opened((Column("手机", Target.PHONE), Column("欠款", Target.AMOUNT, "amount"))),
        Finished(),
        Failed("row 4: not readable as CSV", file_is_wrong=True),
    ],
)
def test_other_messages_survive(message: Message) -> None:
    assert decode(encode(message)) == message


@pytest.mark.parametrize("mapping", [None, {}, {"手机": "phone"}])
def test_requests_survive(mapping: dict[str, str] | None) -> None:
    request = ReadRequest(Path("名单.csv"), mapping, "CN", accept_valid=True, chunk_rows=100)
    assert decode_request(encode_request(request)) == request


@pytest.mark.parametrize("data", [b"", b"{}", b'{"kind":"other"}', b'{"kind":"opening","fraction":"far"}', b"\xff"])
def test_anything_else_is_refused(data: bytes) -> None:
    with pytest.raises(ValueError, match="validation error"):
        decode(data)


def test_the_opening_of_a_large_workbook_shows() -> None:
    seen: list[ImportProgress] = []
    reading = Reading(seen.append)
    reading.take(Opening(0.25))
    assert seen == [ImportProgress(rows=0, contacts=0, problems=0, fraction=0.25)]
