"""The live board: frames hold what changed, values are serialised once a beat, slow watchers lose only old values."""

import asyncio

import msgspec
import pytest

from dialer import live
from dialer.live import LiveBoard


class SteppedClock:
    """Stands still; beats pass when it is told to."""

    def __init__(self) -> None:
        self.now = 100.0

    def monotonic(self) -> float:
        return self.now

    def utcnow(self) -> None:
        raise AssertionError("the board needs no wall clock")


def _everything(topic: str) -> bool:
    return True


def _frame(board: LiveBoard, seen: int, beat: int) -> tuple[int, object]:
    reached, frame = board.frame_since(seen, _everything, beat)
    return reached, None if frame is None else msgspec.json.decode(frame)


def test_frames_hold_what_changed_since_the_last_one() -> None:
    board = LiveBoard(SteppedClock())  # type: ignore[arg-type]
    board.publish("agent/1", {"state": "ready"})
    board.publish("agent/2", {"state": "break"})
    seen, frame = _frame(board, 0, 1)
    assert frame == {"agent/1": {"state": "ready"}, "agent/2": {"state": "break"}}
    board.publish("agent/1", {"state": "talking"})
    board.publish("agent/1", {"state": "wrapup"})  # the value in between is nobody's loss
    seen, frame = _frame(board, seen, 2)
    assert frame == {"agent/1": {"state": "wrapup"}}
    board.publish("agent/2", None)
    seen, frame = _frame(board, seen, 3)
    assert frame == {"agent/2": None}
    assert _frame(board, seen, 4) == (seen, None)
    assert board.snapshot() == {"agent/1": {"state": "wrapup"}}


def test_what_is_said_on_demand_is_asked_once_for_each_publishing() -> None:
    """Nobody watches: it is not asked at all."""
    board = LiveBoard(SteppedClock())  # type: ignore[arg-type]
    asked: list[int] = []

    def say() -> dict[str, object]:
        asked.append(len(asked))
        return {"n": len(asked)}

    board.publish("a", say)
    board.publish("a", say)
    assert not asked
    seen, frame = _frame(board, 0, 1)
    assert frame == {"a": {"n": 1}}
    assert _frame(board, 0, 2) == (seen, {"a": {"n": 1}})
    board.publish("a", say)
    assert _frame(board, seen, 3)[1] == {"a": {"n": 2}}
    assert board.snapshot() == {"a": {"n": 3}}


def test_within_one_beat_every_watcher_gets_the_same_bytes() -> None:
    board = LiveBoard(SteppedClock())  # type: ignore[arg-type]
    board.publish("a", {"n": 1})
    first = board.frame_since(0, _everything, 1)
    board.publish("a", {"n": 2})
    assert board.frame_since(0, _everything, 1) == first
    seen, frame = _frame(board, first[0], 2)
    assert frame == {"a": {"n": 2}}
    assert not board.has_news(seen)


def test_topics_are_bounded_and_gone_ones_make_room(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(live, "MAX_TOPICS", 2)
    board = LiveBoard(SteppedClock())  # type: ignore[arg-type]
    board.publish("never was", None)
    board.publish("a", {})
    board.publish("b", {})
    with pytest.raises(ValueError, match="2 topics"):
        board.publish("c", {})
    board.publish("a", None)
    board.publish("c", {})
    assert set(board.snapshot()) == {"b", "c"}


async def test_a_watcher_sleeps_until_there_is_something_wanted() -> None:
    clock = SteppedClock()
    board = LiveBoard(clock)  # type: ignore[arg-type]
    async with board.subscribe(lambda topic: topic == "mine") as frames, asyncio.TaskGroup() as tasks:
        waiting = tasks.create_task(frames.next())
        await asyncio.sleep(0)
        board.publish("other", {"n": 1})
        clock.now += 1
        board.publish("mine", {"n": 2})
        assert msgspec.json.decode(await waiting) == {"mine": {"n": 2}}


async def test_who_watches_one_topic_is_told_of_that_one_without_a_beat() -> None:
    """The clock stands still: no beat passes. Many changes before it looks are one frame; others' news are none."""
    board = LiveBoard(SteppedClock())  # type: ignore[arg-type]
    board.publish("mine", {"n": 1})
    async with board.subscribe_to("mine") as frames, asyncio.TaskGroup() as tasks:
        assert msgspec.json.decode(await frames.next()) == {"mine": {"n": 1}}
        frames._next_at = 0.0  # as if the gap between two frames had passed
        waiting = tasks.create_task(frames.next())
        await asyncio.sleep(0)
        board.publish("other", {"n": 2})
        board.publish("mine", {"n": 3})
        board.publish("mine", None)
        assert msgspec.json.decode(await waiting) == {"mine": None}
    board.publish("mine", {"n": 4})  # nobody is there any more
    _, frame = _frame(board, 0, 1)
    assert frame == {"mine": {"n": 4}, "other": {"n": 2}}, "beats have missed nothing"
