"""Lines without audio: what the far end hears of them, and what of the far end is heard."""

import asyncio
from collections.abc import Coroutine
from typing import TypeVar

import pytest

from dialer.errors import MediaError
from dialer.media.interface import AudioBlock, DtmfReceived, LegEvent, PlayFinished
from dialer.media.loopback_silent import Line, SilentLoopback
from dialer.simulator.virtual_time import VirtualTimeLoop

T = TypeVar("T")
SECOND_OF_PCM = bytes(16_000)


def live(work: Coroutine[object, object, T]) -> T:
    """Runs it on virtual time."""
    with asyncio.Runner(loop_factory=VirtualTimeLoop) as runner:
        return runner.run(work)


def test_the_far_end_hears_what_becomes_of_the_line() -> None:
    """Silence, a prompt for as long as it lasts, a voice while bridged, silence again; each told once."""

    async def day() -> tuple[list[tuple[Line, float]], list[LegEvent]]:
        loop, media = asyncio.get_running_loop(), SilentLoopback()
        began_at, heard, told = loop.time(), list[tuple[Line, float]](), list[LegEvent]()
        person, collector = media.open_leg(sink=told.append), media.open_leg(sink=lambda event: None)
        media.watch(person.local_port, lambda line: heard.append((line, loop.time() - began_at)))
        person.play(SECOND_OF_PCM)
        await asyncio.sleep(3.0)
        media.bridge(person, collector)
        await asyncio.sleep(2.0)
        collector.close()
        await asyncio.sleep(1.0)
        person.close()
        return heard, told

    heard, told = live(day())
    assert heard == [(Line.SILENT, 0.0), (Line.PROMPT, 0.0), (Line.SILENT, 1.0), (Line.VOICE, 3.0), (Line.SILENT, 5.0)]
    assert [(type(event), event.completed) for event in told if isinstance(event, PlayFinished)] == [
        (PlayFinished, True)
    ]


def test_words_reach_whoever_taps_and_keys_everybody() -> None:
    """What is said to a line nobody taps is lost; a closed leg hears nothing."""

    async def day() -> list[LegEvent]:
        media, told = SilentLoopback(), list[LegEvent]()
        leg = media.open_leg(sink=told.append)
        media.say(leg.local_port, b"too early")
        leg.start_tap()
        media.say(leg.local_port, b"hello")
        media.press(leg.local_port, "1")
        leg.stop_tap()
        media.say(leg.local_port, b"too late")
        leg.close()
        media.press(leg.local_port, "2")
        return told

    told = live(day())
    assert [event.pcm for event in told if isinstance(event, AudioBlock)] == [b"hello"]
    assert [event.digit for event in told if isinstance(event, DtmfReceived)] == ["1"]


def test_what_cannot_be_is_refused_as_by_the_other_engines() -> None:
    async def day() -> None:
        media = SilentLoopback()
        leg, gone = media.open_leg(sink=lambda event: None), media.open_leg(sink=lambda event: None)
        gone.close()
        gone.close()
        for refused in (lambda: media.bridge(leg, leg), lambda: media.bridge(leg, gone), lambda: gone.play(b"\0\0")):
            with pytest.raises(MediaError):
                refused()
        with pytest.raises(MediaError):
            leg.play(b"")

    live(day())


def test_a_prompt_that_is_replaced_says_so() -> None:
    """The second play ends the first, which was not completed; a bridge heard meanwhile comes through afterwards."""

    async def day() -> list[tuple[int, bool]]:
        media, told = SilentLoopback(), list[LegEvent]()
        leg = media.open_leg(sink=told.append)
        first = leg.play(SECOND_OF_PCM)
        await asyncio.sleep(0.5)
        second = leg.play(SECOND_OF_PCM)
        await asyncio.sleep(2.0)
        assert (first, second) == tuple(sorted((first, second)))
        return [(event.play_id - first, event.completed) for event in told if isinstance(event, PlayFinished)]

    assert live(day()) == [(0, False), (1, True)]
