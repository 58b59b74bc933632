"""Where speech begins and ends: clicks, tones and the noise floor."""

from pathlib import Path

import dialer.simulator
from dialer.progress.frames import FRAME_BYTES, Frame, FrameMeter
from dialer.progress.speech import QUIETEST_SPEECH_DBFS, SpeechTracker
from dialer.progress.tones import ToneTracker
from dialer.prompts.audio import read_audio
from dialer.prompts.signals import RINGBACK_CN, play_signal, silence

VOICES = Path(dialer.simulator.__file__).parent / "voices"
RING_MS, GAP_MS, LEAD_MS = 600, 300, 400


def follow(pcm: bytes) -> tuple[SpeechTracker, list[float]]:
    """The tracker after the audio, and its noise floor after each frame."""
    meter, tones, speech = FrameMeter(), ToneTracker(), SpeechTracker()
    floors = []
    for at in range(0, len(pcm) - FRAME_BYTES + 1, FRAME_BYTES):
        frame = meter.measure(pcm[at : at + FRAME_BYTES])
        tones.feed(frame)
        speech.feed(frame, in_tone=tones.suspected)
        if tones.current is not None:
            speech.retract(tones.current.start_ms)
        floors.append(speech.noise_floor_dbfs)
    return speech, floors


def test_after_the_ringing_and_digital_silence_a_voice_is_speech() -> None:
    ringing = play_signal(RINGBACK_CN, RING_MS)
    voice = read_audio(VOICES / "human_zh_wei.flac")
    after, _ = follow(ringing + silence(GAP_MS) + voice + silence(200))
    alone, _ = follow(silence(RING_MS + GAP_MS) + voice + silence(200))
    assert after.start_ms is not None
    assert abs(after.start_ms - (RING_MS + GAP_MS + LEAD_MS)) <= 60
    assert (after.start_ms, after.end_ms, after.speech_ms) == (alone.start_ms, alone.end_ms, alone.speech_ms)


def test_a_tone_leaves_no_trace_in_the_noise_floor() -> None:
    _, floors = follow(play_signal(RINGBACK_CN, RING_MS))
    assert floors[5:] == [QUIETEST_SPEECH_DBFS] * len(floors[5:]), "as if nothing had been heard yet"


def test_the_noise_floor_is_that_of_the_line_at_once_after_a_tone() -> None:
    speech = SpeechTracker()
    for index in range(20):
        speech.feed(Frame(index, -15.0, voiced=True), in_tone=index >= 2)
    speech.feed(Frame(20, -50.0, voiced=False))
    assert speech.noise_floor_dbfs == -50.0


def test_a_tone_taken_back_leaves_the_speech_before_it() -> None:
    speech = SpeechTracker()
    for index in range(20):
        speech.feed(Frame(index, -20.0 if index >= 5 else -70.0, voiced=index >= 5))
    assert (speech.start_ms, speech.end_ms, speech.speech_ms) == (100, 400, 300)
    speech.retract(300)
    assert (speech.start_ms, speech.end_ms, speech.speech_ms) == (100, 300, 200)


def test_a_tone_taken_back_that_was_all_there_was() -> None:
    speech = SpeechTracker()
    for index in range(8):
        speech.feed(Frame(index, -20.0 if index >= 5 else -70.0, voiced=index >= 5))
    speech.retract(100)
    assert (speech.start_ms, speech.peak_dbfs, speech.speech_ms, speech.span_ms) == (None, None, 0, 0)


def test_two_frames_of_noise_are_a_click_and_four_are_speech() -> None:
    for n_frames, heard in ((2, False), (3, False), (4, True)):
        speech = SpeechTracker()
        for index in range(30):
            loud = 5 <= index < 5 + n_frames
            speech.feed(Frame(index, -20.0 if loud else -70.0, voiced=loud))
        assert speech.heard is heard
        assert (speech.start_ms is not None) is heard, "a click is forgotten after its pause"
