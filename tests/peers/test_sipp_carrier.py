"""SIPp as the carrier: what a trunk does, from a plain answer to messages that cross each other."""

import asyncio
from pathlib import Path

import pytest

from dialer.sip.endpoint import SipEndpoint
from dialer.sip.events import Answered, Ended, Failed, Provisional, Transport
from dialer.sip.sdp import build_offer, negotiate
from tests.support.sip_peers import HOST, PEER_TIMEOUT_S, Caller, Relay, Sipp, invite_to, wait_until

pytestmark = pytest.mark.peer("sipp")

BOTH = pytest.mark.parametrize("transport", [Transport.UDP, Transport.TCP])


@BOTH
async def test_person_answers_and_we_hang_up(endpoint: SipEndpoint, tmp_path: Path, transport: Transport) -> None:
    caller = Caller()
    async with Sipp.play("uas-answer-then-our-bye", tmp_path, transport=transport) as carrier:
        call = caller.place(endpoint, invite_to(carrier.destination))
        ringing = await caller.expect(Provisional)
        answered = await caller.expect(Answered)
        call.hang_up("done")
        ended = await caller.expect(Ended)
        await carrier.succeeded()
    assert (ringing.status, ringing.sdp) == (180, "")
    agreed = negotiate(build_offer(HOST, 40000), answered.sdp)
    assert agreed is not None
    assert (agreed.host, agreed.codec) == (HOST, "PCMA")
    assert not ended.by_remote


@BOTH
async def test_person_hangs_up(endpoint: SipEndpoint, tmp_path: Path, transport: Transport) -> None:
    caller = Caller()
    async with Sipp.play("uas-answer-then-carrier-bye", tmp_path, transport=transport) as carrier:
        caller.place(endpoint, invite_to(carrier.destination))
        await caller.expect(Provisional)
        await caller.expect(Answered)
        ended = await caller.expect(Ended)
        await carrier.succeeded()
    assert ended.by_remote
    assert ended.cause.q850 == 16


@pytest.mark.parametrize(
    ("status", "phrase", "cause"),
    [(486, "Busy Here", 17), (480, "Temporarily Unavailable", 20), (404, "Not Found", 1), (603, "Decline", 21)],
)
async def test_refusal(endpoint: SipEndpoint, tmp_path: Path, status: int, phrase: str, cause: int) -> None:
    caller = Caller()
    fill = {"status": str(status), "phrase": phrase, "cause": str(cause)}
    async with Sipp.play("uas-reject", tmp_path, fill=fill) as carrier:
        caller.place(endpoint, invite_to(carrier.destination))
        failed = await caller.expect(Failed)
        await carrier.succeeded()
    assert (failed.cause.sip_status, failed.cause.sip_phrase, failed.cause.q850) == (status, phrase, cause)
    assert not failed.rang
    assert not failed.no_response


async def test_refusal_after_ringing(endpoint: SipEndpoint, tmp_path: Path) -> None:
    caller = Caller()
    fill = {"status": "603", "phrase": "Decline", "cause": "21"}
    async with Sipp.play("uas-ring-then-reject", tmp_path, fill=fill) as carrier:
        caller.place(endpoint, invite_to(carrier.destination))
        await caller.expect(Provisional)
        failed = await caller.expect(Failed)
        await carrier.succeeded()
    assert failed.rang


async def test_trunk_full(endpoint: SipEndpoint, tmp_path: Path) -> None:
    caller = Caller()
    async with Sipp.play("uas-503-retry-after", tmp_path) as carrier:
        caller.place(endpoint, invite_to(carrier.destination))
        failed = await caller.expect(Failed)
        await carrier.succeeded()
    assert (failed.cause.sip_status, failed.retry_after_s) == (503, 17)


@pytest.mark.parametrize("scenario", ["uas-ring-then-cancel", "uas-183-then-cancel"])
@BOTH
async def test_cancel(endpoint: SipEndpoint, tmp_path: Path, scenario: str, transport: Transport) -> None:
    caller = Caller()
    async with Sipp.play(scenario, tmp_path, transport=transport) as carrier:
        call = caller.place(endpoint, invite_to(carrier.destination))
        early = await caller.expect(Provisional)
        call.cancel()
        failed = await caller.expect(Failed)
        await carrier.succeeded()
    assert bool(early.sdp) is (scenario == "uas-183-then-cancel")
    assert failed.cause.sip_status == 487
    assert failed.rang


async def test_nobody_answers_in_time(endpoint: SipEndpoint, tmp_path: Path) -> None:
    caller = Caller()
    async with Sipp.play("uas-ring-then-cancel", tmp_path) as carrier:
        caller.place(endpoint, invite_to(carrier.destination, ring_timeout_s=0.5))
        await caller.expect(Provisional)
        failed = await caller.expect(Failed)
        await carrier.succeeded()
    assert failed.rang


async def test_early_media_then_another_description(endpoint: SipEndpoint, tmp_path: Path) -> None:
    caller = Caller()
    async with Sipp.play("uas-183-then-answer", tmp_path) as carrier:
        call = caller.place(endpoint, invite_to(carrier.destination))
        early = await caller.expect(Provisional)
        answered = await caller.expect(Answered)
        call.hang_up()
        await caller.expect(Ended)
        await carrier.succeeded()
    offer = build_offer(HOST, 40000)
    agreed = [negotiate(offer, sdp) for sdp in (early.sdp, answered.sdp)]
    assert [audio.codec if audio else "" for audio in agreed] == ["PCMA", "PCMU"]


