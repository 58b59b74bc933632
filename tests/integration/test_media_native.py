"""The native engine on the wire: what its contract with the twin cannot say. Real RTP over loopback."""

import asyncio
import itertools
import os
import signal
import struct
import sys
from collections.abc import AsyncIterator, Callable, Iterable, Iterator
from contextlib import ExitStack
from pathlib import Path

import numpy as np
import pytest

from dialer.config import MediaConfig
from dialer.errors import MediaError
from dialer.media import g711
from dialer.media.engine import MediaEngine
from dialer.media.interface import (
    FRAME_SAMPLES,
    RATE_HZ,
    AudioBlock,
    Codec,
    DtmfReceived,
    FirstPacket,
    Leg,
    LegEvent,
    PlayFinished,
    RecordingFailed,
    RtpTimeout,
)
from recording.spool import RecordKind, SpoolRecord, read_spool
from tests.peers.rtp_peer import DTMF_TYPE, EVENT, Packet, RtpPeer

WAIT_S = 60.0
SETTLE_S = 0.4
"""Commands take effect within a wake-up of the engine, or two on a busy machine."""
COMFORT_NOISE_TYPE = 13
QUIET_PCM = bytes(2 * FRAME_SAMPLES)
LOUD = np.full(FRAME_SAMPLES, 8000, dtype="<i2")
LOUD_CODES = g711.encode(LOUD, Codec.PCMA)


@pytest.fixture
async def media(tmp_path: Path) -> AsyncIterator[MediaEngine]:
    config = MediaConfig(port_min=26000, port_max=26999, rtp_timeout_s=0.4)
    async with MediaEngine(config, tmp_path / "spool") as engine:
        yield engine


@pytest.fixture
def peers() -> Iterator[Callable[..., RtpPeer]]:
    with ExitStack() as stack:
        yield lambda *args: stack.enter_context(RtpPeer(*args))


def call(media: MediaEngine, peer: RtpPeer, codec: Codec = Codec.PCMA) -> tuple[Leg, list[LegEvent]]:
    events: list[LegEvent] = []
    leg = media.open_leg(sink=events.append)
    leg.set_remote(peer.host, peer.port, codec=codec, dtmf_payload_type=DTMF_TYPE)
    peer.connect(leg.local_host, leg.local_port)
    return leg, events


def is_loud(codes: bytes) -> bool:
    """Whether this PCMA is `LOUD`, as far as two laws after each other let it through."""
    return len(codes) == FRAME_SAMPLES and bool((g711.decode(codes, Codec.PCMA) > 0.9 * LOUD).all())


async def until(condition: Callable[[], object], *peers: RtpPeer) -> None:
    """Waits until it is so, taking in what the peers hear."""
    async with asyncio.timeout(WAIT_S):
        while not condition():
            for peer in peers:
                peer.drain()
            await asyncio.sleep(0.01)


async def recorded(path: Path) -> list[SpoolRecord]:
    """The records of a spool, once it was ended in order."""

    def read() -> list[SpoolRecord] | None:
        _, records, truncated = read_spool(path)
        return None if truncated else records

    async with asyncio.timeout(WAIT_S):
        while (records := await asyncio.to_thread(read)) is None:  # noqa: ASYNC110  a file has no event
            await asyncio.sleep(0.05)
    return records


async def test_loss_is_counted_and_marked_in_the_recording(
    media: MediaEngine, peers: Callable[..., RtpPeer], tmp_path: Path
) -> None:
    peer = peers()
    leg, _ = call(media, peer)
    leg.start_recording("lossy")
    await asyncio.sleep(SETTLE_S)
    for arrives in "11110011011111":  # two lost, then one
        if arrives == "1":
            peer.send_codes(LOUD_CODES)
        else:
            peer.skip()
        await asyncio.sleep(0.02)
    await until(lambda: leg.stats().packets_lost == 3)
    leg.stop_recording()
    records = await recorded(tmp_path / "spool" / "lossy.spool")
    heard = [r for r in records if r.channel == 0 and r.kind is not RecordKind.END]
    assert [r.n_lost for r in heard if r.kind is RecordKind.LOST] == [2 * FRAME_SAMPLES, FRAME_SAMPLES]
    assert all(second.position == first.end for first, second in itertools.pairwise(heard))
    assert leg.stats().mos < 3.5


