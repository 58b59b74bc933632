//! A browser made of `str0m`: full ICE, DTLS as the client, RTP both ways. In real time.
#![allow(dead_code)] // who uses it needs a part of it

use dialer_native::g711::Codec;
use std::net::{Ipv4Addr, SocketAddr, UdpSocket};
use std::time::{Duration, Instant};
use str0m::change::{SdpAnswer, SdpPendingOffer};
use str0m::media::{Direction, MediaKind, Mid, Pt};
use str0m::net::{Protocol, Receive};
use str0m::rtp::{RtpPacket, RtpWrite};
use str0m::stats::MediaEgressStats;
use str0m::{Candidate, Event, Input, Output, Rtc};

const FRAME: Duration = Duration::from_millis(20);
const REPORTS: Duration = Duration::from_millis(500);
pub const PAYLOAD: usize = 160;

pub struct Browser {
    pub rtc: Rtc,
    pub socket: UdpSocket,
    pub heard: Vec<RtpPacket>,
    /// How our audio arrives, by the far end's reports.
    pub told: Option<MediaEgressStats>,
    pub is_closed: bool,
    address: SocketAddr,
    mid: Option<Mid>,
    pending: Option<SdpPendingOffer>,
    payload_type: Pt,
    sequence: u64,
    speaks_at: Instant,
    due: Instant,
}

impl Browser {
    pub fn new(codec: Codec) -> Self {
        let now = Instant::now();
        let is_pcma = codec == Codec::Pcma;
        let mut rtc = Rtc::builder()
            .set_rtp_mode(true)
            .clear_codecs()
            .enable_pcma(is_pcma, false)
            .enable_pcmu(!is_pcma, false)
            .set_stats_interval(Some(REPORTS))
            .set_rtcp_report_interval_audio(REPORTS)
            .build(now);
        let (socket, address) = fresh_socket();
        rtc.add_local_candidate(Candidate::host(address, "udp").unwrap());
        Self {
            rtc,
            socket,
            heard: Vec::new(),
            told: None,
            is_closed: false,
            address,
            mid: None,
            pending: None,
            payload_type: Pt::from(codec.payload_type()),
            sequence: 1,
            speaks_at: now,
            due: now,
        }
    }

    /// The offer of one audio stream.
    pub fn offer(&mut self) -> String {
        let mut changes = self.rtc.sdp_api();
        self.mid = Some(changes.add_media(MediaKind::Audio, Direction::SendRecv, None, None, None));
        let (offer, pending) = changes.apply().unwrap();
        self.pending = Some(pending);
        offer.to_sdp_string()
    }

    pub fn take(&mut self, answer: &str) {
        let answer = SdpAnswer::from_sdp_string(answer).unwrap();
        self.rtc.sdp_api().accept_answer(self.pending.take().unwrap(), answer).unwrap();
        self.due = Instant::now();
        self.speaks_at = self.due;
    }

    /// Says a frame, every byte of it `value`, when its time has come; true when it had. `None` is lost on the way.
    pub fn say(&mut self, value: Option<u8>) -> bool {
        let now = Instant::now();
        if !self.rtc.is_connected() {
            self.speaks_at = now;
        }
        if now < self.speaks_at || !self.rtc.is_connected() {
            return false;
        }
        self.speaks_at += FRAME; // a late one catches up: its clock goes on
        let sequence = self.sequence;
        self.sequence += 1;
        let Some(value) = value else { return true };
        let time = (sequence as u32).wrapping_mul(PAYLOAD as u32);
        let mut streams = self.rtc.direct_api();
        let stream = streams.stream_tx_by_mid(self.mid.unwrap(), None).unwrap();
        stream.write_rtp(RtpWrite::new(self.payload_type, sequence.into(), time, now, &[value; PAYLOAD][..]));
        self.rtc.handle_input(Input::Timeout(now)).unwrap();
        self.drain();
        true
    }

    /// Takes in what came, and does what is due.
    pub fn pump(&mut self) {
        let mut buffer = [0; 2048];
        let destination = self.address;
        while let Ok((length, source)) = self.socket.recv_from(&mut buffer) {
            let Ok(contents) = buffer[..length].try_into() else { continue };
            let receive = Receive { proto: Protocol::Udp, source, destination, contents };
            self.rtc.handle_input(Input::Receive(Instant::now(), receive)).unwrap();
            self.drain();
        }
        let now = Instant::now();
        if now >= self.due {
            self.rtc.handle_input(Input::Timeout(now)).unwrap();
            self.drain();
        }
    }

    /// Its NAT gives it another port, which it does not know of.
    pub fn change_port(&mut self) {
        (self.socket, _) = fresh_socket();
    }

    /// The first byte of each frame heard.
    pub fn values(&self) -> Vec<u8> {
        self.heard.iter().filter_map(|packet| packet.payload.first().copied()).collect()
    }

    pub fn close(&mut self) {
        self.rtc.close().unwrap();
        self.drain();
    }

    fn drain(&mut self) {
        loop {
            match self.rtc.poll_output().unwrap() {
                Output::Timeout(due) => return self.due = due,
                Output::Transmit(sent) => {
                    self.socket.send_to(&sent.contents, sent.destination).unwrap();
                }
                Output::Event(Event::RtpPacket(packet)) => self.heard.push(packet),
                Output::Event(Event::MediaEgressStats(stats)) => self.told = Some(stats),
                Output::Event(Event::Closed) => self.is_closed = true,
                Output::Event(_) => {}
            }
        }
    }
}

fn fresh_socket() -> (UdpSocket, SocketAddr) {
    let socket = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    socket.set_nonblocking(true).unwrap();
    let address = socket.local_addr().unwrap();
    (socket, address)
}
