"""Trunk limits, choice, health and number formats, on a clock of our own."""

import random
from dataclasses import dataclass
from datetime import UTC, datetime

import pytest

from dialer.config import TrunkConfig
from dialer.sip.events import Destination, Transport
from dialer.sip.trunks import (
    DOWN_AFTER,
    UP_AFTER,
    CallRate,
    TrunkHealth,
    TrunkLease,
    TrunkRefusal,
    Trunks,
    render_number,
)


@dataclass
class HandClock:
    """A clock moved by hand."""

    now: float = 1000.0

    def monotonic(self) -> float:
        return self.now

    def utcnow(self) -> datetime:
        return datetime(2026, 11, 23, tzinfo=UTC)


def config(name: str = "t", host: str = "10.0.0.2", **kwargs: object) -> TrunkConfig:
    return TrunkConfig.model_validate({"name": name, "host": host} | kwargs)


def trunks(*configs: TrunkConfig, clock: HandClock | None = None, seed: int = 1) -> Trunks:
    return Trunks(configs, clock or HandClock(), random.Random(seed).random)


def lease(found: TrunkLease | TrunkRefusal) -> TrunkLease:
    assert isinstance(found, TrunkLease)
    return found


def refusal(found: TrunkLease | TrunkRefusal) -> TrunkRefusal:
    assert isinstance(found, TrunkRefusal)
    return found


def test_channels_are_given_back_once() -> None:
    pool = trunks(config(channels=2, cps=100))
    first, _ = lease(pool.acquire("default")), lease(pool.acquire("default"))
    assert refusal(pool.acquire("default")).reason == "t: all 2 channels in use"
    first.release()
    first.release()
    lease(pool.acquire("default"))
    assert refusal(pool.acquire("default")).retry_in_s > 0


def test_calls_per_second_are_a_limit_of_their_own() -> None:
    clock = HandClock()
    pool = trunks(config(channels=100, cps=4), clock=clock)
    for _ in range(4):
        lease(pool.acquire("default"))
    refused = refusal(pool.acquire("default"))
    assert refused.reason == "t: 4 calls per second spent"
    assert refused.retry_in_s == pytest.approx(1.0)
    clock.now += 1.0
    for _ in range(4):
        lease(pool.acquire("default"))
    refusal(pool.acquire("default"))


@pytest.mark.parametrize("per_s", [0.2, 1.0, 3.7, 50.0])
def test_no_second_sees_more_than_the_rate(per_s: float) -> None:
    rate = CallRate(per_s)
    rng = random.Random(7)
    now, taken = 0.0, []
    while now < 60.0:
        now += rng.random() * (0.01 if rng.random() < 0.999 else 400.0 / per_s)  # with pauses: then bursts are tempting
        if rate.take(now):
            taken.append(now)
    n_tokens = max(1, int(per_s))
    window_s = n_tokens / per_s
    assert all(later - earlier >= window_s for earlier, later in zip(taken, taken[n_tokens:], strict=False))


def test_the_whole_rate_can_be_used() -> None:
    rate = CallRate(50.0)
    assert sum(rate.take(i / 1000) for i in range(10_000)) == 500


def test_the_lower_priority_number_comes_first_and_weight_shares() -> None:
    pool = trunks(
        config("main1", priority=1, weight=3, channels=1000, cps=10000),
        config("main2", priority=1, weight=1, channels=1000, cps=10000),
        config("spare", priority=2, channels=1000, cps=10000),
    )
    names = [lease(pool.acquire("default")).trunk.name for _ in range(1000)]
    assert "spare" not in names
    assert 700 < names.count("main1") < 800
    assert lease(pool.acquire("default", exclude=("main1", "main2"))).trunk.name == "spare"
    assert "no trunk left" in refusal(pool.acquire("other")).reason


