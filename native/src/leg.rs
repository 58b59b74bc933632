//! One leg: two sockets, the stream heard and the stream sent, and what is done with them.
//!
//! A leg belongs to one worker and is touched by no other thread. It speaks every 20 ms when nobody else speaks for it: keys, a play,
//! or silence. A bridged partner speaks through `relay`; when that one has been quiet for `BRIDGE_QUIET`, silence fills in.
#![forbid(unsafe_code)]

use crate::events::{Event, Events, Kind};
use crate::g711::{transcode, Codec};
use crate::outgoing::{Outgoing, Turn};
use crate::receive::{Order, Receiver};
use crate::reorder::{Frame, Reorder, Step, MAX_AUDIO};
use crate::reports::Reports;
use crate::source::{Admission, SourceLock};
use crate::spool::{Take, FAR_END, NEAR_END};
use crate::stats::SharedStats;
use crate::sys;
use crate::tap::Tap;
use crate::timeline::Timeline;
use crate::wire::dtmf::{KeyListener, KeyPresser, TelephoneEvent};
use crate::wire::rtcp;
use crate::wire::rtp::{self, Header, HEADER_LEN};
use crate::writer::{Spool, WriterHandle};
use std::net::{SocketAddr, UdpSocket};
use std::sync::atomic::Ordering::Relaxed;
use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

pub const FRAME_SAMPLES: i64 = 160;
const BRIDGE_QUIET: i64 = 1600; // 200 ms
/// Keys closer together than this cannot be a person's: 40 ms.
pub const KEY_INTERVAL: i64 = 320;
const COMFORT_NOISE: u8 = 13; // RFC 3389
/// When a wake-up was late by more than this, missed frames are given up instead of sent in a burst.
const MAX_CATCH_UP: i64 = 5 * FRAME_SAMPLES;
const APPEND_SAMPLES: i64 = 1600; // 200 ms
/// Packets that waited in the socket before the far end was named; the newest are kept: 100 ms.
const MAX_EARLY: usize = 5;
const MAX_DATAGRAM: usize = 2048;
const NTP_UNIX_OFFSET_S: u64 = 2_208_988_800;

/// What a leg needs of its worker, for one wake-up.
pub struct Moment<'a> {
    /// The engine's sample clock: 8 kHz since it started.
    pub now: i64,
    /// Seconds on the monotonic clock.
    pub at: f64,
    pub events: &'a Events,
    pub writer: &'a WriterHandle,
}

/// Audio to play, encoded once.
pub struct Play {
    pub id: u64,
    pub codec: Codec,
    pub audio: Vec<u8>,
    pub is_loop: bool,
    pub position: usize,
}

struct Recording {
    take: Take,
    spool: Spool,
    append_at: i64,
}

/// The far end as SDP named it.
#[derive(Debug, Clone, Copy)]
pub struct Remote {
    pub address: SocketAddr,
    pub codec: Codec,
    pub key_type: Option<u8>,
    /// It said that it will send; otherwise its quiet is no timeout.
    pub sends: bool,
}

struct FarEnd {
    remote: Remote,
    lock: SourceLock,
    is_connected: bool,
    has_spoken: bool,
}

/// What a partner is to hear: the datagram's payload was left in the buffer at `payload`.
pub struct Relay {
    header: Header,
    payload: std::ops::Range<usize>,
    codec: Option<Codec>,
    is_late: bool,
}

pub struct Leg {
    pub id: u64,
    pub peer: Option<usize>,
    pub stats: Arc<SharedStats>,
    pub rtp: UdpSocket,
    pub rtcp: UdpSocket,
    timeout_samples: i64,
    far: Option<FarEnd>,
    ssrc: Option<u32>,
    receiver: Receiver,
    heard_timeline: Timeline,
    reorder: Reorder,
    lost: u16,
    keys: KeyListener,
    key_at: i64,
    heard_at: i64,
    is_timed_out: bool,
    ignored: u64,
    outgoing: Outgoing,
    sent_timeline: Timeline,
    speak_at: i64,
    peer_heard_at: i64,
    play: Option<Play>,
    presser: KeyPresser,
    tap: Option<Tap>,
    recording: Option<Recording>,
    reports: Reports,
}

/// The wall clock as NTP (RFC 3550 §4).
fn ntp_now() -> u64 {
    let unix = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    ((unix.as_secs() + NTP_UNIX_OFFSET_S) << 32) | ((u64::from(unix.subsec_nanos()) << 32) / 1_000_000_000)
}

