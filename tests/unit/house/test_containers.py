"""The container files: valid for Compose itself, and the image is built by the steps of the Makefile."""

import os
import re
import subprocess
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).parents[3]


@pytest.mark.peer("docker-compose")
def test_compose_accepts_the_file() -> None:
    environment = dict(os.environ) | {"POSTGRES_PASSWORD": "secret"}
    command = ["docker-compose", "--file", str(ROOT / "docker-compose.yml"), "config", "--quiet"]
    result = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=60, check=False)
    assert result.returncode == 0, result.stderr


def test_every_service_has_a_health_check_and_every_mounted_file_exists() -> None:
    compose = yaml.safe_load((ROOT / "docker-compose.yml").read_text(encoding="utf-8"))
    assert set(compose["services"]) == {"dialer", "postgres", "mosquitto"}
    for name, service in compose["services"].items():
        assert service["healthcheck"]["test"], name
        for volume in service["volumes"]:
            source = volume.split(":")[0]
            if source.startswith("."):
                assert (ROOT / source).is_file(), source


@pytest.mark.parametrize(
    "step",
    [r"scripts/check_host\.py", r"--require-hashes -r requirements-dev\.lock", r"--no-deps --no-build-isolation"],
)
def test_the_image_takes_the_makefiles_steps(step: str) -> None:
    for name in ("Makefile", "Dockerfile"):
        assert re.search(step, (ROOT / name).read_text(encoding="utf-8")), f"{step} is not in {name}"


def test_the_locks_hold_hashes_and_no_hosts() -> None:
    for name in ("requirements.lock", "requirements-dev.lock"):
        text = (ROOT / name).read_text(encoding="utf-8")
        pins = re.findall(r"^[a-z0-9].*==", text, flags=re.MULTILINE)
        assert len(pins) > 20
        assert "://" not in text
        assert text.count("--hash=sha256:") >= len(pins)
