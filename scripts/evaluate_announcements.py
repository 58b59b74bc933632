"""How well announcements are recognised: `evaluate_announcements.py [--hours H] [--seed N] [--entries N]`.

A library read by simple voices (espeak-ng) is played back over bad lines, with music before it; then hours of other
audio by the same voices, music, noise and the network's tones; and each announcement known alone, whole or cut short,
while the others of its voice are played, or all of it. Prints recall, delay, false matches, and how near unrelated
audio came to a match. Needs espeak-ng; sox adds a vocoder line.
"""

import argparse
import io
import shutil
import subprocess
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

import numpy as np
import soundfile
from speech.channel import through_gsm, with_losses
from speech.noises import babble, music, white
from speech.programs import espeak
from speech.sound import FRAME, RATE_HZ, Samples, active_level, band_pass, gain, n_samples, rms, spoken_bounds

from dialer.media import g711
from dialer.media.interface import Codec
from dialer.model.announcement import AnnouncementMeaning as M
from dialer.progress.announcement_evidence import EVIDENCE, HISTORY_ROWS, LEAST_ROWS
from dialer.progress.announcements import AnnouncementLibrary, LibraryEntry, Match, matches_in
from dialer.progress.fingerprint import Fingerprint, FingerprintStream, active, fingerprint_of, sounding, weighted
from dialer.progress.frames import FRAME_BYTES, FRAME_MS
from dialer.prompts.audio import resample, to_pcm
from dialer.prompts.signals import BUSY_CN, RINGBACK_CN, RINGBACK_US, play_signal, special_information_tone

