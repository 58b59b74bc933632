"""Scorecards over the API: drafts with all their mistakes, versions that are frozen, and who may do it."""

import asyncio
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from dialer.cli.main import app
from dialer.errors import InputError
from dialer.model.account import Role
from tests.support.house import House, open_house

FORM = {
    "title": {"en": "Short", "zh": "短表"},
    "sections": [{"words": {"en": "All"}, "questions": [{"key": "polite", "words": {"en": "?"}, "kind": "yes_no"}]}],
}


@pytest.fixture
async def house(tmp_path: Path) -> AsyncIterator[House]:
    async with open_house(tmp_path) as opened:
        yield opened


async def ask(house: House, method: str, path: str, body: object = None, role: Role = Role.QA) -> tuple[int, Any]:
    async with house.api.request(method, f"/v1{path}", headers=house.auth(role), json=body) as answer:
        return answer.status, json.loads(await answer.read())


async def test_a_form_from_draft_to_version(house: House) -> None:
    broken = FORM | {"sections": [{"words": {}, "questions": []}], "title": {}}
    status, made = await ask(house, "POST", "/scorecards", {"name": "short", "content": broken})
    assert (status, made["current_id"], made["versions"][0]["state"]) == (201, None, "draft")
    path = f"/scorecards/{made['scorecard_id']}"
    _, draft = await ask(house, "GET", f"/scorecard-versions/{made['draft_id']}")
    assert len(draft["mistakes"]) == 4
    status, refused = await ask(house, "POST", f"{path}/freeze", {"revision": 1}, Role.SUPERVISOR)
    assert (status, "the form asks nothing" in refused["detail"]) == (422, True)
    status, draft = await ask(house, "PUT", f"{path}/draft", {"revision": 1, "content": FORM})
    assert (status, draft["revision"], draft["mistakes"]) == (200, 2, [])
    assert (await ask(house, "PUT", f"{path}/draft", {"revision": 1, "content": FORM}))[0] == 409
    assert (await ask(house, "POST", f"{path}/freeze", {"revision": 2}))[0] == 403  # a supervisor's to do
    status, frozen = await ask(house, "POST", f"{path}/freeze", {"revision": 2}, Role.SUPERVISOR)
    assert (status, frozen["number"], frozen["state"], len(frozen["digest"])) == (200, 1, "frozen", 64)
    assert (await ask(house, "POST", f"{path}/freeze", {"revision": 2}, Role.SUPERVISOR))[0] == 409
    _, next_draft = await ask(house, "PUT", f"{path}/draft", {"revision": 0, "content": FORM | {"pass_mark": 90}})
    assert (next_draft["number"], next_draft["version_id"] == frozen["version_id"]) == (0, False)
    _, shown = await ask(house, "GET", path, role=Role.AUDITOR)
    assert (shown["current_id"], shown["draft_id"]) == (frozen["version_id"], next_draft["version_id"])
    _, same = await ask(house, "GET", f"/scorecard-versions/{frozen['version_id']}", role=Role.COLLECTOR)
    assert same == frozen
    retire = f"/scorecard-versions/{frozen['version_id']}/retire"
    assert (await ask(house, "POST", retire))[0] == 403
    status, retired = await ask(house, "POST", retire, role=Role.SUPERVISOR)
    assert (status, retired["state"], retired["content"]) == (200, "retired", frozen["content"])
    assert (await ask(house, "POST", f"/scorecard-versions/{shown['draft_id']}/retire", role=Role.SUPERVISOR))[0] == 409
    actions = [entry.action for _, entry in await house.storage.audit.list()]
    assert actions == [f"scorecard.{did}" for did in ("retire", "draft", "freeze", "draft", "create")]


