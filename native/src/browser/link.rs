//! One connection with a browser: datagrams in, RTP out of them, and what we say on its way to the socket.
//!
//! Everything that arrives before DTLS is finished is hostile until proven otherwise: `str0m` is only given what names
//! this connection's ICE credentials or comes from the address that did. A panic in it is taken for the end of this one
//! connection (the leg waits for another offer), not of the engine.
#![forbid(unsafe_code)]

use crate::g711::Codec;
use crate::sys;
use crate::wire::rtp::{self, Header, Parsed, HEADER_LEN};
use std::net::{SocketAddr, UdpSocket};
use std::panic::{catch_unwind, AssertUnwindSafe};
use std::time::{Duration, Instant};
use str0m::media::Pt;
use str0m::net::{DatagramRecv, Protocol, Receive, Transmit};
use str0m::rtp::{RtpPacket, RtpWrite, Ssrc};
use str0m::stats::MediaEgressStats;
use str0m::{Event, Input, Output, Rtc};

/// A microphone sends 50 packets a second: without any for this long, the browser is gone.
const AUDIO_QUIET: Duration = Duration::from_secs(3);
/// Without a microphone there are only ICE's checks (RFC 7675): browsers send one every 2.5 s, which may be lost.
const CHECK_QUIET: Duration = Duration::from_secs(8);
/// A connection that has more to say than this at once is broken.
const MAX_OUTPUTS: usize = 256;
/// The first octet of STUN messages is below (RFC 7983 §7).
const STUN_BELOW: u8 = 2;

/// What became of the connection since it was last asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Change {
    Connected,
    Lost,
}

/// A datagram that does not belong to the connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Foreign;

/// How the browser hears us, by its RTCP reports.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Report {
    pub round_trip: Option<Duration>,
    /// The share of our packets it missed.
    pub loss: Option<f32>,
    /// In samples.
    pub jitter: Option<u32>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Standing {
    Waiting,
    Connected,
    /// Nothing was heard for a while; it comes back by itself when something is.
    Quiet,
    /// Closed by the browser, or broken: only another offer helps.
    Over,
}

pub struct Link {
    rtc: Rtc,
    codec: Codec,
    ssrc: Ssrc,
    local: SocketAddr,
    /// The same instant on both clocks.
    clock: (Instant, u64),
    due: Instant,
    standing: Standing,
    told: Standing,
    heard_at: Instant,
    /// When audio came last, and from where.
    audio: Option<(Instant, SocketAddr)>,
    last_sent: Option<(u16, u64)>,
    report: Option<Report>,
}

impl Link {
    pub(super) fn new(rtc: Rtc, codec: Codec, ssrc: Ssrc, local: SocketAddr, now: Instant) -> Self {
        Self {
            rtc,
            codec,
            ssrc,
            local,
            clock: (Instant::now(), sys::monotonic_ns()),
            due: now,
            standing: Standing::Waiting,
            told: Standing::Waiting,
            heard_at: now,
            audio: None,
            last_sent: None,
            report: None,
        }
    }

    pub fn codec(&self) -> Codec {
        self.codec
    }

    /// Takes in one datagram. When it was audio, its payload is put into `datagram` behind room for a header.
    pub fn receive(
        &mut self,
        datagram: &mut [u8],
        from: SocketAddr,
        socket: &UdpSocket,
        at_ns: u64,
    ) -> Result<Option<Parsed>, Foreign> {
        let now = self.instant(at_ns);
        let packet = self.guarded(|link| {
            let contents = DatagramRecv::try_from(&*datagram).map_err(|_| Foreign)?;
            let input =
                Input::Receive(now, Receive { proto: Protocol::Udp, source: from, destination: link.local, contents });
            if !link.rtc.accepts(&input) {
                return Err(Foreign);
            }
            let _ = link.rtc.handle_input(input); // what cannot be read is dropped like a lost packet
            Ok(link.drain(socket))
        });
        let packet = packet.unwrap_or(Err(Foreign))?;
        if packet.is_some() || datagram.first().is_some_and(|first| *first < STUN_BELOW) {
            self.heard_at = now;
        }
        let Some(packet) = packet else { return Ok(None) };
        self.audio = Some((now, from));
        Ok(unpack(&packet, datagram))
    }

    /// Says one RTP packet of ours, if the browser is there; its numbers may begin anywhere.
    pub fn send(&mut self, packet: &[u8], socket: &UdpSocket, at_ns: u64) {
        if self.standing != Standing::Connected {
            return;
        }
        let Some(Parsed { header, payload }) = rtp::parse(packet) else { return };
        let Some(sequence) = self.extended(header.sequence) else { return };
        let now = self.instant(at_ns);
        let payload_type = Pt::from(header.payload_type);
        let write = RtpWrite::new(payload_type, sequence.into(), header.timestamp, now, &packet[payload]);
        self.guarded(|link| {
            let mut streams = link.rtc.direct_api();
            let Some(stream) = streams.stream_tx(&link.ssrc) else { return };
            stream.write_rtp(write.marker(header.marker));
            let _ = link.rtc.handle_input(Input::Timeout(now)); // only an impossible state fails; `drain` sees it
            link.drain(socket);
        });
    }