def test_health_has_hysteresis() -> None:
    health = TrunkHealth()
    for _ in range(DOWN_AFTER - 1):
        assert not health.observe(alive=False)
    assert not health.observe(alive=True)  # one answer starts the count anew
    changes = [health.observe(alive=False) for _ in range(DOWN_AFTER)]
    assert changes == [False, False, True]
    assert not health.is_up
    changes = [health.observe(alive=True) for _ in range(UP_AFTER)]
    assert changes == [False, True]
    assert health.is_up


def test_a_trunk_without_answers_goes_down_and_comes_back() -> None:
    pool = trunks(config())
    for _ in range(3):
        pool.observe_options("t", None)
    assert refusal(pool.acquire("default")).reason == "t: down"
    assert pool.status()[0].obstacle == "down"
    pool.observe_options("t", 405)  # any answer is a sign of life
    pool.observe_options("t", 200)
    lease(pool.acquire("default"))


@pytest.mark.parametrize(
    ("reports", "held_s"),
    [
        ([(503, None)], 2.0),
        ([(503, None), (503, None), (503, None)], 8.0),
        ([(503, 17.0)], 17.0),
        ([(503, 86400.0)], 300.0),  # nobody takes a trunk away for a day
        ([(503, None), (486, None), (503, None)], 2.0),  # it took a call in between
        ([(488, None)], 60.0),
        ([(407, None)], 60.0),
    ],
)
def test_a_trunk_is_held_back(reports: list[tuple[int, float | None]], held_s: float) -> None:
    clock = HandClock()
    pool = trunks(config(cps=100), clock=clock)
    leases = [lease(pool.acquire("default")) for _ in reports]
    for each, (status, retry_after_s) in zip(leases, reports, strict=True):
        each.report(status, retry_after_s)
    assert refusal(pool.acquire("default")).retry_in_s == pytest.approx(held_s)
    clock.now += held_s
    lease(pool.acquire("default"))


def test_unanswered_invites_count_against_a_trunk() -> None:
    pool = trunks(config(cps=100))
    for _ in range(3):
        lease(pool.acquire("default")).report(None)
    refusal(pool.acquire("default"))


def test_names_must_be_resolved_first() -> None:
    pool = trunks(config(host="sip.example.net", transport="tcp"))
    assert refusal(pool.acquire("default")).reason == "t: address not resolved"
    pool.set_destinations("t", ["10.0.0.7", "10.0.0.8"])
    assert lease(pool.acquire("default")).destination == Destination(Transport.TCP, "10.0.0.7", 5060)
    assert pool.is_trunk(Destination(Transport.TCP, "10.0.0.8", 40000))  # TCP peers connect from any port
    assert not pool.is_trunk(Destination(Transport.UDP, "10.0.0.8", 5060))


def test_only_a_trunks_own_address_is_one() -> None:
    pool = trunks(config(port=5080))
    assert pool.is_trunk(Destination(Transport.UDP, "10.0.0.2", 5080))
    assert not pool.is_trunk(Destination(Transport.UDP, "10.0.0.2", 5060))


@pytest.mark.parametrize(
    ("number_format", "number", "expected"),
    [
        ("e164", "+8613800001234", "+8613800001234"),
        ("e164_no_plus", "+8613800001234", "8613800001234"),
        ("national", "+8613800001234", "13800001234"),
        ("national", "+861012345678", "01012345678"),
        ("national", "+862112345678", "02112345678"),
        ("national", "+14155552671", "0014155552671"),  # another country's national number would reach a stranger
        ("national", "10086", "0010086"),
    ],
)
def test_number_formats(number_format: str, number: str, expected: str) -> None:
    assert render_number(config(number_format=number_format), number) == expected


def test_a_lease_makes_the_invite() -> None:
    pool = trunks(
        config(
            port=5080, prefix="9#", username="u", password="hush", from_domain="carrier.cn", number_format="national"
        )
    )
    request = lease(pool.acquire("default")).invite_request("+8613800001234", "+862112345678", "v=0")
    assert str(request.target) == "sip:9%2313800001234@10.0.0.2:5080"
    assert str(request.from_uri) == "sip:02112345678@carrier.cn"
    assert (request.username, request.password) == ("u", "hush")
    assert "hush" not in repr(request)
