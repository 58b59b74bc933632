"""Every route names its roles, every line of the table is used, and the document of the API is valid OpenAPI 3.1."""

import pytest
from openapi_spec_validator import OpenAPIV31SpecValidator

from dialer.api.app import SUBJECTS, openapi_document
from dialer.api.permissions import PERMISSIONS, PUBLIC, roles_of
from dialer.api.routes import live, phone
from dialer.model.account import Role

OPERATIONS = [operation for routes in SUBJECTS for operation in routes.operations]


@pytest.mark.parametrize("operation", OPERATIONS, ids=lambda operation: operation.name)
def test_operation_is_in_the_table_and_described(operation) -> None:  # type: ignore[no-untyped-def]
    assert operation.roles == roles_of(operation.name)
    assert operation.roles is None or operation.roles <= set(Role)
    assert operation.roles is None or operation.roles, "an operation nobody may do"
    assert operation.summary != operation.name, "the docstring is the documentation"


def test_table_has_no_line_without_an_operation() -> None:
    names = [operation.name for operation in OPERATIONS]
    assert len(set(names)) == len(names)
    assert {*names, live.OPERATION, phone.OPERATION} == set(PERMISSIONS) | PUBLIC


def test_unlisted_operations_cannot_be_registered() -> None:
    with pytest.raises(KeyError):
        roles_of("campaigns.forgotten")


def test_openapi_document_is_valid_and_complete() -> None:
    document = openapi_document()
    OpenAPIV31SpecValidator(document).validate()
    paths = document["paths"]
    assert isinstance(paths, dict)
    described = {(path, method.upper()) for path, methods in paths.items() for method in methods}
    assert described == {(operation.path, operation.method) for operation in OPERATIONS}


OPEN_TO_AUDITORS = {"why.ask", "recordings.search", "sessions.close", "sessions.password", "deletions.dry_run"}
"""Beside GET: a question with a number in it, which stands in a body and changes nothing; and what is their own."""
SECOND_PERSON = {"deletions.allow", "deletions.refuse", "holds.place", "holds.lift"}
"""What an auditor decides: whether what others ask to delete may go."""


def test_auditors_change_nothing_and_programs_do_not_listen() -> None:
    for operation in OPERATIONS:
        if operation.roles is not None and Role.AUDITOR in operation.roles:
            assert operation.method == "GET" or operation.name in OPEN_TO_AUDITORS | SECOND_PERSON, operation.name
    assert Role.INTEGRATION not in PERMISSIONS["recordings.audio"]