ZH_VOICES = (("cmn-latn-pinyin+f2", 1.0, 50), ("cmn-latn-pinyin+m3", 0.9, 40), ("cmn-latn-pinyin", 1.15, 60))
EN_VOICES = (("en-us+f3", 1.0, 55), ("en-gb", 0.95, 45))
ZH = (
    (M.POWERED_OFF, "dui4 bu5 qi3, nin2 bo1 da3 de5 yong4 hu4 yi3 guan1 ji1, qing3 shao1 hou4 zai4 bo1."),
    (M.EMPTY_NUMBER, "dui4 bu5 qi3, nin2 bo1 da3 de5 hao4 ma3 shi4 kong1 hao4, qing3 he2 dui4 hou4 zai4 bo1."),
    (M.BUSY, "dui4 bu5 qi3, nin2 bo1 da3 de5 yong4 hu4 zheng4 zai4 tong1 hua4 zhong1, qing3 shao1 hou4 zai4 bo1."),
    (
        M.UNREACHABLE,
        "dui4 bu5 qi3, nin2 bo1 da3 de5 yong4 hu4 zan4 shi2 wu2 fa3 jie1 tong1, qing3 shao1 hou4 zai4 bo1.",
    ),
    (M.SUSPENDED, "dui4 bu5 qi3, nin2 bo1 da3 de5 dian4 hua4 yi3 ting2 ji1."),
    (M.NO_ANSWER, "nin2 hao3, nin2 hu1 jiao4 de5 yong4 hu4 wu2 ren2 jie1 ting1, qing3 shao1 hou4 zai4 bo1."),
    (M.INCOMING_BARRED, "gai1 yong4 hu4 yi3 she4 zhi4 hu1 ru4 xian4 zhi4, wu2 fa3 jie1 ting1 nin2 de5 lai2 dian4."),
    (M.EMPTY_NUMBER, "hao4 ma3 bu4 cun2 zai4, qing3 cha2 zheng4 hou4 chong2 xin1 bo1 hao4."),
    (M.NETWORK_BUSY, "wang3 luo4 fan2 mang2, qing3 nin2 shao1 hou4 zai4 shi4, xie4 xie5."),
    (M.CALL_ASSISTANT, "wo3 shi4 lai2 dian4 zhu4 li3, ji1 zhu3 xian4 zai4 bu4 fang1 bian4, qing3 liu2 yan2."),
    (M.KEEP_WAITING, "zheng4 zai4 wei4 nin2 zhuan3 jie1, qing3 bu2 yao4 gua4 ji1."),
)
EN = (
    (M.POWERED_OFF, "Sorry, the subscriber you dialed is powered off. Please try again later."),
    (M.EMPTY_NUMBER, "The number you have dialed is not in service. Please check the number and dial again."),
    (M.BUSY, "The line you are calling is engaged at the moment. Please call back in a few minutes."),
    (M.NETWORK_BUSY, "All circuits are busy now. Please try your call again later."),
    (M.INCOMING_BARRED, "This customer does not accept calls from your number."),
)
UNKNOWN_ZH = (
    "dui4 bu5 qi3, nin2 bo1 da3 de5 yong4 hu4 yi3 bian4 geng1 hao4 ma3, qing3 cha2 xun2 hou4 zai4 bo1.",
    "dui4 bu5 qi3, nin2 bo1 da3 de5 hao4 ma3 qian2 mian4 qing3 jia1 ling2.",
    "dui4 bu5 qi3, nin2 bo1 da3 de5 yong4 hu4 bu4 zai4 fu2 wu4 qu1, qing3 gai3 ri4 zai4 bo1.",
)
WORDS_ZH = (
    "jin1 tian1, ming2 tian1, yin2 hang2, huan2 kuan3, xian1 sheng5, nv3 shi4, di4 zhi3, gong1 si1, shi2 jian1, "
    "wen4 ti2, ke3 yi3, zhi1 dao4, mei2 you3, xian4 zai4, xia4 wu3, wan3 shang5, peng2 you5, lao3 shi1, tian1 "
    "qi4, bei3 jing1, dian4 hua4, yong4 hu4, hao4 ma3, zhang4 dan1, xie4 xie5, wo3 men5, ni3 men5, chi1 fan4, "
    "hui2 jia1, gong1 zuo4"
)
WORDS_EN = (
    "river, green, window, seldom, mountain, seven, people, speak, quickly, number, please, today, money, office, "
    "about, would, where, call, later, again, subscriber, service, the, a, is, was, not, you, have, they, under, "
    "table, letter"
)
SYLLABLES = ("b", "d", "f", "g", "h", "j", "k", "l", "m", "n", "sh", "t", "x", "zh"), ("a", "ai", "an", "ei", "i", "u")
MUSIC_S = 20.0
PIECE_S = 60.0
CHECKED_ROWS = (LEAST_ROWS, 75, 100, HISTORY_ROWS)
NULL_EVERY_S = 10.0
PARTED_ROWS = 10
"""Words have parted from those of another meaning when so many rows in a row are not shared with it."""
FILLER_S = 10.0
CUT_ROWS = 5

Voice = tuple[str, float, int]
Line = Callable[[Samples, np.random.Generator], Samples]


@dataclass(frozen=True)
class Known:
    """An entry as it was read, and where its words part from those of other meanings (ms after its first sound)."""

    entry: LibraryEntry
    samples: Samples
    voice: Voice
    parted_ms: int = 0


def main() -> None:
    """Prints the report."""
    parser = argparse.ArgumentParser(description="How well announcements are recognised.")
    parser.add_argument("--hours", type=float, default=10.0, help="of other audio")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--entries", type=int, default=200, help="in the library; filled up with other readings")
    options = parser.parse_args()
    rng = np.random.default_rng(options.seed)
    known, library = make_library(rng, options.entries)
    print(f"{len(library.entries)} entries, {len(library.rows) * FRAME_MS / 1000:.0f} s; {len(known)} are played back")
    report_lines(known, library, rng)
    report_near(library)
    report_alone(known)
    report_other(library, rng, options.hours)


