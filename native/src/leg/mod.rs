//! One leg: two sockets, the stream heard and the stream sent, and what is done with them.
//!
//! A leg belongs to one worker and is touched by no other thread. It speaks every 20 ms when nobody else speaks for it:
//! keys, a play, or silence. A bridged partner speaks through `relay`; when that one has been quiet for 200 ms, silence
//! fills in.
#![forbid(unsafe_code)]

mod beginning;
mod browsing;
mod hearing;
mod listening;
mod speaking;
#[cfg(test)]
mod tests;

use crate::browser::Link;
use crate::events::{Event, Events, Kind};
use crate::g711::Codec;
use crate::listening::{Loan, Part};
use crate::outgoing::Outgoing;
use crate::receive::{Order, Receiver};
use crate::reorder::Reorder;
use crate::reports::Reports;
use crate::source::SourceLock;
use crate::spool::Take;
use crate::stats::SharedStats;
use crate::sys;
use crate::tap::{Block, Tap};
use crate::timeline::Timeline;
use crate::wire::dtmf::{KeyListener, KeyPresser};
use crate::wire::rtp::Header;
use crate::writer::{Spool, WriterHandle};
use std::net::{SocketAddr, UdpSocket};
use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use beginning::Beginning;

pub const FRAME_SAMPLES: i64 = 160;
pub const RATE_HZ: f64 = 8000.0;
/// Keys closer together than this cannot be a person's: 40 ms.
pub const KEY_INTERVAL: i64 = 320;
/// Larger datagrams are cut, and then refused as audio.
pub const MAX_DATAGRAM: usize = 2048;
const NTP_UNIX_OFFSET_S: u64 = 2_208_988_800;

/// What a leg needs of its worker, for one wake-up.
pub struct Moment<'a> {
    /// The engine's sample clock: 8 kHz since it started.
    pub now: i64,
    /// Seconds on the monotonic clock.
    pub at: f64,
    /// The same in nanoseconds.
    pub at_ns: u64,
    pub events: &'a Events,
    pub writer: &'a WriterHandle,
}

impl Moment<'_> {
    /// Hands on a block of a tap, with the instant at which it ended: what was waited for is told later than it was.
    fn tell_block(&self, leg: u64, block: &Block<'_>) {
        let age_s = (self.now - block.end).max(0) as f64 / RATE_HZ;
        self.events.push_audio(leg, self.at - age_s, block.position, block.pcm);
    }
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
    /// The instant before which nothing is waiting to be collected, on the monotonic clock.
    since_ns: u64,
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
    codec: Codec,
    key_type: Option<u8>,
    sends: bool,
    has_spoken: bool,
    way: Way,
}

/// How packets reach the far end.
enum Way {
    /// RTP and RTCP between two pairs of sockets; `is_connected`: the kernel filters for the locked source.
    Plain {
        named: SocketAddr,
        lock: SourceLock,
        is_connected: bool,
    },
    Browser(Box<Link>),
}

/// What a partner is to hear: the datagram's payload was left in the buffer at `payload`.
pub struct Relay {
    header: Header,
    payload: std::ops::Range<usize>,
    codec: Option<Codec>,
    order: Order,
}

pub struct Leg {
    pub id: u64,
    pub peer: Option<usize>,
    pub stats: Arc<SharedStats>,
    pub rtp: UdpSocket,
    /// A browser's RTCP comes with its RTP.
    pub rtcp: Option<UdpSocket>,
    /// The far end hears itself instead of a partner.
    pub is_echoing: bool,
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
    beginning: Beginning,
    recording: Option<Recording>,
    /// Boxed, and None where nobody listens: then it costs one look.
    listening: Option<Box<Part>>,
    reports: Reports,
}

/// The wall clock as NTP (RFC 3550 §4).
fn ntp_now() -> u64 {
    let unix = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    ((unix.as_secs() + NTP_UNIX_OFFSET_S) << 32) | ((u64::from(unix.subsec_nanos()) << 32) / 1_000_000_000)
}

