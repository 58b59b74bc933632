//! A browser made of `str0m`, and an engine on loopback to talk to.

use dialer_native::engine::{Engine, Settings};
use dialer_native::events::{Event, Kind};
use dialer_native::g711::Codec;
use dialer_native::leg::Remote;
use std::net::{IpAddr, Ipv4Addr, UdpSocket};
use std::path::PathBuf;
use std::time::{Duration, Instant};
use str0m::change::SdpAnswer;
use str0m::media::{Direction, MediaKind, Mid, Pt};
use str0m::net::{Protocol, Receive};
use str0m::rtp::{RtpPacket, RtpWrite};
use str0m::{Candidate, Input, Output, Rtc};

/// Nothing here takes longer, unless it never comes.
pub const PATIENCE: Duration = Duration::from_secs(20);
const FRAME: Duration = Duration::from_millis(20);
const LOOPBACK: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);
pub const PAYLOAD: usize = 160;

pub struct House {
    pub engine: Engine,
    directory: PathBuf,
    seen: Vec<Event>,
}

impl House {
    /// An engine on a range of ports of its own; `name` is unique among the tests.
    pub fn new(name: &str, port_min: u16) -> Self {
        let directory = std::env::temp_dir().join(format!("dialer-native-{name}-{}", std::process::id()));
        std::fs::create_dir_all(&directory).unwrap();
        let settings = Settings {
            host: LOOPBACK,
            advertised: None,
            port_min,
            port_max: port_min + 19,
            workers: 2,
            rtp_timeout_s: 60.0,
            spool_dir: directory.clone(),
            second_spool_dir: None,
        };
        Self { engine: Engine::start(settings).unwrap(), directory, seen: Vec::new() }
    }

    /// A leg whose far end is a plain socket.
    pub fn plain(&self) -> (u64, UdpSocket) {
        let (leg, port) = self.engine.open().unwrap();
        let socket = UdpSocket::bind((LOOPBACK, 0)).unwrap();
        socket.set_read_timeout(Some(PATIENCE)).unwrap();
        socket.connect((LOOPBACK, port)).unwrap();
        let address = socket.local_addr().unwrap();
        self.engine.set_remote(leg, Remote { address, codec: Codec::Pcma, key_type: None, sends: true });
        (leg, socket)
    }

    /// Whether the leg's events so far have that one; it counts once.
    pub fn saw(&mut self, leg: u64, kind: &Kind) -> bool {
        let (events, _) = self.engine.events().take();
        self.seen.extend(events);
        let found = self.seen.iter().position(|event| event.leg == leg && event.kind == *kind);
        found.map(|at| self.seen.remove(at)).is_some()
    }

    /// Waits for the event while the browser goes on.
    pub fn wait_for(&mut self, leg: u64, kind: &Kind, browser: &mut Browser) {
        let until = Instant::now() + PATIENCE;
        while !self.saw(leg, kind) {
            assert!(Instant::now() < until, "{kind:?} did not come");
            browser.pump();
        }
    }
}

impl Drop for House {
    fn drop(&mut self) {
        self.engine.stop();
        let _ = std::fs::remove_dir_all(&self.directory); // gone with the machine's temporary files otherwise
    }
}

/// What browsers do: full ICE, DTLS as the client, RTP both ways.
pub struct Browser {
    pub rtc: Rtc,
    pub socket: UdpSocket,
    pub heard: Vec<RtpPacket>,
    mid: Option<Mid>,
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
            .set_stats_interval(Some(Duration::from_millis(500)))
            .set_rtcp_report_interval_audio(Duration::from_millis(500))
            .build(now);
        let socket = UdpSocket::bind((LOOPBACK, 0)).unwrap();
        socket.set_read_timeout(Some(Duration::from_millis(2))).unwrap();
        rtc.add_local_candidate(Candidate::host(socket.local_addr().unwrap(), "udp").unwrap());
        let payload_type = Pt::from(codec.payload_type());
        Self { rtc, socket, heard: Vec::new(), mid: None, payload_type, sequence: 1, speaks_at: now, due: now }
    }

    /// Offers one audio stream and takes the leg's answer.
    pub fn connect(&mut self, engine: &Engine, leg: u64) -> String {
        let mut changes = self.rtc.sdp_api();
        self.mid = Some(changes.add_media(MediaKind::Audio, Direction::SendRecv, None, None, None));
        let (offer, pending) = changes.apply().unwrap();
        let answer = engine.accept(leg, &offer.to_sdp_string()).unwrap().unwrap();
        let parsed = SdpAnswer::from_sdp_string(&answer).unwrap();
        self.rtc.sdp_api().accept_answer(pending, parsed).unwrap();
        self.due = Instant::now();
        answer
    }

    /// Says a frame, every byte of it `value`, when its time has come; true when it was said. `None` is lost on the way.
    pub fn say(&mut self, value: Option<u8>) -> bool {
        let now = Instant::now();
        if now < self.speaks_at || !self.rtc.is_connected() {
            return false;
        }
        self.speaks_at = now.max(self.speaks_at + FRAME);
        let (sequence, payload_type) = (self.sequence, self.payload_type);
        self.sequence += 1;
        let Some(value) = value else { return true };
        let time = (sequence as u32).wrapping_mul(PAYLOAD as u32);
        let mut streams = self.rtc.direct_api();
        let stream = streams.stream_tx_by_mid(self.mid.unwrap(), None).unwrap();
        stream.write_rtp(RtpWrite::new(payload_type, sequence.into(), time, now, &[value; PAYLOAD][..]));
        self.rtc.handle_input(Input::Timeout(now)).unwrap();
        self.drain();
        true
    }

    /// A few milliseconds of life.
    pub fn pump(&mut self) {
        let mut buffer = [0; 2048];
        if let Ok((length, source)) = self.socket.recv_from(&mut buffer) {
            let destination = self.socket.local_addr().unwrap();
            if let Ok(contents) = buffer[..length].try_into() {
                let receive = Receive { proto: Protocol::Udp, source, destination, contents };
                self.rtc.handle_input(Input::Receive(Instant::now(), receive)).unwrap();
                self.drain();
            }
        }
        let now = Instant::now();
        if now >= self.due {
            self.rtc.handle_input(Input::Timeout(now)).unwrap();
            self.drain();
        }
    }

    fn drain(&mut self) {
        loop {
            match self.rtc.poll_output().unwrap() {
                Output::Timeout(due) => return self.due = due,
                Output::Transmit(sent) => {
                    self.socket.send_to(&sent.contents, sent.destination).unwrap();
                }
                Output::Event(str0m::Event::RtpPacket(packet)) => self.heard.push(packet),
                Output::Event(_) => {}
            }
        }
    }

    /// The first byte of each frame heard.
    pub fn values(&self) -> Vec<u8> {
        self.heard.iter().filter_map(|packet| packet.payload.first().copied()).collect()
    }
}

/// One RTP packet of a plain far end.
pub fn plain_packet(sequence: u16, value: u8) -> Vec<u8> {
    let mut packet = vec![0x80, Codec::Pcma.payload_type()];
    packet.extend(sequence.to_be_bytes());
    packet.extend((u32::from(sequence) * PAYLOAD as u32).to_be_bytes());
    packet.extend(7u32.to_be_bytes());
    packet.extend([value; PAYLOAD]);
    packet
}

/// The sequence number and first byte of a plain packet.
pub fn plain_parts(packet: &[u8]) -> (u16, u8) {
    (u16::from_be_bytes([packet[2], packet[3]]), packet[12])
}