def say(text: str, voice: Voice) -> Samples:
    """One reading, cut to its words, at -18 dBFS."""
    samples, rate_hz = espeak(text, *voice)
    speech = resample(samples, rate_hz)
    first, last = spoken_bounds(speech)
    speech = speech[first:last]
    return (speech * gain(-18) / active_level(speech)).astype(np.float32)


def make_library(rng: np.random.Generator, n_entries: int) -> tuple[list[Known], AnnouncementLibrary]:
    """The announcements of five carriers, and readings by the same voices to fill the library up."""
    texts = [(voice, *line) for voice in ZH_VOICES for line in ZH] + [
        (voice, *line) for voice in EN_VOICES for line in EN
    ]
    read = [(meaning, text, say(text, voice)) for voice, meaning, text in texts]
    entries = [
        LibraryEntry(n, text, meaning, fingerprint_of(to_pcm(samples)))
        for n, (meaning, text, samples) in enumerate(read)
    ]
    for n in range(len(entries), n_entries):
        entries.append(LibraryEntry(n, f"filler {n}", M.OTHER, fingerprint_of(to_pcm(babbling(rng)))))
    library = AnnouncementLibrary(entries)
    voices = [voice for voice, _, _ in texts]
    known = [
        Known(entry, samples, voice, _parted_ms(library, n))
        for n, (entry, (_, _, samples), voice) in enumerate(zip(entries, read, voices, strict=False))
    ]
    return known, library


def _parted_ms(library: AnnouncementLibrary, number: int) -> int:
    first, last = library.bounds[number]
    shared = library.shared[first:last]
    parted_ms = 0
    for kind in range(int(library.kinds.max()) + 1):
        own = (shared >> np.uint32(kind) & 1) == 0
        runs = np.convolve(own, np.ones(PARTED_ROWS), "valid") == PARTED_ROWS
        parted_ms = max(parted_ms, int(runs.argmax()) * FRAME_MS)
    return parted_ms


# ---- bad lines


def lines() -> dict[str, Line]:
    """What happens to a repeat on its way, by name."""

    def law(codec: Codec) -> Line:
        return lambda samples, _: _companded(samples, codec)

    def louder(db: float) -> Line:
        return lambda samples, _: _companded(np.clip(samples * gain(db), -1, 1), Codec.PCMA)

    def noisy(snr_db: float) -> Line:
        return lambda samples, rng: _companded(_with_noise(samples, snr_db, rng), Codec.PCMU)

    def lossy(share: float, *, conceal: bool) -> Line:
        return lambda samples, rng: _with_losses(samples, share, rng, conceal=conceal)

    found: dict[str, Line] = {
        "A-law": law(Codec.PCMA),
        "u-law": law(Codec.PCMU),
        "25 dB down": louder(-25),
        "6 dB up": louder(6),
        "clipped (15 dB up)": louder(15),
        "300 to 3400 Hz": lambda samples, _: band_pass(samples, 300, 3400),
        "GSM full rate": lambda samples, _: through_gsm(samples),
        "GSM twice": lambda samples, _: through_gsm(through_gsm(samples)),
        "noise at 15 dB": noisy(15),
        "noise at 10 dB": noisy(10),
        "1 % lost": lossy(0.01, conceal=False),
        "5 % lost": lossy(0.05, conceal=False),
        "5 % repeated": lossy(0.05, conceal=True),
        "music before it": _after_music,
        "band, 15 dB down, GSM, noise at 15 dB, 5 % lost": _all_at_once,
    }
    if shutil.which("sox"):
        found["AMR-NB at 4.75 kbit/s"] = lambda samples, _: through_sox(samples, "amr-nb")
        found["LPC-10 at 2.4 kbit/s"] = lambda samples, _: through_sox(samples, "lpc10")
    return found


def _companded(samples: Samples, codec: Codec) -> Samples:
    decoded = g711.decode(g711.encode(g711.samples_of(to_pcm(samples)), codec), codec)
    return (decoded / np.float32(32768)).astype(np.float32)