impl Leg {
    /// A leg on two bound, non-blocking sockets; `seed` is random.
    pub fn new(id: u64, rtp: UdpSocket, rtcp: UdpSocket, timeout_samples: i64, seed: u64, now: i64) -> Self {
        Self {
            id,
            peer: None,
            stats: Arc::default(),
            rtp,
            rtcp,
            timeout_samples,
            far: None,
            ssrc: None,
            receiver: Receiver::default(),
            heard_timeline: Timeline::default(),
            reorder: Reorder::default(),
            lost: 0,
            keys: KeyListener::default(),
            key_at: i64::MIN / 2,
            heard_at: now,
            is_timed_out: false,
            ignored: 0,
            outgoing: Outgoing::new(seed),
            sent_timeline: Timeline::default(),
            speak_at: now,
            peer_heard_at: now,
            play: None,
            presser: KeyPresser::default(),
            tap: None,
            recording: None,
            reports: Reports::new(now, seed),
        }
    }

    // ---- commands

    /// Names the far end. Returns true when the leg came up by it: its sockets then belong into the worker's set.
    pub fn set_remote(&mut self, remote: Remote, moment: &Moment<'_>) -> bool {
        self.heard_at = moment.now;
        if let Some(far) = &mut self.far {
            if far.remote.address != remote.address {
                far.lock = SourceLock::new(remote.address);
                far.has_spoken = false;
                self.is_timed_out = false;
                if std::mem::take(&mut far.is_connected) {
                    let _ = sys::disconnect(&self.rtp); // fails only on a closed socket
                }
            }
            far.remote = remote;
            return false;
        }
        let lock = SourceLock::new(remote.address);
        self.far = Some(FarEnd { remote, lock, is_connected: false, has_spoken: false });
        self.speak_at = moment.now;
        self.hear_early_packets(moment);
        true
    }

    /// Early media may be faster than the SDP that announces it: takes in the last `MAX_EARLY` packets that wait, spaced as sent.
    fn hear_early_packets(&mut self, moment: &Moment<'_>) {
        let mut waiting = std::collections::VecDeque::new();
        let mut buffer = [0; MAX_DATAGRAM];
        while let Ok((length, from)) = self.rtp.recv_from(&mut buffer) {
            if waiting.len() == MAX_EARLY {
                waiting.pop_front();
            }
            waiting.push_back((buffer[..length].to_vec(), from));
        }
        for (index, (mut datagram, from)) in (1..).zip(waiting.iter().cloned()) {
            let age = (waiting.len() as i64 - index) * FRAME_SAMPLES;
            self.hear(&mut datagram, from, &Moment { now: moment.now - age, ..*moment });
        }
    }

    pub fn start_play(&mut self, play: Play, moment: &Moment<'_>) {
        self.stop_play(moment);
        self.play = Some(play);
    }

    pub fn stop_play(&mut self, moment: &Moment<'_>) {
        if let Some(play) = self.play.take() {
            self.tell(Kind::PlayFinished { play_id: play.id, completed: false }, moment);
        }
    }

    pub fn start_tap(&mut self, block_samples: usize, moment: &Moment<'_>) {
        self.tap = Some(Tap::new(moment.now, block_samples));
    }

    pub fn stop_tap(&mut self) {
        self.tap = None;
    }

    pub fn press_keys(&mut self, keys: &[u8]) {
        self.presser.press(keys);
    }

    pub fn start_recording(&mut self, spool: Spool, moment: &Moment<'_>) {
        self.stop_recording(moment);
        let started = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        let take = Take::new(moment.now, started.as_micros() as u64);
        moment.writer.open(&spool);
        self.recording = Some(Recording { take, spool, append_at: moment.now });
    }

    pub fn stop_recording(&mut self, moment: &Moment<'_>) {
        self.in_order(moment, |reorder, out| reorder.flush(out));
        if let Some(mut recording) = self.recording.take() {
            recording.take.end(moment.now);
            moment.writer.close(&recording.spool, recording.take.collect());
        }
    }

    /// Ends everything in order; the sockets close when the leg is dropped.
    pub fn close(&mut self, moment: &Moment<'_>) {
        self.stop_play(moment);
        self.stop_recording(moment);
        if self.far.is_some() {
            self.report(true, moment);
        }
    }

    /// A new partner: it counts as heard now, so that its first packet comes before silence fills in.
    pub fn set_peer(&mut self, peer: Option<usize>, now: i64) {
        self.peer = peer;
        self.peer_heard_at = now;
    }

