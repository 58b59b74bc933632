"""The tap goes on while two legs are joined: what the far end says is heard by collector and detector alike."""

import gc
import weakref
from pathlib import Path

import pytest

from dialer.calls.call_audio import CallAudio
from dialer.calls.listening import Listening, prepare
from dialer.calls.signals import ListenTarget, Signal
from dialer.calls.signals import SignalKind as K
from dialer.config import MediaConfig
from dialer.media import g711
from dialer.media.interface import Codec
from dialer.media.loopback import FarEnd, LoopbackEngine
from dialer.media.loopback_leg import Frame
from dialer.media.meter import NativeMeter
from dialer.progress.amd import AmdConfig
from dialer.prompts.audio import read_audio
from dialer.prompts.signals import silence, tone
from dialer.simulator.voices import VOICES_DIR

GREETING = read_audio(VOICES_DIR / "human_zh_qing_shuo.flac")
prepare()


def far_end_of(media: LoopbackEngine, audio: CallAudio) -> FarEnd:
    far = media.far_end()
    far.connect(audio.leg.local_host, audio.leg.local_port)
    audio.leg.set_remote(far.host, far.port, codec=Codec.PCMA, dtmf_payload_type=None)
    return far


def until(media: LoopbackEngine, told: list[Signal], kind: K) -> None:
    """Lets time pass until that is told; at most ten seconds."""
    for _ in range(500):
        if told and told[-1].kind is kind:
            return
        media.advance(0.02)
    raise AssertionError(f"{kind} was not told")


def is_sound(frame: Frame) -> bool:
    """Whether it is more than the silence that keeps a path open."""
    return bool(frame.codes.strip(bytes([g711.SILENCE[Codec.PCMA]])))


async def test_a_beep_is_heard_under_the_bridge(tmp_path: Path) -> None:
    told: list[Signal] = []
    async with LoopbackEngine(MediaConfig(), tmp_path) as media:
        audio = CallAudio(media, told.append, lambda digit: None, Listening(AmdConfig(patient=True)))
        person = far_end_of(media, audio)
        desk = CallAudio(media, lambda signal: None, lambda digit: None)
        collector = far_end_of(media, desk)
        audio.listen(ListenTarget.GREETING)
        person.say(silence(300) + GREETING + tone((1000.0,), 800) + silence(4000))
        until(media, told, K.GREETING_OVER)
        audio.bridge(desk.leg)
        until(media, told, K.MACHINE)
        assert media.now < 5.0
        assert sum(is_sound(frame) for frame in collector.heard) > 20
        audio.unbridge()
        audio.listen(ListenTarget.BEEP)
        heard = len(collector.heard)
        until(media, told, K.BEEP)
        assert not any(is_sound(frame) for frame in collector.heard[heard:])
        beep_over_s = 0.3 + len(GREETING) / 16000 + 0.8
        assert beep_over_s <= media.now <= beep_over_s + 0.2


async def test_a_prompt_begins_with_the_frame_after_the_signal(tmp_path: Path) -> None:
    """The message starts within one frame of READY, never before."""
    told: list[Signal] = []
    async with LoopbackEngine(MediaConfig(), tmp_path) as media:
        audio = CallAudio(media, told.append, lambda digit: None, Listening(AmdConfig(patient=True)))
        machine = far_end_of(media, audio)
        audio.listen(ListenTarget.BEEP)
        machine.say(GREETING + tone((1000.0,), 400) + silence(4000))
        until(media, told, K.BEEP)
        before = len(machine.heard)
        audio.play(tone((620.0,), 200))
        media.advance(0.02)
        assert any(is_sound(frame) for frame in machine.heard[before:])


@pytest.mark.parametrize("target", ListenTarget)
async def test_nothing_hears_on_after_the_end(tmp_path: Path, target: ListenTarget) -> None:
    """At once, in the loop's own thread: a meter must not wait for a collection of garbage that runs in another one."""
    gc.collect()
    async with LoopbackEngine(MediaConfig(), tmp_path) as media:
        audio = CallAudio(media, lambda signal: None, lambda digit: None)
        before = {id(found) for found in gc.get_objects() if isinstance(found, NativeMeter)}
        audio.listen(target)
        meters = [found for found in gc.get_objects() if isinstance(found, NativeMeter) and id(found) not in before]
        (meter,) = map(weakref.ref, meters)
        meters.clear()
        audio.close()
        assert meter() is None
