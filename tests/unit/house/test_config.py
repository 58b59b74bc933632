"""The configuration file: good ones are read, bad ones are refused with what, where and what to do."""

from pathlib import Path

import pytest

from dialer.config import load_config, parse_config
from dialer.errors import ConfigError

EXAMPLES = Path(__file__).parents[3] / "examples"


def write(folder: Path, text: str) -> Path:
    path = folder / "dialer.toml"
    path.write_text(text, encoding="utf-8")
    return path


def test_the_shipped_example_is_valid() -> None:
    config = load_config(EXAMPLES / "dialer.toml")
    assert config.trunks[0].name == "carrier-a"


def test_the_container_example_takes_its_secret_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DIALER_DATABASE_URL", "postgresql://dialer:pw@postgres/dialer")
    assert load_config(EXAMPLES / "docker.toml").database.url.startswith("postgresql://")


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("[sip]\nprot = 5070\n", ["sip.prot", "unknown key", "did you mean 'port'"]),
        ("[telephony]\n", ["telephony", "unknown key", "known here", "trunks"]),
        ('[[trunks]]\nname = "a"\nhost = "127.0.0.1"\nchanels = 3\n', ["trunks.0.chanels", "did you mean 'channels'"]),
        ("[sip]\nport = 70000\n", ["sip.port", "65535"]),
        ("[sip\n", ["not valid TOML", "line 1"]),
        ("[database]\nurl = 'env:NOT_SET_ANYWHERE'\n", ["database.url", "NOT_SET_ANYWHERE is not set"]),
        ("[database]\nurl = 'file:/nonexistent/secret'\n", ["database.url", "/nonexistent/secret"]),
        ("[media]\nport_min = 20000\nport_max = 20001\n", ["port_max"]),
        ('[recordings]\nsecond_spool_dir = "data/x/../spool"\n', ["second_spool_dir is the first one"]),
        ('[[trunks]]\nname="a"\nhost="h"\n[[trunks]]\nname="a"\nhost="i"\n', ["two trunks are named 'a'"]),
        ('[[webhooks]]\nurl="http://127.0.0.1/"\nsecrets=[]\n', ["webhooks.0.secrets", "at least 1"]),
        ("[node]\nrehearsal_starts_at = 2026-11-23T10:00:00\n", ["needs a UTC offset"]),
    ],
)
def test_a_bad_file_names_what_and_where(tmp_path: Path, text: str, words: list[str]) -> None:
    path = write(tmp_path, text)
    with pytest.raises(ConfigError) as raised:
        load_config(path)
    for word in [str(path), *words]:
        assert word in str(raised.value)


def test_every_problem_is_named_at_once(tmp_path: Path) -> None:
    with pytest.raises(ConfigError) as raised:
        load_config(write(tmp_path, "[sip]\nprot = 1\n[http]\nhots = 'x'\n"))
    assert str(raised.value).count("unknown key") == 2


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"nowhere\.toml: cannot read"):
        load_config(tmp_path / "nowhere.toml")


@pytest.mark.parametrize(
    ("host", "allowed"),
    [
        ("127.0.0.1", True),
        ("127.8.9.1", True),
        ("::1", True),
        ("localhost", True),
        ("10.0.0.1", False),
        ("sip.carrier.example", False),
    ],
)
def test_a_moved_clock_is_refused_with_a_trunk_beyond_this_machine(host: str, allowed: bool) -> None:
    raw = {"node": {"rehearsal_starts_at": "2026-11-23T10:00:00+08:00"}, "trunks": [{"name": "t", "host": host}]}
    if allowed:
        assert parse_config(raw, "test").trunks[0].host == host
    else:
        with pytest.raises(ConfigError, match="not on a loopback address"):
            parse_config(raw, "test")
