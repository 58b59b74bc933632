"""Builds a data set of labelled telephone clips. The same seed, pool and number of clips give the same bytes."""

import hashlib
from dataclasses import dataclass
from itertools import accumulate
from pathlib import Path

import numpy as np

from speech.channel import Channel, coded_wav, draw_channel, pass_through
from speech.lines import Lines
from speech.manifest import Row, write_manifest
from speech.noises import NOISES, VOICED, VOICELESS, noise
from speech.pool import Pool
from speech.scenes import LONGEST_MS, Scene, Stage
from speech.sound import Samples, dbfs, gain, n_samples, rms
from speech.texts import Split

SHARES: dict[str, dict[str, float]] = {
    "human": {"short": 15, "normal": 12, "business": 8, "two_utterances": 6, "late": 3, "tv": 4, "noisy": 4},
    "machine": {"carrier": 11, "personal": 9, "assistant": 4, "short": 7, "pause": 6, "concat": 4},
    "silence": {"digital": 0.8, "cn": 0.9, "clicks": 1.0, **dict.fromkeys(VOICELESS, 0.6)},
    "fax": {"cng": 1.6, "ced": 1.4, "ansam": 1.4},
}
"""Clips of each subclass, in parts of their sum."""
_NOISE_SHARES = {"human": 0.62, "machine": 0.5, "fax": 0.3, "silence": 0.0}
_NOISE_WEIGHTS = (0.12, 0.18, 0.17, 0.17, 0.06, 0.05, 0.08, 0.05, 0.12, 0.0)
"""How often each of `NOISES` is heard; a television has a class of its own."""
_AMBIENCE_SHARE = 0.3
"""Personal greetings whose noise was recorded with them, and ends with them."""


@dataclass(frozen=True, slots=True)
class Behind:
    """The noise of a clip; `snr_db` against the active speech level."""

    name: str = ""
    snr_db: float | None = None


def build(out: Path, pool: Pool, split: Split, seed: int, n_clips: int, longest_ms: int = LONGEST_MS) -> list[Row]:
    """Writes the clips into `out/audio` and the manifest beside them; what is longer than `longest_ms` is cut."""
    (out / "audio").mkdir(parents=True, exist_ok=True)
    lines = Lines(pool, split)
    stage = Stage(lines, longest_ms)
    rows = []
    for number, (label, subclass) in enumerate(classes(n_clips), start=1):
        clip_seed = int(np.random.SeedSequence([seed, number]).generate_state(1)[0])
        rng = np.random.default_rng(clip_seed)
        scene = stage.draw(label, subclass, rng)
        wav, channel, behind = heard(scene, lines, rng)
        file = f"{label}-{number:05}.wav"
        (out / "audio" / file).write_bytes(wav)
        rows.append(row_of(file, scene, channel, behind, clip_seed, wav))
    rows.sort(key=lambda row: row.file)
    write_manifest(out / "manifest.csv", rows)
    return rows


def classes(n_clips: int) -> list[tuple[str, str]]:
    """The class of each clip: as many of each as its share says."""
    shares = {(label, name): share for label, names in SHARES.items() for name, share in names.items()}
    ends = [end * n_clips / sum(shares.values()) for end in accumulate(shares.values())]
    names = list(shares)
    return [names[int(np.searchsorted(ends, number + 0.5))] for number in range(n_clips)]


def heard(scene: Scene, lines: Lines, rng: np.random.Generator) -> tuple[bytes, Channel, Behind]:
    """What arrives of a scene: the file, and what was done to it."""
    behind = draw_behind(scene, rng)
    size = scene.track.size
    channel = draw_channel(rng, size)
    if scene.label == "silence":
        channel = quiet_channel(scene, channel)
    made = np.zeros(size, dtype=np.float32)
    if behind.name:
        voices = lines.behind(rng) if behind.name in VOICED else ()
        level_dbfs = scene.level_dbfs - (behind.snr_db or 0.0)
        made = noise(behind.name, size, rng, voices) * gain(level_dbfs)
    if "ambience" in scene.notes:
        made = within(made, scene)
    return coded_wav(pass_through(scene.track, made, channel, rng), channel.codec), channel, behind


def draw_behind(scene: Scene, rng: np.random.Generator) -> Behind:
    """The noise that goes with a scene."""
    if scene.label == "silence":
        return Behind(scene.subclass, 0.0) if scene.subclass in VOICELESS else Behind()
    if scene.subclass == "tv":
        return Behind("tv", rng.uniform(4, 17))
    name = str(rng.choice(NOISES, p=np.array(_NOISE_WEIGHTS) / sum(_NOISE_WEIGHTS)))
    if scene.subclass == "noisy":
        return Behind(name, rng.uniform(-1, 8))
    if rng.random() >= _NOISE_SHARES[scene.label]:
        return Behind()
    if scene.subclass == "personal" and rng.random() < _AMBIENCE_SHARE:
        scene.notes.append("ambience")
    return Behind(name, rng.uniform(8, 36))


def quiet_channel(scene: Scene, channel: Channel) -> Channel:
    """Where nobody speaks, nothing is muted for being softer than speech, and no sound is added but its own."""
    comfort = {"cn": scene.level_dbfs, "digital": None}.get(scene.subclass, channel.comfort_dbfs)
    quiet = scene.subclass == "digital"
    return Channel(
        codec=channel.codec,
        band_hz=channel.band_hz,
        comfort_dbfs=comfort,
        click_at=None if quiet else channel.click_at,
        ring_tail_ms=0.0 if quiet else channel.ring_tail_ms,
        ring_hz=channel.ring_hz,
        dc=0 if quiet else channel.dc,
        gsm=channel.gsm,
        lost_frames=channel.lost_frames,
        conceal=channel.conceal,
    )


def within(made: Samples, scene: Scene) -> Samples:
    """Noise from a little before the greeting to a little after it."""
    first, last = n_samples((scene.first_ms or 0) - 150), n_samples((scene.end_ms or 0) + 200)
    kept = np.zeros_like(made)
    kept[max(first, 0) : last] = made[max(first, 0) : last]
    return kept


def row_of(file: str, scene: Scene, channel: Channel, behind: Behind, seed: int, wav: bytes) -> Row:
    """The clip's line in the manifest."""
    digest = hashlib.sha256(wav).hexdigest()
    level = scene.level_dbfs if scene.label != "silence" or behind.name else dbfs(rms(scene.track))
    return Row(
        file=file,
        label=scene.label,
        subclass=scene.subclass,
        phase="answered",
        lang=scene.language,
        voice=scene.voice,
        source="tts" if scene.voice else "computed",
        text=" | ".join(scene.texts) or f"[{scene.subclass}]",
        dur_ms=round(scene.track.size / 8),
        first_speech_ms=scene.first_ms,
        greeting_end_ms=scene.end_ms,
        speech_ms=scene.speech_ms,
        utterances=len(scene.texts) or None,
        beep_ms=scene.beep_ms,
        beep_hz=scene.beep_hz,
        codec=channel.codec,
        level_dbfs=round(level, 1),
        noise=behind.name,
        snr_db=None if behind.snr_db is None else round(behind.snr_db, 1),
        impairments=" ".join([*scene.notes, channel.impairments()]).strip(),
        seed=seed,
        sha256=digest,
    )
