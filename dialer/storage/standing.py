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
_STOPPED_CASES = select(_cases.c.case_ref).where(
    _cases.c.case_ref.in_(bindparam("refs", expanding=True)), _cases.c.status != CaseStatus.OPEN.value
)
_STOPPED_PEOPLE = (
    select(_contacts.c.person_ref)
    .join(_cases, _cases.c.case_ref == _contacts.c.case_ref)
    .where(_contacts.c.person_ref.in_(bindparam("people", expanding=True)))
    .where(_cases.c.status.in_(sorted(status.value for status in PERSON_STOPS)))
)
_LISTED_PEOPLE = select(_listed.c.person_ref).where(
    _listed.c.person_ref.in_(bindparam("people", expanding=True)), _listed.c.removed_at.is_(None)
)


def stopped_among(connection: Connection, contacts: Sequence[AnyRow]) -> set[int]:
    """The ids of those that must not be called now; rows with `contact_id`, `case_ref` and `person_ref`."""
    refs = {row.case_ref for row in contacts}
    people = {row.person_ref for row in contacts} - {""}
    cases = set(connection.execute(_STOPPED_CASES, {"refs": list(refs)}).scalars())
    stopped: set[str] = set()
    for query in (_STOPPED_PEOPLE, _LISTED_PEOPLE):
        stopped.update(connection.execute(query, {"people": list(people)}).scalars())
    return {row.contact_id for row in contacts if row.case_ref in cases or row.person_ref in stopped}