async def test_reordered_and_repeated_packets_are_put_right(
    media: MediaEngine, peers: Callable[..., RtpPeer], tmp_path: Path
) -> None:
    peer = peers()
    leg, events = call(media, peer)
    leg.start_recording("mixed")
    leg.start_tap()
    await asyncio.sleep(SETTLE_S)
    levels = [1000, 3000, 2000, 2000, 4000, 5000, 7000, 6000]
    order = [0, 2, 1, 1, 3, 4, 6, 5]
    for level, index in zip(levels, order, strict=True):
        codes = g711.encode(np.full(FRAME_SAMPLES, level, dtype=np.int16), Codec.PCMA)
        peer.send_raw(8, 100 + index, FRAME_SAMPLES * index, codes)
    await until(lambda: leg.stats().packets_received == 7)
    await until(lambda: sum(len(event.pcm) for event in events if isinstance(event, AudioBlock)) >= 14 * FRAME_SAMPLES)
    stats = leg.stats()
    assert (stats.packets_lost, stats.packets_duplicate) == (0, 1)
    leg.stop_recording()
    records = await recorded(tmp_path / "spool" / "mixed.spool")
    audio = b"".join(record.payload for record in records if record.channel == 0)
    steps = g711.decode(audio, Codec.PCMA)[::FRAME_SAMPLES]
    assert [round(int(step), -3) for step in steps] == [1000, 2000, 3000, 4000, 5000, 6000, 7000]
    tapped = np.frombuffer(b"".join(e.pcm for e in events if isinstance(e, AudioBlock)), dtype="<i2")
    assert [round(int(step), -3) for step in tapped[tapped > 500][::FRAME_SAMPLES]] == list(range(1000, 8000, 1000))


async def test_another_ssrc_and_another_codec_go_on_under_our_own_numbers(
    media: MediaEngine, peers: Callable[..., RtpPeer]
) -> None:
    peer, other = peers(), peers()
    (a, _), (b, _) = call(media, peer), call(media, other)
    media.bridge(a, b)
    await asyncio.sleep(SETTLE_S)
    for ssrc, codec in ((1, Codec.PCMA), (2, Codec.PCMA), (2, Codec.PCMU)):
        peer.ssrc, peer.codec = ssrc, codec
        peer.sequence = (peer.sequence + 17_000 * (ssrc == 2)) & 0xFFFF
        for _ in range(5):
            peer.send_codes(g711.encode(LOUD, codec))
            await asyncio.sleep(0.02)
    await until(lambda: sum(is_loud(p.payload) for p in other.heard) >= 15, other)
    assert {packet.payload_type for packet in other.heard} == {8}
    assert len({packet.ssrc for packet in other.heard}) == 1
    first = other.heard[0]
    sequences = [(packet.sequence - first.sequence) & 0xFFFF for packet in other.heard]
    assert sequences == list(range(len(other.heard)))
    steps = [(packet.timestamp - first.timestamp) & 0xFFFF_FFFF for packet in other.heard]
    assert all(later - earlier >= FRAME_SAMPLES for earlier, later in itertools.pairwise(steps))
    assert a.stats().packets_lost == 0


async def test_loss_stays_visible_through_a_bridge(media: MediaEngine, peers: Callable[..., RtpPeer]) -> None:
    peer, other = peers(), peers()
    (a, _), (b, _) = call(media, peer), call(media, other)
    media.bridge(a, b)
    await asyncio.sleep(SETTLE_S)
    for arrives in "111011":
        if arrives == "1":
            peer.send_codes(LOUD_CODES)
        else:
            peer.skip()
    await until(lambda: sum(packet.payload == LOUD_CODES for packet in other.heard) == 5, other)
    loud = [packet for packet in other.heard if packet.payload == LOUD_CODES]
    gaps = [
        ((later.sequence - earlier.sequence) & 0xFFFF, (later.timestamp - earlier.timestamp) & 0xFFFF_FFFF)
        for earlier, later in itertools.pairwise(loud)
    ]
    assert gaps == [(1, 160), (1, 160), (2, 320), (1, 160)]
    assert loud[0].marker


async def test_pressed_keys_have_the_form_of_the_rfc(media: MediaEngine, peers: Callable[..., RtpPeer]) -> None:
    peer = peers()
    leg, _ = call(media, peer)
    leg.send_dtmf("5#")
    await until(lambda: peer.heard_keys() == "5#" and sum(p.payload_type == DTMF_TYPE for p in peer.heard) == 14, peer)
    for code, press in enumerate(_presses(peer)):
        assert [packet.marker for packet in press] == [True] + [False] * 6
        events = [EVENT.unpack(packet.payload) for packet in press]
        assert [duration for _, _, duration in events] == [160, 320, 480, 640, 800, 800, 800]
        assert [bool(flags & 0x80) for _, flags, _ in events] == [False] * 4 + [True] * 3
        assert {event for event, _, _ in events} == {(5, 11)[code]}
    numbers = [(packet.sequence - peer.heard[0].sequence) & 0xFFFF for packet in peer.heard]
    assert numbers == list(range(len(peer.heard)))