def _with_noise(samples: Samples, snr_db: float, rng: np.random.Generator) -> Samples:
    noise = white(samples.size, rng)
    return (samples + noise / rms(noise) * active_level(samples) * gain(-snr_db)).astype(np.float32)


def _with_losses(samples: Samples, share: float, rng: np.random.Generator, *, conceal: bool) -> Samples:
    lost = np.flatnonzero(rng.random(samples.size // FRAME) < share)
    return with_losses(samples, tuple(int(at) for at in lost), conceal=conceal)


def _after_music(samples: Samples, rng: np.random.Generator) -> Samples:
    tune = music(n_samples(rng.uniform(0, MUSIC_S) * 1000) + FRAME, rng)
    return _companded(np.concatenate((tune / rms(tune) * np.float32(gain(-20)), samples)), Codec.PCMA)


def _all_at_once(samples: Samples, rng: np.random.Generator) -> Samples:
    far = through_gsm(band_pass(samples, 300, 3400) * np.float32(gain(-15)))
    return _with_losses(_companded(_with_noise(far, 15, rng), Codec.PCMA), 0.05, rng, conceal=False)


def through_sox(samples: Samples, form: str) -> Samples:
    """A round trip through a coder that sox knows."""
    wav = io.BytesIO()
    soundfile.write(wav, samples, RATE_HZ, format="WAV", subtype="PCM_16")
    coded = _sox(["-t", "wav", "-", "-t", form, "-"], wav.getvalue())
    raw = _sox(["-t", form, "-", "-t", "raw", "-r", "8000", "-e", "signed", "-b", "16", "-"], coded)
    return (g711.samples_of(raw) / np.float32(32768)).astype(np.float32)


def _sox(arguments: list[str], data: bytes) -> bytes:
    return subprocess.run(["sox", "-V1", *arguments], input=data, capture_output=True, check=True, timeout=60).stdout


def report_lines(known: list[Known], library: AnnouncementLibrary, rng: np.random.Generator) -> None:
    """Recall and delay of repeats, line by line, named and certain.

    The delay of the name counts from where the words are no other's any more, that of certainty from the last word.
    """
    print(f"\n{len(known)} repeats a line; delays in ms: median, 95 %, longest")
    print("line | named | delay | wrong | certain | delay | wrong")
    for name, line in lines().items():
        named, certain, wrong = [], [], [0, 0]
        for one in known:
            lead = np.zeros(int(rng.integers(1, RATE_HZ)), dtype=np.float32)
            matches = matches_in(library, to_pcm(np.concatenate((lead, line(one.samples, rng)))))
            for match in matches:
                wrong[match.certain] += match.meaning is not one.entry.meaning
            right = [match for match in matches if match.meaning is one.entry.meaning]
            named += [_delay_ms(match, one.parted_ms) for match in right[:1]]
            certain += [_delay_ms(match, one.entry.fingerprint.length_ms) for match in right if match.certain][:1]
        print(f"{name} | {_shown(named)} | {wrong[False]} | {_shown(certain)} | {wrong[True]}")


def _shown(delays: list[int]) -> str:
    return f"{len(delays)} | " + ", ".join(f"{delay:.0f}" for delay in np.percentile(delays, (50, 95, 100)))


def _delay_ms(match: Match, since_ms: int) -> int:
    return match.matched_ms - max(match.starts_ms, 0) - since_ms


# ---- other audio


def reading(rng: np.random.Generator) -> Samples:
    """About a minute of words in no order, by a voice of the library."""
    voice, words = ZH_VOICES[rng.integers(len(ZH_VOICES))], WORDS_ZH
    if rng.random() < 0.4:
        voice, words = EN_VOICES[rng.integers(len(EN_VOICES))], WORDS_EN
    sentences = (" ".join(rng.choice(words.split(", "), rng.integers(4, 12))) for _ in range(22))
    return say(". ".join(sentences) + ".", voice)


def babbling(rng: np.random.Generator) -> Samples:
    """Ten seconds of syllables that are no words: nothing else in here says the same."""
    first, last = SYLLABLES
    syllables = (f"{rng.choice(first)}{rng.choice(last)}{rng.integers(1, 5)}" for _ in range(60))
    return say(" ".join(syllables), ZH_VOICES[rng.integers(len(ZH_VOICES))])[: int(FILLER_S * RATE_HZ)]


def pieces(rng: np.random.Generator, seconds: float) -> Iterator[Samples]:
    """Other audio: most of it speech, with and without noise, the rest music, babble and tones."""
    size, done = int(PIECE_S * RATE_HZ), 0.0
    while done < seconds:
        draw = rng.random()
        if draw < 0.6:
            piece = reading(rng)[:size]
        elif draw < 0.7:
            piece = _with_noise(reading(rng)[:size], rng.uniform(5, 20), rng)
        elif draw < 0.85:
            piece = music(size, rng)
        elif draw < 0.95:
            piece = babble(size, rng, [reading(rng) for _ in range(3)])
        else:
            signals = [play_signal(signal, 15_000) for signal in (BUSY_CN, RINGBACK_CN, RINGBACK_US)]
            tones = special_information_tone() + b"".join(signals)
            piece = (g711.samples_of(tones) / np.float32(32768)).astype(np.float32)
        done += piece.size / RATE_HZ
        yield _companded(piece / rms(piece) * np.float32(gain(-22)), Codec.PCMA)


def report_near(library: AnnouncementLibrary) -> None:
    """Announcements that nobody added, which begin like known ones by the same voice."""
    texts = [(text, voice) for voice in ZH_VOICES for text in UNKNOWN_ZH]
    found = [match for line in texts for match in matches_in(library, to_pcm(_companded(say(*line), Codec.PCMA)))]
    print(f"\nunknown announcements that begin like known ones: {len(texts)}, {_counted(found)}")
    for match in found:
        print(f"  {match.title!r} at {match.matched_ms} ms, likeness {match.score}, certain {match.certain}")


def _counted(matches: list[Match]) -> str:
    n_certain = sum(match.certain for match in matches)
    return f"{len(matches) - n_certain} times named as a known one, {n_certain} times certain of it"


def report_alone(known: list[Known]) -> None:
    """Each announcement known alone, whole and cut short at its pauses, while the others of its voice are played."""
    voices = {
        voice: [one for one in known if one.voice == voice] for voice in dict.fromkeys(one.voice for one in known)
    }
    whole: list[Match] = []
    cut: list[Match] = []
    n_whole = n_cut = 0
    for voice, own in voices.items():
        others = [(None, say(text, voice)) for text in (UNKNOWN_ZH if voice in ZH_VOICES else ())]
        played = [
            (one, to_pcm(_companded(samples, Codec.PCMA))) for one, samples in (*((o, o.samples) for o in own), *others)
        ]
        for one in own:
            library = AnnouncementLibrary([one.entry])
            for other, pcm in played:
                if other is not one:
                    n_whole += 1
                    whole += matches_in(library, pcm)
            own_pcm = to_pcm(one.samples)
            for shorter in _cut_short(one):
                n_cut += 1
                cut += matches_in(AnnouncementLibrary([shorter]), own_pcm)
    print(f"\none known alone, others of its voice played: {n_whole}, {_counted(whole)}")
    print(f"one known alone, cut short at a pause, and played whole: {n_cut}, {_counted(cut)}")


def _cut_short(one: Known) -> Iterator[LibraryEntry]:
    """The entry up to each pause of a tenth of a second in it."""
    rows = one.entry.fingerprint.rows
    sounds = np.flatnonzero(sounding(weighted(rows)))
    for at in sounds[:-1][np.diff(sounds) > CUT_ROWS]:
        if at >= LEAST_ROWS:
            yield replace(one.entry, fingerprint=Fingerprint(rows[: at + 1]))


def report_other(library: AnnouncementLibrary, rng: np.random.Generator, hours: float) -> None:
    """False matches, what a frame costs, and how near unrelated stretches come."""
    false: list[Match] = []
    n_frames, cpu_s, nearness = 0, 0.0, Nearness(library)
    for piece in pieces(rng, hours * 3600):
        pcm = to_pcm(piece)
        began = time.process_time()
        false += matches_in(library, pcm)
        cpu_s += time.process_time() - began
        n_frames += len(pcm) // FRAME_BYTES
        nearness.look(pcm, rng)
    print(f"\nother audio: {n_frames * FRAME_MS / 3.6e6:.2f} h, {len(false)} false matches")
    for match in false:
        print(f"  {match.title!r} at {match.matched_ms} ms, likeness {match.score}, certain {match.certain}")
    print(f"CPU: {cpu_s / max(n_frames, 1) * 1e6:.0f} µs a frame")
    nearness.report()


class Nearness:
    """The likeness of stretches of other audio to every place of the library, found without the index.

    `evidence` is atanh(likeness) * sqrt(rows); a match needs EVIDENCE.
    """

    def __init__(self, library: AnnouncementLibrary) -> None:
        self._size = 1 << (len(library.rows) + HISTORY_ROWS).bit_length()
        self._spectrum = np.fft.rfft(library.rows, self._size, axis=0)
        self._power = np.concatenate(([0.0], np.cumsum(library.power, dtype=np.float64)))
        self._sounding = np.concatenate(([0], np.cumsum(library.active)))
        self._largest: dict[int, list[float]] = {n: [] for n in CHECKED_ROWS}
        self._squares: dict[int, list[float]] = {n: [] for n in CHECKED_ROWS}

    def look(self, pcm: bytes, rng: np.random.Generator) -> None:
        """Takes a stretch every now and then."""
        rows = weighted(FingerprintStream().feed(pcm[: len(pcm) // FRAME_BYTES * FRAME_BYTES]))
        step = int(NULL_EVERY_S * 1000) // FRAME_MS
        for at in range(int(rng.integers(step)), len(rows) - HISTORY_ROWS, step):
            for n in CHECKED_ROWS:
                self._compare(rows[at : at + n])

    def _compare(self, stretch: np.ndarray[tuple[int, int], np.dtype[np.float32]]) -> None:
        n = len(stretch)
        if active(stretch).mean() < 0.5:
            return
        spectrum = (self._spectrum * np.conj(np.fft.rfft(stretch, self._size, axis=0))).sum(axis=1)
        cross = np.fft.irfft(spectrum, self._size)[: len(self._power) - n]
        power, sounding = self._power[n:] - self._power[:-n], self._sounding[n:] - self._sounding[:-n]
        full = sounding > n * 3 // 4
        likeness = cross[full] / np.sqrt(power[full] * float((stretch**2).sum()))
        evidence = np.arctanh(np.clip(likeness, -0.999, 0.999)) * np.sqrt(sounding[full])
        self._largest[n].append(float(evidence.max()))
        self._squares[n].append(float(np.mean(evidence**2)))

    def report(self) -> None:
        """Prints the scatter of the evidence, and the largest found in each stretch."""
        print(f"\nunrelated stretches against every place of the library; a match needs evidence of {EVIDENCE}")
        print("rows | stretches | deviation | largest in a stretch: median, 99 %, largest of all | as likeness")
        for n, largest in self._largest.items():
            if largest:
                median, high, most = np.percentile(largest, (50, 99, 100))
                deviation = np.sqrt(np.mean(self._squares[n]))
                needed = np.tanh(EVIDENCE / np.sqrt(n))
                likeness = f"{np.tanh(most / np.sqrt(n)):.2f}, needed {needed:.2f}"
                print(f"{n} | {len(largest)} | {deviation:.2f} | {median:.2f}, {high:.2f}, {most:.2f} | {likeness}")


if __name__ == "__main__":
    main()
