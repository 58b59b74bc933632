"""Commands in any order: in the twin plays end once, taps have no hole, recordings no overlap."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dialer.config import MediaConfig
from dialer.media import g711
from dialer.media.interface import RATE_HZ, AudioBlock, Codec, Leg, LegEvent, PlayFinished
from dialer.media.loopback import LoopbackEngine
from recording.spool import SpoolRecord, read_spool

ACTIONS = ("play", "loop", "stop_play", "tap", "stop_tap", "keys", "bridge", "unbridge", "say", "lose", "wait")
PCM = bytes(2 * 250)
Step = tuple[str, int]


@given(st.lists(st.integers(-32768, 32767), min_size=1, max_size=400), st.sampled_from(list(Codec)))
def test_g711_stays_within_its_step(values: list[int], codec: Codec) -> None:
    samples = np.array(values, dtype=np.int16)
    again = g711.decode(g711.encode(samples, codec), codec).astype(int)
    clipped = np.clip(samples.astype(int), -32_256, 32_256)
    assert (np.abs(again - clipped) <= np.abs(clipped) // 32 + 150).all()


@settings(max_examples=40, deadline=None)
@given(steps=st.lists(st.tuples(st.sampled_from(ACTIONS), st.integers(0, 1)), max_size=40))
def test_any_order_of_commands_keeps_the_promises(steps: list[Step], tmp_path_factory: pytest.TempPathFactory) -> None:
    directory = tmp_path_factory.mktemp("spool")
    twin = LoopbackEngine(MediaConfig(), directory)
    events: tuple[list[LegEvent], list[LegEvent]] = ([], [])
    plays: list[int] = []
    legs = [twin.open_leg(sink=events[index].append) for index in range(2)]
    people = [twin.far_end() for _ in legs]
    for index, (leg, person) in enumerate(zip(legs, people, strict=True)):
        leg.start_recording(f"r{index}")
        leg.set_remote(person.host, person.port, codec=list(Codec)[index], dtmf_payload_type=101)
        person.connect(leg.local_host, leg.local_port)
    for action, index in steps:
        _act(twin, action, legs[index], legs[1 - index], plays)
        if action == "say":
            people[index].say(PCM)
        elif action == "lose":
            people[index].lose(2)
        twin.advance(0.06)
    for leg in legs:
        leg.stop_play()
    twin.advance(0.1)
    for leg in legs:
        leg.close()
    twin.flush()
    _check_events(events, plays)
    for index in range(2):
        _check_recording(directory / f"r{index}.spool")


def _act(twin: LoopbackEngine, action: str, leg: Leg, other: Leg, plays: list[int]) -> None:
    if action in ("play", "loop"):
        plays.append(leg.play(PCM, loop=action == "loop"))
    elif action == "keys":
        leg.send_dtmf("12#")
    elif action == "bridge":
        twin.bridge(leg, other)
    elif action == "unbridge":
        twin.unbridge(leg)
    elif action in ("stop_play", "stop_tap"):
        getattr(leg, action)()
    elif action == "tap":
        leg.start_tap()


def _check_events(events: tuple[list[LegEvent], list[LegEvent]], plays: list[int]) -> None:
    ended = [event.play_id for told in events for event in told if isinstance(event, PlayFinished)]
    assert sorted(ended) == sorted(plays)
    for told in events:
        expected = 0
        for block in (event for event in told if isinstance(event, AudioBlock)):
            assert block.position in (0, expected)  # 0: a tap was started anew
            expected = block.position + len(block.pcm) // 2


def _check_recording(path: Path) -> None:
    _, records, truncated = read_spool(path)
    assert not truncated
    ends = [0, 0]
    record: SpoolRecord
    for record in records[:-1]:
        assert record.position >= ends[record.channel]
        ends[record.channel] = record.end
    assert records[-1].position >= max(ends)
    assert records[-1].position < 10 * RATE_HZ
