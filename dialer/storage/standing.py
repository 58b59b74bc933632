"""What keeps a contact from being called at all, whatever the hour.

The contact's own case is not open, a case of the same person stops the whole person, or the person is on the
do-not-call list. A listed number alone is no such thing: the contact may have others.
"""

from collections.abc import Sequence

from sqlalchemy import Connection, bindparam, select

from dialer.model.contact import PERSON_STOPS, CaseStatus
from dialer.storage import tables
from dialer.storage.tables.base import AnyRow

_cases = tables.cases
_contacts = tables.contacts
_listed = tables.do_not_call

# Asked for by their keys, one question at a time: as conditions of one statement they may lead to scans of everything.
_STOPPED_CASES = select(_cases.c.case_ref, _cases.c.status).where(
    _cases.c.case_ref.in_(bindparam("refs", expanding=True)), _cases.c.status != CaseStatus.OPEN.value
)
_STOPPED_PEOPLE = (
    select(_contacts.c.person_ref, _cases.c.status)
    .join(_cases, _cases.c.case_ref == _contacts.c.case_ref)
    .where(_contacts.c.person_ref.in_(bindparam("people", expanding=True)))
    .where(_cases.c.status.in_(sorted(status.value for status in PERSON_STOPS)))
)
_LISTED_PEOPLE = select(_listed.c.person_ref).where(
    _listed.c.person_ref.in_(bindparam("people", expanding=True)), _listed.c.removed_at.is_(None)
)


def why_stopped(connection: Connection, contacts: Sequence[AnyRow]) -> dict[int, str]:
    """Those that must not be called now, by id, and why; rows with `contact_id`, `case_ref` and `person_ref`."""
    refs = {"refs": list({row.case_ref for row in contacts})}
    people = {"people": list({row.person_ref for row in contacts} - {""})}
    cases = {ref: f"the case is {status}" for ref, status in connection.execute(_STOPPED_CASES, refs)}
    persons = dict.fromkeys(connection.execute(_LISTED_PEOPLE, people).scalars(), "the person asked not to be called")
    for person_ref, status in connection.execute(_STOPPED_PEOPLE, people):
        persons[person_ref] = f"another case of the person is {status}"
    found = {row.contact_id: cases.get(row.case_ref) or persons.get(row.person_ref) for row in contacts}
    return {contact_id: why for contact_id, why in found.items() if why is not None}
