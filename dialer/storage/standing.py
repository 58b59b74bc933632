"""What keeps a contact from being called at all, whatever the hour: as a condition on rows of `contacts`.

The contact's own case is not open, a case of the same person stops the whole person, or the person is on the
do-not-call list. A listed number alone is no such thing: the contact may have others.
"""

from sqlalchemy import ColumnElement, exists, or_

from dialer.model.contact import PERSON_STOPS, CaseStatus
from dialer.storage import tables

_contacts = tables.contacts
_cases = tables.cases
_theirs = tables.contacts.alias("theirs")
_listed = tables.do_not_call

_CASE_IS_STOPPED = exists().where(_cases.c.case_ref == _contacts.c.case_ref, _cases.c.status != CaseStatus.OPEN.value)
_PERSON_IS_STOPPED = exists().where(
    _contacts.c.person_ref != "",
    _theirs.c.person_ref == _contacts.c.person_ref,
    _theirs.c.case_ref == _cases.c.case_ref,
    _cases.c.status.in_(sorted(status.value for status in PERSON_STOPS)),
)
_PERSON_IS_LISTED = exists().where(_listed.c.person_ref == _contacts.c.person_ref, _listed.c.removed_at.is_(None))

IS_STOPPED: ColumnElement[bool] = or_(_CASE_IS_STOPPED, _PERSON_IS_STOPPED, _PERSON_IS_LISTED)