    pub fn is_up(&self) -> bool {
        self.far.is_some()
    }

    fn tell(&self, kind: Kind, moment: &Moment<'_>) {
        moment.events.push(Event { leg: self.id, at: moment.at, kind });
    }

    // ---- hearing

    /// Reads one datagram into `buffer`; what it means for the partner comes back. False: nothing was waiting.
    pub fn receive(&mut self, buffer: &mut [u8], moment: &Moment<'_>) -> Option<Relay> {
        let (length, from) = self.rtp.recv_from(buffer).ok()?;
        self.hear(&mut buffer[..length], from, moment)
    }

    fn hear(&mut self, datagram: &mut [u8], from: SocketAddr, moment: &Moment<'_>) -> Option<Relay> {
        let parsed = rtp::parse(datagram);
        let (Some(packet), Some(far)) = (parsed, &mut self.far) else {
            self.ignored += 1;
            return None;
        };
        let header = packet.header;
        let codec = Codec::from_payload_type(header.payload_type);
        let is_key = far.remote.key_type == Some(header.payload_type);
        let is_known_type = codec.is_some() || is_key || header.payload_type == COMFORT_NOISE;
        if !is_known_type || packet.payload.len() > MAX_AUDIO {
            self.ignored += 1;
            return None;
        }
        if far.lock.admit(from, moment.now) == Admission::Ignored {
            self.ignored += 1;
            return None;
        }
        self.note_source(from, moment);
        let order = self.count(&header, codec.is_some(), moment.now);
        if order == Order::Duplicate {
            return None;
        }
        let payload = &datagram[packet.payload.clone()];
        if is_key {
            self.hear_key(payload, header.timestamp, moment);
        }
        self.consume(&header, codec, payload, order, moment);
        (header.payload_type != COMFORT_NOISE && self.peer.is_some()).then_some(Relay {
            header,
            payload: packet.payload,
            codec,
            is_late: order == Order::Late,
        })
    }

    /// The far end gave a sign of life from its locked source.
    fn note_source(&mut self, from: SocketAddr, moment: &Moment<'_>) {
        self.heard_at = moment.now;
        self.is_timed_out = false;
        let Some(far) = &mut self.far else { return };
        if !far.is_connected {
            if let Some(source) = far.lock.settled(moment.now) {
                far.is_connected = self.rtp.connect(source).is_ok();
            }
        }
        if !std::mem::replace(&mut far.has_spoken, true) {
            self.tell(Kind::FirstPacket(from), moment);
        }
    }

    fn count(&mut self, header: &Header, is_audio: bool, now: i64) -> Order {
        if self.ssrc != Some(header.ssrc) {
            self.ssrc = Some(header.ssrc);
            self.receiver.restart();
            self.heard_timeline.reset();
            self.keys.reset();
        }
        if !is_audio {
            self.receiver.forget_transit();
        }
        let order = self.receiver.packet(header.sequence, header.timestamp, now);
        if !is_audio {
            self.receiver.forget_transit();
        }
        order
    }

    fn hear_key(&mut self, payload: &[u8], timestamp: u32, moment: &Moment<'_>) {
        let Some(event) = TelephoneEvent::parse(payload) else { return };
        let Some(key) = self.keys.hear(event, timestamp) else { return };
        if moment.now - self.key_at >= KEY_INTERVAL {
            self.key_at = moment.now;
            self.tell(Kind::Key(key), moment);
        }
    }

    /// Hands a packet to tap and recording, in order.
    fn consume(&mut self, header: &Header, codec: Option<Codec>, payload: &[u8], order: Order, moment: &Moment<'_>) {
        if self.tap.is_none() && self.recording.is_none() {
            return;
        }
        let is_continuous = matches!(order, Order::Ahead(1));
        let position = match codec {
            Some(_) => self.heard_timeline.place(header.timestamp, is_continuous, moment.now),
            None => moment.now,
        };
        let frame = Frame { sequence: header.sequence, position, codec, payload };
        self.in_order(moment, |reorder, out| {
            if order == Order::Restart {
                reorder.flush(out);
            }
            reorder.push(frame, moment.now, out);
        });
    }