impl Leg {
    /// A leg on bound, non-blocking sockets; `seed` is random.
    pub fn new(id: u64, rtp: UdpSocket, rtcp: Option<UdpSocket>, timeout_samples: i64, seed: u64, now: i64) -> Self {
        Self {
            id,
            peer: None,
            stats: Arc::default(),
            rtp,
            rtcp,
            is_echoing: false,
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
            beginning: Beginning::default(),
            recording: None,
            listening: None,
            reports: Reports::new(now, seed),
        }
    }

    /// Names the far end. Returns true when the leg came up by it: its sockets then belong into the worker's set.
    pub fn set_remote(&mut self, remote: Remote, moment: &Moment<'_>) -> bool {
        self.heard_at = moment.now;
        let Remote { address, codec, key_type, sends } = remote;
        if let Some(FarEnd { way: Way::Plain { named, lock, is_connected }, has_spoken, .. }) = &mut self.far {
            if *named != address {
                *named = address;
                *lock = SourceLock::new(address);
                *has_spoken = false;
                self.is_timed_out = false;
                if std::mem::take(is_connected) {
                    let _ = sys::disconnect(&self.rtp); // fails only on a closed socket
                }
            }
        }
        if let Some(far) = &mut self.far {
            (far.codec, far.key_type, far.sends) = (codec, key_type, sends);
            return false;
        }
        let way = Way::Plain { named: address, lock: SourceLock::new(address), is_connected: false };
        self.far = Some(FarEnd { codec, key_type, sends, has_spoken: false, way });
        self.speak_at = moment.now;
        true
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
        let tap = self.tap.insert(Tap::new(moment.now, block_samples));
        for frame in self.beginning.take(moment.now) {
            tap.audio(frame.position, frame.codec, &frame.payload, &mut |block| moment.tell_block(self.id, &block));
        }
    }

    pub fn stop_tap(&mut self) {
        self.tap = None;
    }

    pub fn press_keys(&mut self, keys: &[u8]) {
        self.presser.press(keys);
    }

    pub fn start_recording(&mut self, mut spool: Spool, moment: &Moment<'_>) {
        self.stop_recording(moment);
        let started = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        let started_unix_us = started.as_micros() as u64;
        let take = Take::new(moment.now, started_unix_us);
        moment.writer.open(&mut spool, started_unix_us);
        self.recording = Some(Recording { take, spool, append_at: moment.now, since_ns: moment.at_ns });
    }

    pub fn stop_recording(&mut self, moment: &Moment<'_>) {
        self.in_order(moment, |reorder, out| reorder.flush(out));
        if let Some(mut recording) = self.recording.take() {
            recording.take.end(moment.now);
            moment.writer.close(&mut recording.spool, recording.take.collect(), recording.since_ns);
        }
    }

    /// Leaves out what is heard and said from now on; what was heard before and waits for its turn is recorded.
    pub fn pause_recording(&mut self, moment: &Moment<'_>) {
        self.in_order(moment, |reorder, out| reorder.flush(out));
        if let Some(recording) = &mut self.recording {
            recording.take.pause(moment.now);
        }
    }

    /// Records again; what was heard in the pause and waits for its turn stays out.
    pub fn resume_recording(&mut self, moment: &Moment<'_>) {
        self.in_order(moment, |reorder, out| reorder.flush(out));
        if let Some(recording) = &mut self.recording {
            recording.take.resume(moment.now);
        }
    }

    /// Ends everything in order; the sockets close when the leg is dropped.
    pub fn close(&mut self, moment: &Moment<'_>) {
        self.stop_play(moment);
        self.stop_recording(moment);
        self.part(moment);
    }

    /// A new partner: it counts as heard now, so that its first packet comes before silence fills in.
    pub fn set_peer(&mut self, peer: Option<usize>, now: i64) {
        self.peer = peer;
        self.peer_heard_at = now;
        self.borrow(Loan::default());
    }

    pub fn is_up(&self) -> bool {
        self.far.is_some()
    }

    fn tell(&self, kind: Kind, moment: &Moment<'_>) {
        moment.events.push(Event { leg: self.id, at: moment.at, kind });
    }
}
