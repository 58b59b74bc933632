"""What both media engines promise of a browser's leg as far as no browser is needed; and the twin, which needs none."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from dialer.errors import MediaError
from dialer.media import g711
from dialer.media.interface import FRAME_SAMPLES, BrowserConnected, BrowserLost, Codec, LegEvent, RtpTimeout
from dialer.media.loopback import FarEnd, LoopbackEngine
from dialer.media.loopback_browser import LoopbackBrowserLeg
from tests.support.media_worlds import ENGINES, RTP_TIMEOUT_S, World, loud, of_type, open_world, tone

OFFER = (Path(__file__).parent.parent / "data" / "sdp" / "chromium-offer.sdp").read_text(encoding="utf-8")


def offer_without(*payload_types: str) -> str:
    """Chromium's offer without these codecs."""
    lines = [line for line in OFFER.splitlines() if not line.startswith(tuple(f"a=rtpmap:{n} " for n in payload_types))]
    stream = next(line for line in lines if line.startswith("m="))
    head, offered = stream.split()[:3], stream.split()[3:]
    lines[lines.index(stream)] = " ".join(head + [n for n in offered if n not in payload_types])
    return "\r\n".join([*lines, ""])


@pytest.fixture(params=ENGINES)
async def world(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[World]:
    """The test is put to both engines."""
    async with open_world(request.param, tmp_path / "spool") as opened:
        yield opened


@pytest.fixture
async def twin(tmp_path: Path) -> AsyncIterator[LoopbackEngine]:
    async with open_world("twin", tmp_path / "spool") as opened:
        assert isinstance(opened.media, LoopbackEngine)
        yield opened.media


def connected(media: LoopbackEngine) -> tuple[LoopbackBrowserLeg, FarEnd, list[LegEvent]]:
    """A browser's leg with its browser."""
    events: list[LegEvent] = []
    leg = media.open_browser_leg(sink=events.append)
    browser = media.far_end()
    leg.accept(OFFER.replace("m=audio 9", f"m=audio {browser.port}"))
    browser.connect(leg.local_host, leg.local_port)
    media.advance(0.02)
    return leg, browser, events


def audible(far_end: FarEnd) -> int:
    """How many frames that are not silence it heard."""
    return sum(frame.codes[0] != g711.SILENCE[frame.codec] for frame in far_end.heard)


@pytest.mark.parametrize(("offer", "chosen"), [(OFFER, "8"), (offer_without("8"), "0")])
async def test_the_answer_has_one_law(world: World, offer: str, chosen: str) -> None:
    leg = world.media.open_browser_leg(sink=lambda event: None)
    answer = leg.accept(offer)
    (stream,) = [line for line in answer.splitlines() if line.startswith("m=")]
    assert stream.split()[3:] == [chosen]


@pytest.mark.parametrize(
    ("offer", "words"),
    [
        ("", "0 streams"),
        (OFFER + "m=video 9 UDP/TLS/RTP/SAVPF 96\r\n", "2 streams"),
        (offer_without("0", "8"), "neither PCMA nor PCMU"),
    ],
)
async def test_a_wrong_offer_is_refused_in_words(world: World, offer: str, words: str) -> None:
    leg = world.media.open_browser_leg(sink=lambda event: None)
    with pytest.raises(MediaError, match=words):
        leg.accept(offer)
    leg.accept(OFFER)


async def test_only_an_offer_names_the_browser(world: World) -> None:
    leg = world.media.open_browser_leg(sink=lambda event: None)
    with pytest.raises(MediaError, match="accept"):
        leg.set_remote("127.0.0.1", 9, codec=Codec.PCMA, dtmf_payload_type=None)


async def test_a_closed_leg_accepts_nothing(world: World) -> None:
    leg = world.media.open_browser_leg(sink=lambda event: None)
    leg.close()
    with pytest.raises(MediaError, match="closed"):
        leg.accept(OFFER)


async def test_a_browser_that_never_comes_is_no_timeout(world: World) -> None:
    events: list[LegEvent] = []
    leg = world.media.open_browser_leg(sink=events.append)
    leg.accept(OFFER)
    play_id = leg.play(tone(2 * RTP_TIMEOUT_S), loop=False)
    await world.until(lambda: any(getattr(event, "play_id", None) == play_id for event in events))
    await world.run(2 * RTP_TIMEOUT_S)
    assert not of_type(events, RtpTimeout)


async def test_an_echo_comes_instead_of_the_partner(world: World) -> None:
    person, partner = world.person(), world.person()
    leg, _ = world.call(person)
    other, _ = world.call(partner)
    world.media.bridge(leg, other)
    leg.start_echo()
    person.say(tone(0.4))
    await world.until(lambda: loud(person.heard_audio()) > FRAME_SAMPLES)
    assert not loud(partner.heard_audio())
    leg.stop_echo()
    person.say(tone(0.4))
    await world.until(lambda: loud(partner.heard_audio()) > FRAME_SAMPLES)


async def test_the_twins_browser_is_there_at_once(twin: LoopbackEngine) -> None:
    leg, browser, events = connected(twin)
    other, partner, _ = connected(twin)
    twin.bridge(leg, other)
    browser.say(tone(0.2))
    twin.advance(0.3)
    assert [type(event) for event in events][:1] == [BrowserConnected]
    assert audible(partner) == 10


async def test_the_twins_browser_can_be_lost_and_comes_back_to_the_same_bridge(twin: LoopbackEngine) -> None:
    leg, browser, events = connected(twin)
    other, partner, _ = connected(twin)
    twin.bridge(leg, other)
    leg.lose()
    browser.say(tone(0.2))
    twin.advance(0.3)
    assert audible(partner) == 0
    leg.accept(OFFER.replace("m=audio 9", f"m=audio {browser.port}"))
    browser.say(tone(0.2))
    twin.advance(0.3)
    assert audible(partner) == 10
    told = [type(event) for event in events if isinstance(event, BrowserConnected | BrowserLost)]
    assert told == [BrowserConnected, BrowserLost, BrowserConnected]