def _presses(peer: RtpPeer) -> list[list[Packet]]:
    by_start: dict[int, list[Packet]] = {}
    for packet in peer.heard:
        if packet.payload_type == DTMF_TYPE:
            by_start.setdefault(packet.timestamp, []).append(packet)
    return list(by_start.values())


async def test_a_key_is_heard_when_only_its_last_packet_arrives(
    media: MediaEngine, peers: Callable[..., RtpPeer]
) -> None:
    peer = peers()
    leg, events = call(media, peer)
    peer.send_raw(DTMF_TYPE, 1, 5000, EVENT.pack(8, 0x8A, 800))
    await until(lambda: any(isinstance(event, DtmfReceived) and event.digit == "8" for event in events))
    await until(lambda: leg.stats().packets_received == 1)


async def test_a_new_remote_is_locked_anew_and_the_old_one_ignored(
    media: MediaEngine, peers: Callable[..., RtpPeer]
) -> None:
    old, new = peers(), peers()
    leg, events = call(media, old)
    old.send_codes(LOUD_CODES)
    await until(lambda: leg.stats().packets_received == 1)
    leg.set_remote(new.host, new.port, codec=Codec.PCMA, dtmf_payload_type=None)
    new.connect(leg.local_host, leg.local_port)
    await asyncio.sleep(SETTLE_S)
    new.send_codes(LOUD_CODES)
    await until(lambda: leg.stats().packets_received == 2)
    old.send_codes(LOUD_CODES)
    await asyncio.sleep(SETTLE_S)
    assert leg.stats().packets_received == 2
    assert [event.port for event in events if isinstance(event, FirstPacket)] == [old.port, new.port]
    await until(lambda: len(new.heard) > 3, new)


async def test_symmetric_rtp_answers_where_packets_come_from(media: MediaEngine, peers: Callable[..., RtpPeer]) -> None:
    named, behind_nat = peers(), peers()
    leg, _ = call(media, named)
    behind_nat.connect(leg.local_host, leg.local_port)
    behind_nat.send_codes(LOUD_CODES)
    await until(lambda: len(behind_nat.heard) > 3, behind_nat)


async def test_early_packets_wait_for_the_answer(media: MediaEngine, peers: Callable[..., RtpPeer]) -> None:
    """Audio may come before the SDP that announces it: the newest of it is kept."""
    peer = peers()
    leg = media.open_leg(sink=lambda _: None)
    peer.connect(leg.local_host, leg.local_port)
    for _ in range(9):
        peer.send_codes(LOUD_CODES)
    await asyncio.sleep(SETTLE_S)
    leg.set_remote(peer.host, peer.port, codec=Codec.PCMA, dtmf_payload_type=None)
    await until(lambda: leg.stats().packets_received == 5)


async def test_comfort_noise_and_reports_are_signs_of_life(tmp_path: Path, peers: Callable[..., RtpPeer]) -> None:
    """Ten times as often as must be: the engine's clock goes on while a busy machine holds the senders up."""
    noisy, reporting, gone = peers(), peers(), peers()
    report = struct.pack("!BBHI", 0x80, 201, 1, 77)
    async with MediaEngine(MediaConfig(port_min=26000, port_max=26999, rtp_timeout_s=2.0), tmp_path) as media:
        (_, noise_events), (leg, report_events), (_, gone_events) = (call(media, p) for p in (noisy, reporting, gone))
        for _ in range(15):
            noisy.send_raw(COMFORT_NOISE_TYPE, noisy.sequence, noisy.timestamp, b"\x40")
            noisy.skip()
            reporting.rtcp.sendto(report, (leg.local_host, leg.local_port + 1))
            await asyncio.sleep(0.2)
    assert not any(isinstance(event, RtpTimeout) for event in noise_events + report_events)
    assert sum(isinstance(event, RtpTimeout) for event in gone_events) == 1