    /// The work of every 20 ms: what is due, and whether the browser is still there.
    pub fn tick(&mut self, socket: &UdpSocket, at_ns: u64) -> Option<Change> {
        let now = self.instant(at_ns);
        if now >= self.due {
            self.guarded(|link| {
                let _ = link.rtc.handle_input(Input::Timeout(now)); // as above
                link.drain(socket);
            });
        }
        self.watch(now);
        let is_there = |standing| standing == Standing::Connected;
        let change = match (is_there(self.told), is_there(self.standing)) {
            (false, true) => Some(Change::Connected),
            (true, false) => Some(Change::Lost),
            _ => None,
        };
        self.told = self.standing;
        change
    }

    /// The newest report of the browser, once.
    pub fn take_report(&mut self) -> Option<Report> {
        self.report.take()
    }

    /// Says good-bye; true when its loss is yet to be told.
    pub fn close(&mut self, socket: &UdpSocket) -> bool {
        self.guarded(|link| {
            let _ = link.rtc.close(); // a connection that is not up has nobody to tell
            link.drain(socket);
        });
        self.standing = Standing::Over;
        self.told == Standing::Connected
    }

    fn instant(&self, at_ns: u64) -> Instant {
        self.clock.0 + Duration::from_nanos(at_ns.saturating_sub(self.clock.1))
    }

    /// The packet number without its wrap: a fixed distance from the first one, which is below 2^15.
    fn extended(&mut self, sequence: u16) -> Option<u64> {
        let Some((last, extended)) = self.last_sent else {
            let first = u64::from(sequence & 0x7fff);
            self.last_sent = Some((sequence, first));
            return Some(first);
        };
        let step = i64::from(sequence.wrapping_sub(last) as i16);
        let extended_now = extended.checked_add_signed(step)?;
        if step > 0 {
            self.last_sent = Some((sequence, extended_now));
        }
        Some(extended_now)
    }

    fn watch(&mut self, now: Instant) {
        let was_speaking = self.audio.is_some_and(|(at, _)| now.duration_since(at) < CHECK_QUIET);
        let patience = if was_speaking { AUDIO_QUIET } else { CHECK_QUIET };
        let is_quiet = now.duration_since(self.heard_at) >= patience;
        match self.standing {
            Standing::Connected if is_quiet => self.standing = Standing::Quiet,
            Standing::Quiet if !is_quiet => self.standing = Standing::Connected,
            _ => {}
        }
    }

    /// Runs the connection; it is over when that panics or it was over before.
    fn guarded<T>(&mut self, run: impl FnOnce(&mut Self) -> T) -> Option<T> {
        if self.standing == Standing::Over {
            return None;
        }
        let result = catch_unwind(AssertUnwindSafe(|| run(self)));
        if result.is_err() {
            self.standing = Standing::Over;
        }
        result.ok()
    }

    /// Sends what the connection has to say; the audio packet it heard comes back.
    fn drain(&mut self, socket: &UdpSocket) -> Option<RtpPacket> {
        let mut heard = None;
        for _ in 0..MAX_OUTPUTS {
            match self.rtc.poll_output() {
                Ok(Output::Timeout(due)) => {
                    self.due = due;
                    if !self.rtc.is_alive() {
                        self.standing = Standing::Over;
                    }
                    return heard;
                }
                Ok(Output::Transmit(transmit)) => {
                    let target = self.target(&transmit);
                    // UDP: what cannot be sent now is lost like any packet.
                    let _ = socket.send_to(&transmit.contents, target);
                }
                Ok(Output::Event(Event::RtpPacket(packet))) => heard = Some(packet),
                Ok(Output::Event(event)) => self.note(event),
                Err(_) if self.rtc.is_alive() => {}
                Err(_) => break,
            }
        }
        self.standing = Standing::Over;
        heard
    }

    /// ICE stays with an address until it was silent for 15 s; audio goes to where audio comes from, which is sealed and
    /// from an address that ICE has checked. So a NAT that changes its mind costs the time until the next check.
    fn target(&self, transmit: &Transmit) -> SocketAddr {
        let is_check = transmit.contents.first().is_some_and(|first| *first < STUN_BELOW);
        match self.audio {
            Some((at, from)) if !is_check && self.heard_at.duration_since(at) < AUDIO_QUIET => from,
            _ => transmit.destination,
        }
    }

    fn note(&mut self, event: Event) {
        match event {
            Event::Connected => self.standing = Standing::Connected,
            Event::Closed => self.standing = Standing::Over,
            Event::MediaEgressStats(stats) => self.report = report_of(&stats).or(self.report),
            _ => {}
        }
    }
}

/// Puts the packet's payload behind room for a header; `None` when there is none, or no room.
fn unpack(packet: &RtpPacket, datagram: &mut [u8]) -> Option<Parsed> {
    let payload = HEADER_LEN..HEADER_LEN + packet.payload.len();
    datagram.get_mut(payload.clone())?.copy_from_slice(&packet.payload);
    let header = Header {
        marker: packet.header.marker,
        payload_type: *packet.header.payload_type,
        sequence: packet.header.sequence_number,
        timestamp: packet.header.timestamp,
        ssrc: *packet.header.ssrc,
    };
    Some(Parsed { header, payload })
}

fn report_of(stats: &MediaEgressStats) -> Option<Report> {
    let remote = stats.remote.as_ref()?;
    Some(Report { round_trip: stats.rtt, loss: stats.loss, jitter: Some(remote.jitter) })
}
