"""What keeps the service from starting: exit code 2, one clear line that says what, where and what to do, no damage."""

import asyncio
import hashlib
import socket
import sqlite3
from pathlib import Path

import pytest

from tests.support.service import HOST
from tests.support.service_house import ServiceHouse, make_house

MEDIA = (29_400, 29_499)
EXIT_ERROR = 2


@pytest.fixture
async def house(tmp_path: Path) -> ServiceHouse:
    return await make_house(tmp_path, MEDIA, {"town": {}})


async def complaint(house: ServiceHouse) -> str:
    """The one line the service leaves behind when it cannot start."""
    async with house.service() as service:
        assert await service.ended() == EXIT_ERROR, service.tail()
    said = await asyncio.to_thread(service.said)
    assert "Traceback" not in said
    (line,) = [line for line in said.splitlines() if line.startswith("error: ")]
    assert said.endswith(f"{line}\n")
    return line


def fingerprint(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


async def test_an_unknown_key_is_named_with_the_nearest_known_one(house: ServiceHouse) -> None:
    house.tables["sip"] = {"prot": 5060}
    assert await complaint(house) == f"error: {house.config_path}: sip.prot: unknown key; did you mean 'port'?"


@pytest.mark.parametrize("kind", [socket.SOCK_DGRAM, socket.SOCK_STREAM], ids=["udp", "tcp"])
async def test_a_sip_port_in_use_is_named(house: ServiceHouse, kind: socket.SocketKind) -> None:
    with socket.socket(socket.AF_INET, kind) as taken:
        taken.bind((HOST, house.sip_port))
        if kind is socket.SOCK_STREAM:
            taken.listen()
        line = await complaint(house)
    assert f"cannot open SIP on {HOST}:{house.sip_port}: " in line
    assert "address already in use" in line.lower()
    assert "sip.port" in line


async def test_an_http_port_in_use_is_named(house: ServiceHouse) -> None:
    with socket.socket() as taken:
        taken.bind((HOST, house.http_port))
        taken.listen()
        line = await complaint(house)
    assert f"cannot open HTTP on {HOST}:{house.http_port}: " in line
    assert "address already in use" in line.lower()
    assert "http.port" in line


async def test_a_database_of_a_newer_program_is_left_alone(house: ServiceHouse) -> None:
    with sqlite3.connect(house.database) as database:
        database.execute("UPDATE alembic_version SET version_num = 'v9000'")
    database.close()
    before = await asyncio.to_thread(fingerprint, house.database)
    line = await complaint(house)
    assert f"{house.database}: the database has schema version v9000" in line
    assert "start the newer program" in line
    assert await asyncio.to_thread(fingerprint, house.database) == before


async def test_a_database_of_another_key_is_left_alone(house: ServiceHouse) -> None:
    before = await asyncio.to_thread(fingerprint, house.database)
    house.tables["database"] = {"key": "11" * 32}
    line = await complaint(house)
    assert str(house.database) in line
    assert "database.key" in line
    assert await asyncio.to_thread(fingerprint, house.database) == before
    del house.tables["database"]
    async with house.service() as service:  # with its own key all is well
        await service.up(house.url)
        service.tell_to_end()
        assert await service.ended() == 0
