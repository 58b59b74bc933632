"""Nothing private gets into a log line, whoever wrote it and however it failed."""

import io
import json
import logging
from collections.abc import Iterator

import pytest

from dialer.logging_setup import LogFormat, set_up_logging

NUMBER = "13800001234"


@pytest.fixture(autouse=True)
def _restore() -> Iterator[None]:
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    yield
    root.handlers[:], root.level = handlers, level


@pytest.mark.parametrize("form", ["json", "console"])
def test_numbers_names_and_secrets_stay_out(form: LogFormat) -> None:
    stream = io.StringIO()
    set_up_logging(form, "DEBUG", stream)
    logger = logging.getLogger("dialer.test")
    facts = {
        "action": "dial",
        "attempt_id": 7,
        "number_masked": "138****1234",
        "number": NUMBER,
        "person_name": "张三",
        "api_token": "dlr_secret",
        "target": f"sip:+86{NUMBER}@trunk",
        "headers": {"Authorization": "Bearer dlr_secret", "To": [f"<sip:{NUMBER}@x>"]},
        "error": ValueError(f"cannot dial {NUMBER}"),
    }
    logger.info("calling %s", NUMBER, extra=facts)
    try:
        raise RuntimeError(f"+86{NUMBER} refused")
    except RuntimeError:
        logger.exception("failed")
    text = stream.getvalue()
    for private in (NUMBER, "张三", "dlr_secret"):
        assert private not in text
    assert "138****1234" in text
    assert "RuntimeError" in text


def test_json_lines_keep_their_facts() -> None:
    stream = io.StringIO()
    set_up_logging("json", "INFO", stream)
    logging.getLogger("dialer.test").info("call answered", extra={"action": "answer", "attempt_id": 7})
    logging.getLogger("dialer.test").debug("not this")
    (line,) = stream.getvalue().splitlines()
    event = json.loads(line)
    assert event.pop("timestamp").endswith("Z")
    assert event == {
        "event": "call answered",
        "level": "info",
        "logger": "dialer.test",
        "action": "answer",
        "attempt_id": 7,
    }