    /// Runs the reorder window; tap and recording get what comes out.
    fn in_order(&mut self, moment: &Moment<'_>, run: impl FnOnce(&mut Reorder, &mut dyn FnMut(Step<'_>))) {
        let Self { reorder, tap, recording, lost, id, .. } = self;
        run(reorder, &mut |step| match step {
            Step::Lost(count) => *lost = lost.saturating_add(count),
            Step::Frame(Frame { codec: Some(codec), position, payload, .. }) => {
                let samples = u32::from(std::mem::take(lost)) * payload.len() as u32;
                if let Some(recording) = recording {
                    recording.take.lost(FAR_END, samples, position);
                    recording.take.audio(FAR_END, position, codec, payload);
                }
                if let Some(tap) = tap {
                    tap.audio(position, codec, payload, &mut |pcm, at| {
                        moment.events.push_audio(*id, moment.at, at, pcm);
                    });
                }
            }
            Step::Frame(_) => {}
        });
    }

    /// Reads one RTCP datagram.
    pub fn receive_report(&mut self, buffer: &mut [u8], moment: &Moment<'_>) {
        let Ok((length, from)) = self.rtcp.recv_from(buffer) else { return };
        let is_far_end = self.far.as_ref().is_some_and(|far| far.lock.target().ip() == from.ip());
        let ssrc = self.outgoing.ssrc();
        if is_far_end && self.reports.hear(&buffer[..length], ssrc, moment.now, ntp_now(), &self.stats) {
            self.heard_at = moment.now; // a far end on hold reports: it is alive
        } else {
            self.ignored += 1;
        }
    }

    // ---- speaking

    /// Sends on what the partner heard; the packet's bytes are rewritten in place.
    pub fn relay(&mut self, relay: &Relay, datagram: &mut [u8], moment: &Moment<'_>) {
        self.peer_heard_at = moment.now;
        let Some(far) = &self.far else { return };
        if self.play.is_some() || self.presser.is_pressing() {
            return;
        }
        let payload_type = match (relay.codec, far.remote.key_type) {
            (Some(_), _) => far.remote.codec.payload_type(),
            (None, Some(key_type)) => key_type,
            (None, None) => return,
        };
        let length = if relay.codec.is_some() { relay.payload.len() } else { 0 };
        let outgoing = self.outgoing.relay(&relay.header, payload_type, length as u32, relay.is_late, moment.now);
        let Some(header) = outgoing else { return };
        let own_codec = far.remote.codec;
        if let Some(codec) = relay.codec {
            transcode(&mut datagram[relay.payload.clone()], codec, own_codec);
            self.record_sent(own_codec, header.timestamp, &datagram[relay.payload.clone()], moment.now);
        }
        let start = relay.payload.start - HEADER_LEN;
        rtp::write_header(&header, &mut datagram[start..]);
        self.send(&datagram[start..relay.payload.end]);
    }

    fn send(&mut self, packet: &[u8]) {
        let Some(far) = &self.far else { return };
        self.outgoing.bytes += (packet.len() - HEADER_LEN) as u64;
        // UDP: what cannot be sent now (far end gone, buffer full) is lost like any packet.
        let _ = if far.is_connected { self.rtp.send(packet) } else { self.rtp.send_to(packet, far.lock.target()) };
    }

    fn record_sent(&mut self, codec: Codec, timestamp: u32, payload: &[u8], now: i64) {
        if let Some(recording) = &mut self.recording {
            let position = self.sent_timeline.place(timestamp, true, now);
            recording.take.audio(NEAR_END, position, codec, payload);
        }
    }

    /// The work of every 20 ms.
    pub fn tick(&mut self, moment: &Moment<'_>) {
        if self.is_up() {
            self.speak_until(moment);
            self.watch_timeout(moment);
            if self.reports.is_due(moment.now) {
                self.report(false, moment);
            }
        }
        self.serve_consumers(moment);
        self.publish();
    }

    fn speak_until(&mut self, moment: &Moment<'_>) {
        if moment.now - self.speak_at > MAX_CATCH_UP {
            self.speak_at = moment.now;
        }
        while self.speak_at <= moment.now {
            self.speak_at += FRAME_SAMPLES;
            self.speak(moment);
        }
    }

    fn speak(&mut self, moment: &Moment<'_>) {
        let Some(far) = &self.far else { return };
        let (codec, key_type) = (far.remote.codec, far.remote.key_type);
        let mut packet = [codec.silence(); HEADER_LEN + FRAME_SAMPLES as usize];
        let press = self.presser.next_frame();
        if let (Some(press), Some(key_type)) = (press, key_type) {
            let header = self.outgoing.key(press.first, key_type, moment.now);
            rtp::write_header(&header, &mut packet);
            packet[HEADER_LEN..HEADER_LEN + 4].copy_from_slice(&press.event.to_bytes());
            self.send(&packet[..HEADER_LEN + 4]);
        } else if self.play.is_some() {
            self.speak_play(codec, &mut packet, moment);
        } else if self.peer.is_none() || moment.now - self.peer_heard_at > BRIDGE_QUIET {
            let header = self.outgoing.local(Turn::Silence, codec.payload_type(), FRAME_SAMPLES as u32, moment.now);
            rtp::write_header(&header, &mut packet);
            self.send(&packet);
        }
    }

    fn speak_play(&mut self, codec: Codec, packet: &mut [u8], moment: &Moment<'_>) {
        let Some(play) = &mut self.play else { return };
        let id = play.id;
        let is_over = play.fill(codec, &mut packet[HEADER_LEN..]);
        let header = self.outgoing.local(Turn::Play(id), codec.payload_type(), FRAME_SAMPLES as u32, moment.now);
        rtp::write_header(&header, packet);
        self.record_sent(codec, header.timestamp, &packet[HEADER_LEN..], moment.now);
        self.send(packet);
        if is_over {
            self.play = None;
            self.tell(Kind::PlayFinished { play_id: id, completed: true }, moment);
        }
    }

    fn watch_timeout(&mut self, moment: &Moment<'_>) {
        let is_excused = self.far.as_ref().is_some_and(|far| !far.remote.sends);
        // A far end that suppresses silence may say nothing through a whole announcement; endless music excuses nobody.
        if is_excused || self.play.as_ref().is_some_and(|play| !play.is_loop) {
            self.heard_at = self.heard_at.max(moment.now - self.timeout_samples / 2);
        }
        if !self.is_timed_out && moment.now - self.heard_at >= self.timeout_samples {
            self.is_timed_out = true;
            self.tell(Kind::RtpTimeout, moment);
        }
    }

    fn report(&mut self, goodbye: bool, moment: &Moment<'_>) {
        let Some(far) = &self.far else { return };
        let mut target = far.lock.target();
        let Some(port) = target.port().checked_add(1) else { return };
        target.set_port(port);
        let mut out = [0; rtcp::MAX_LEN];
        let heard = self.ssrc.map(|ssrc| (ssrc, &mut self.receiver));
        let length = self.reports.write(&self.outgoing, heard, moment.now, ntp_now(), "dialer", goodbye, &mut out);
        let _ = self.rtcp.send_to(&out[..length], target); // lost like any packet
    }

    fn serve_consumers(&mut self, moment: &Moment<'_>) {
        if self.tap.is_none() && self.recording.is_none() {
            return;
        }
        self.in_order(moment, |reorder, out| reorder.poll(moment.now, out));
        let id = self.id;
        if let Some(tap) = &mut self.tap {
            tap.clock(moment.now, &mut |pcm, at| moment.events.push_audio(id, moment.at, at, pcm));
        }
        let Some(recording) = &mut self.recording else { return };
        if recording.spool.has_failed() {
            self.recording = None;
        } else if moment.now >= recording.append_at {
            recording.append_at = moment.now + APPEND_SAMPLES;
            if !recording.take.is_empty() {
                moment.writer.append(&recording.spool, recording.take.collect());
            }
        }
    }

    fn publish(&self) {
        let stats = &self.stats;
        stats.sent.store(self.outgoing.packets, Relaxed);
        stats.received.store(self.receiver.total_received(), Relaxed);
        stats.lost.store(self.receiver.total_lost(), Relaxed);
        stats.duplicates.store(self.receiver.duplicates, Relaxed);
        stats.ignored.store(self.ignored, Relaxed);
        stats.jitter_samples.store(u64::from(self.receiver.jitter()), Relaxed);
    }
}

impl Play {
    /// Fills one frame with the next audio in `codec`, silence after the end; true when the play is over.
    fn fill(&mut self, codec: Codec, frame: &mut [u8]) -> bool {
        let mut filled = 0;
        while filled < frame.len() && self.position < self.audio.len() {
            let count = (frame.len() - filled).min(self.audio.len() - self.position);
            frame[filled..filled + count].copy_from_slice(&self.audio[self.position..self.position + count]);
            filled += count;
            self.position += count;
            if self.is_loop && self.position == self.audio.len() {
                self.position = 0;
            }
        }
        transcode(&mut frame[..filled], self.codec, codec);
        self.position == self.audio.len()
    }
}