@pytest.mark.parametrize("scenario", ["uas-401-then-answer", "uas-407-then-answer"])
async def test_challenge_is_answered(endpoint: SipEndpoint, tmp_path: Path, scenario: str) -> None:
    caller = Caller()
    async with Sipp.play(scenario, tmp_path) as carrier:
        request = invite_to(carrier.destination, username="trunk", password="s3cret")
        call = caller.place(endpoint, request)
        await caller.expect(Answered)
        call.hang_up()
        await caller.expect(Ended)
        await carrier.succeeded()


async def test_wrong_password_is_not_tried_again(endpoint: SipEndpoint, tmp_path: Path) -> None:
    caller = Caller()
    async with Sipp.play("uas-407-always", tmp_path) as carrier:
        caller.place(endpoint, invite_to(carrier.destination, username="trunk", password="wrong"))
        failed = await caller.expect(Failed)
        await carrier.succeeded()
    assert failed.cause.sip_status == 407
    assert carrier.count_received("INVITE") == 2


async def test_lost_invites_are_repeated(endpoint: SipEndpoint, tmp_path: Path) -> None:
    """The first two datagrams of each direction are lost: two INVITEs, the 100 and the first 486."""
    caller = Caller()
    fill = {"status": "486", "phrase": "Busy Here", "cause": "17"}
    async with (
        Sipp.play("uas-reject", tmp_path, fill=fill) as carrier,
        Relay.before(carrier.destination, lambda to_peer, number: int(number >= 2)) as relay,
    ):
        caller.place(endpoint, invite_to(relay))
        failed = await caller.expect(Failed)
        await carrier.succeeded()
    assert failed.cause.sip_status == 486


async def test_every_200_gets_its_ack(endpoint: SipEndpoint, tmp_path: Path) -> None:
    """The third response, the 200, arrives three times; the owner hears of one answer, the carrier gets three ACKs."""
    caller = Caller()
    async with (
        Sipp.play("uas-answer-then-our-bye", tmp_path) as carrier,
        Relay.before(carrier.destination, lambda to_peer, number: 3 if (to_peer, number) == (False, 2) else 1) as relay,
    ):
        call = caller.place(endpoint, invite_to(relay))
        await caller.expect(Provisional)
        await caller.expect(Answered)
        await wait_until(lambda: carrier.count_received("ACK") == 3, "three ACKs")
        assert caller.is_quiet
        call.hang_up()
        await caller.expect(Ended)
        await carrier.succeeded()


async def test_answer_that_crosses_the_cancel(endpoint: SipEndpoint, tmp_path: Path) -> None:
    """SIPp insists on the ACK and the BYE of a call nobody wants any more."""
    caller = Caller()
    async with Sipp.play("uas-200-crossing-cancel", tmp_path) as carrier:
        call = caller.place(endpoint, invite_to(carrier.destination))
        await caller.expect(Provisional)
        call.cancel()
        await caller.expect(Failed)
        await carrier.succeeded()


async def test_both_hang_up_at_once(endpoint: SipEndpoint, tmp_path: Path) -> None:
    caller = Caller()
    async with Sipp.play("uas-bye-crossing", tmp_path) as carrier:
        call = caller.place(endpoint, invite_to(carrier.destination))
        await caller.expect(Answered)
        call.hang_up()
        await caller.expect(Ended)
        await carrier.succeeded()
    await wait_until(lambda: not endpoint.agent.calls, "the call is forgotten")
    assert caller.is_quiet


async def test_nobody_is_there(endpoint: SipEndpoint, tmp_path: Path) -> None:
    """All datagrams are lost: the next trunk must get its chance within the first-response limit."""
    caller = Caller()
    async with (
        Sipp.play("uas-reject", tmp_path) as carrier,
        Relay.before(carrier.destination, lambda to_peer, number: 0) as relay,
    ):
        caller.place(endpoint, invite_to(relay, first_response_timeout_s=1.0))
        failed = await caller.expect(Failed)
    assert failed.no_response
    assert not failed.rang


async def test_many_calls_over_a_lossy_path(endpoint: SipEndpoint, tmp_path: Path) -> None:
    """Every eighth datagram is lost, every fifth of the carrier's comes twice; every call ends as it should, once.

    None goes to SIPp twice: it gives a call up when a repeated request arrives between two of its answers.
    """

    def copies(to_peer: bool, number: int) -> int:
        if number % 8 == 3:
            return 0
        return 2 if number % 5 == 1 and not to_peer else 1

    callers = [Caller() for _ in range(30)]
    fill = {"status": "486", "phrase": "Busy Here", "cause": "17"}
    async with (
        Sipp.play("uas-ring-then-reject", tmp_path, fill=fill, calls=len(callers)) as carrier,
        Relay.before(carrier.destination, copies) as relay,
    ):
        async with asyncio.TaskGroup() as tasks:
            for caller in callers:
                caller.place(endpoint, invite_to(relay, first_response_timeout_s=PEER_TIMEOUT_S))
                tasks.create_task(caller.see_through())
        await carrier.succeeded()
    assert all(caller.is_quiet for caller in callers)