async def test_the_ready_made_form_is_copied(house: House) -> None:
    _, shipped = await ask(house, "GET", "/scorecards/ready-made")
    (form,) = shipped["items"]
    status, made = await ask(house, "POST", "/scorecards", {"name": "cards", "ready_made": form["name"]})
    assert status == 201
    _, draft = await ask(house, "GET", f"/scorecard-versions/{made['draft_id']}")
    assert (draft["content"], draft["mistakes"]) == (form["content"], [])
    status, again = await ask(
        house, "PUT", f"/scorecards/{made['scorecard_id']}/draft", {"revision": 1, "content": form["content"]}
    )
    assert (status, again["content"]) == (200, form["content"])
    assert len((await ask(house, "GET", "/scorecards", role=Role.AUDITOR))[1]["items"]) == 1


async def test_what_is_refused(house: House) -> None:
    for wrong in (
        {"name": "x"},
        {"name": "x", "content": FORM, "ready_made": "bank-card-collection"},
        {"name": "x", "ready_made": "none"},
        {"name": "", "content": FORM},
        {"name": "x", "content": FORM | {"pass_mark": 101}},
    ):
        assert (await ask(house, "POST", "/scorecards", wrong))[0] == 422, wrong
    assert (await ask(house, "POST", "/scorecards", {"name": "x", "content": FORM}))[0] == 201
    status, taken = await ask(house, "POST", "/scorecards", {"name": "x", "content": FORM})
    assert (status, "already" in taken["detail"]) == (422, True)
    for role in (Role.COLLECTOR, Role.AUDITOR, Role.INTEGRATION):
        assert (await ask(house, "POST", "/scorecards", {"name": "y", "content": FORM}, role))[0] == 403, role
    assert (await ask(house, "GET", "/scorecards", role=Role.COLLECTOR))[0] == 403
    for path in ("/scorecards/99", "/scorecard-versions/99"):
        assert (await ask(house, "GET", path))[0] == 404, path
    assert (await ask(house, "PUT", "/scorecards/99/draft", {"revision": 0, "content": FORM}))[0] == 404
    assert (await ask(house, "POST", "/scorecards/99/freeze", {"revision": 1}, Role.SUPERVISOR))[0] == 404
    assert (await ask(house, "POST", "/scorecard-versions/99/retire", role=Role.SUPERVISOR))[0] == 404


async def test_a_form_is_written_as_a_file(house: House, tmp_path: Path) -> None:
    async def run(*words: str, role: Role = Role.SUPERVISOR) -> tuple[object, str]:
        options = ["--url", str(house.api.make_url("")).rstrip("/"), "--token", house.tokens[role]]
        given = ["scorecards", *words, *([] if words[0] == "check" else options)]
        done = await asyncio.to_thread(CliRunner().invoke, app, given, None, {"COLUMNS": "140"})
        return done.exception, done.output

    _, shipped = await run("show", "bank-card-collection")
    file = tmp_path / "form.json"
    await asyncio.to_thread(file.write_text, shipped, encoding="utf-8")
    assert "nothing is wrong" in (await run("check", str(file)))[1]
    assert "draft, revision 1" in (await run("save", "cards", str(file), role=Role.QA))[1]
    assert "version 1, SHA-256" in (await run("freeze", "cards"))[1]
    assert json.loads((await run("show", "cards"))[1]) == json.loads(shipped)
    broken = tmp_path / "form.toml"
    await asyncio.to_thread(broken.write_text, 'title = {en = "x"}\nsections = []\n', encoding="utf-8")
    error, _ = await run("check", str(broken))
    assert isinstance(error, InputError)
    assert "the form asks nothing" in str(error)
    assert "the form asks nothing" in (await run("save", "cards", str(broken)))[1]
    listed = (await run("list"))[1]
    assert all(word in listed for word in ("cards", "revision 1"))
    await asyncio.to_thread(broken.write_text, 'titel = "x"\n', encoding="utf-8")
    error, _ = await run("save", "cards", str(broken))
    assert "titel: Extra inputs are not permitted" in str(error)
    error, _ = await run("freeze", "none")
    assert "there is no scorecard named none" in str(error)