async def test_reports_tell_the_round_trip_and_the_remote_loss(
    media: MediaEngine, peers: Callable[..., RtpPeer]
) -> None:
    peer = peers()
    leg, _ = call(media, peer)
    for _ in range(4):
        peer.send_codes(LOUD_CODES)
        peer.skip()
    await until(lambda: any(report[1] == 200 for report in peer.reports), peer)
    sender_report = next(report for report in peer.reports if report[1] == 200)
    ssrc, ntp_seconds, ntp_fraction = struct.unpack_from("!III", sender_report, 4)
    block_ssrc, loss = struct.unpack_from("!II", sender_report, 28)
    assert (block_ssrc, loss >> 24, loss & 0xFFFFFF) == (peer.ssrc, 3 * 256 // 7, 3)
    assert {packet.ssrc for packet in peer.heard} == {ssrc}
    last_sr = (ntp_seconds << 16 | ntp_fraction >> 16) & 0xFFFF_FFFF
    block = struct.pack("!IIIIII", ssrc, 64 << 24, 0, 160, last_sr, 0)
    peer.rtcp.sendto(struct.pack("!BBHI", 0x81, 201, 7, peer.ssrc) + block, (leg.local_host, leg.local_port + 1))
    await until(lambda: leg.stats().round_trip_ms is not None)
    stats = leg.stats()
    assert stats.remote_loss == 0.25
    assert stats.remote_jitter_ms == 20.0
    assert stats.round_trip_ms is not None
    assert 0 <= stats.round_trip_ms < WAIT_S * 1000


def clap_positions(records: Iterable[SpoolRecord], channel: int) -> list[int]:
    """Where, in samples, a channel of a recording becomes loud."""
    audio = [record for record in records if record.channel == channel and record.payload]
    line = np.zeros(audio[-1].end + 1, dtype=bool)
    for record in audio:
        line[record.position : record.end] = g711.decode(record.payload, Codec(record.codec.name)) > 0.9 * LOUD[0]
    return [int(at) for at in np.flatnonzero(np.diff(line.astype(np.int8)) == 1)]


async def test_both_directions_of_a_recording_are_aligned(
    media: MediaEngine, peers: Callable[..., RtpPeer], tmp_path: Path
) -> None:
    """Both far ends clap at the same instants; in the recording the claps lie within 20 ms of each other."""
    person, collector = peers(), peers(Codec.PCMU)
    (trunk, _), (agent, _) = call(media, person), call(media, collector, Codec.PCMU)
    media.bridge(trunk, agent)
    trunk.start_recording("aligned")
    await asyncio.sleep(SETTLE_S)
    quiet = {codec: g711.encode(np.zeros(FRAME_SAMPLES, dtype=np.int16), codec) for codec in Codec}
    started = asyncio.get_running_loop().time()
    for index in range(60):
        for peer in (person, collector):
            peer.send_codes(g711.encode(LOUD, peer.codec) if index % 20 == 10 else quiet[peer.codec])
        await asyncio.sleep(max(0.0, started + 0.02 * (index + 1) - asyncio.get_running_loop().time()))
    trunk.stop_recording()
    records = await recorded(tmp_path / "spool" / "aligned.spool")
    claps = [clap_positions(records, channel) for channel in (0, 1)]
    assert len(claps[0]) == len(claps[1]) == 3
    assert all(abs(far - near) <= 0.02 * RATE_HZ for far, near in zip(*claps, strict=True))


@pytest.mark.parametrize("codec", [Codec.PCMA, Codec.PCMU])
async def test_the_native_tables_are_those_of_python(
    media: MediaEngine, peers: Callable[..., RtpPeer], codec: Codec
) -> None:
    """All codes of the other law through a bridge, and a play over the whole scale with all its edges."""
    other_codec = Codec.PCMU if codec is Codec.PCMA else Codec.PCMA
    peer, other = peers(codec), peers(other_codec)
    (a, _), (b, _) = call(media, peer, codec), call(media, other, other_codec)
    scale = np.concatenate([np.arange(-32768, 32768, 16), np.arange(-256, 256)]).astype("<i2")
    a.play(scale.tobytes())
    await until(lambda: g711.encode(scale, codec) in b"".join(packet.payload for packet in peer.heard), peer)
    media.bridge(a, b)
    await asyncio.sleep(SETTLE_S)
    codes = bytes(range(256))
    other.send_codes(codes)
    await until(lambda: g711.transcode(codes, other_codec, codec) in [packet.payload for packet in peer.heard], peer)


async def test_leaving_ends_plays_and_recordings_in_order(peers: Callable[..., RtpPeer], tmp_path: Path) -> None:
    config = MediaConfig(port_min=26000, port_max=26999)
    peer = peers()
    async with MediaEngine(config, tmp_path) as media:
        leg, _ = call(media, peer)
        leg.start_recording("open")
        leg.play(QUIET_PCM * 100)
        await asyncio.sleep(SETTLE_S)
    records = await recorded(tmp_path / "open.spool")
    assert records[-1].kind is RecordKind.END
    with pytest.raises(MediaError, match="not running"):
        media.open_leg(sink=lambda _: None)


async def test_a_sink_that_fails_harms_nobody_else(
    media: MediaEngine, peers: Callable[..., RtpPeer], caplog: pytest.LogCaptureFixture
) -> None:
    def broken(_: LegEvent) -> None:
        raise ValueError("a bug")

    peer = peers()
    bad = media.open_leg(sink=broken)
    bad.set_remote(peer.host, peer.port, codec=Codec.PCMA, dtmf_payload_type=None)
    good, events = call(media, peer)
    for leg in (bad, good):
        leg.play(QUIET_PCM)
    await until(lambda: any(isinstance(event, PlayFinished) for event in events))
    await until(lambda: "a sink of leg events failed" in caplog.text)


CHILD = """
import asyncio, resource, sys
from pathlib import Path
from dialer.config import MediaConfig
from dialer.media.engine import MediaEngine
from dialer.media.interface import Codec

async def main(spool, port, limit):
    if limit:
        resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))
    def tell(event):
        print(type(event).__name__, getattr(event, "reason", ""), flush=True)
    async with MediaEngine(MediaConfig(port_min=25000, port_max=25999), Path(spool)) as media:
        leg = media.open_leg(sink=tell)
        leg.start_recording("child")
        leg.set_remote("127.0.0.1", port, codec=Codec.PCMA, dtmf_payload_type=None)
        leg.play(bytes([0, 31]) * 8000, loop=True)
        print("port", leg.local_port, flush=True)
        await asyncio.sleep(60)

asyncio.run(main(sys.argv[1], int(sys.argv[2]), int(sys.argv[3])))
"""


async def _child(spool: Path, peer: RtpPeer, limit: int) -> asyncio.subprocess.Process:
    arguments = ("-c", CHILD, str(spool), str(peer.port), str(limit))
    process = await asyncio.create_subprocess_exec(sys.executable, *arguments, stdout=asyncio.subprocess.PIPE)
    assert process.stdout is not None
    async with asyncio.timeout(WAIT_S):
        word, port = (await process.stdout.readline()).split()
    assert word == b"port"
    peer.connect("127.0.0.1", int(port))
    return process


async def _lines_until(stream: asyncio.StreamReader, word: str) -> AsyncIterator[bytes]:
    async for line in stream:
        yield line
        if line.startswith(word.encode()):
            return


async def _talk(peer: RtpPeer, seconds: float) -> None:
    started = asyncio.get_running_loop().time()
    for index in range(int(seconds * 50)):
        peer.send_codes(LOUD_CODES)
        await asyncio.sleep(max(0.0, started + 0.02 * (index + 1) - asyncio.get_running_loop().time()))


async def test_a_kill_costs_less_than_the_last_second(peers: Callable[..., RtpPeer], tmp_path: Path) -> None:
    peer = peers()
    process = await _child(tmp_path, peer, limit=0)
    await _talk(peer, 2.5)
    os.kill(process.pid, signal.SIGKILL)
    await process.wait()
    _, records, truncated = await asyncio.to_thread(read_spool, tmp_path / "child.spool")
    assert truncated
    for channel in (0, 1):
        assert max(record.end for record in records if record.channel == channel) > 1.5 * RATE_HZ


async def test_a_full_disk_is_told_and_audio_goes_on(peers: Callable[..., RtpPeer], tmp_path: Path) -> None:
    """A limit on the file's size stands for the full disk: the write fails in the same place."""
    peer = peers()
    process = await _child(tmp_path, peer, limit=20_000)
    try:
        assert process.stdout is not None
        await _talk(peer, 1.5)
        async with asyncio.timeout(WAIT_S):
            told = [line async for line in _lines_until(process.stdout, RecordingFailed.__name__)]
        assert b"child.spool" in told[-1]
        peer.drain()
        before = len(peer.heard)
        await until(lambda: len(peer.heard) > before + 10, peer)
        _, records, truncated = await asyncio.to_thread(read_spool, tmp_path / "child.spool")
        assert truncated
        assert max(record.end for record in records) > 0.9 * RATE_HZ
    finally:
        process.kill()
        await process.wait()
