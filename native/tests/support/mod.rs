//! An engine on loopback, and who talks to it.
#![allow(dead_code)] // each test needs a part of it

pub mod browser;

use dialer_native::engine::Engine;
use dialer_native::events::{Event, Kind};
use dialer_native::g711::Codec;
use dialer_native::leg::Remote;
use std::cell::RefCell;
use std::net::{IpAddr, Ipv4Addr, UdpSocket};
use std::path::PathBuf;
use std::time::{Duration, Instant};

pub use browser::{Browser, PAYLOAD};
pub use dialer_native::engine::Settings;

/// Nothing here takes longer, unless it never comes.
pub const PATIENCE: Duration = Duration::from_secs(60);
const LOOPBACK: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);

pub struct House {
    pub engine: Engine,
    directory: PathBuf,
    seen: RefCell<Vec<Event>>,
}

impl House {
    /// An engine on a range of ports of its own; `name` is unique among the tests.
    pub fn new(name: &str, port_min: u16) -> Self {
        Self::with(name, port_min, |settings| settings)
    }

    /// The same with other settings.
    pub fn with(name: &str, port_min: u16, change: impl FnOnce(Settings) -> Settings) -> Self {
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
        Self { engine: Engine::start(change(settings)).unwrap(), directory, seen: RefCell::default() }
    }

    /// Where that recording is.
    pub fn spool(&self, recording_id: &str) -> PathBuf {
        self.directory.join(format!("{recording_id}.spool"))
    }

    /// A leg whose far end is a plain socket.
    pub fn plain(&self) -> (u64, UdpSocket) {
        let (leg, port) = self.engine.open().unwrap();
        let socket = UdpSocket::bind((LOOPBACK, 0)).unwrap();
        socket.set_nonblocking(true).unwrap();
        socket.connect((LOOPBACK, port)).unwrap();
        assert!(self.name_remote(leg, &socket));
        (leg, socket)
    }

    /// Names the socket as the leg's far end; false when the leg takes none.
    pub fn name_remote(&self, leg: u64, socket: &UdpSocket) -> bool {
        let address = socket.local_addr().unwrap();
        self.engine.set_remote(leg, Remote { address, codec: Codec::Pcma, key_type: None, sends: true })
    }

    /// Gives the browser's offer to the leg and the answer to the browser, and waits until both are connected.
    pub fn connect(&self, leg: u64, browser: &mut Browser) -> String {
        let answer = self.engine.accept(leg, &browser.offer()).unwrap().unwrap();
        browser.take(&answer);
        self.wait_for(leg, &Kind::BrowserConnected, browser);
        answer
    }

    /// Whether the leg's events so far have that one; it counts once.
    pub fn saw(&self, leg: u64, kind: &Kind) -> bool {
        let (events, _) = self.engine.events().take();
        let mut seen = self.seen.borrow_mut();
        seen.extend(events);
        let found = seen.iter().position(|event| event.leg == leg && event.kind == *kind);
        found.map(|at| seen.remove(at)).is_some()
    }

    /// Waits for the event while the browser goes on.
    pub fn wait_for(&self, leg: u64, kind: &Kind, browser: &mut Browser) {
        self.run_until(|| {
            browser.pump();
            self.saw(leg, kind)
        });
    }

    /// Looks again and again until it is so.
    pub fn run_until(&self, mut is_so: impl FnMut() -> bool) {
        let until = Instant::now() + PATIENCE;
        while !is_so() {
            assert!(Instant::now() < until, "it did not happen in time");
            moment();
        }
    }
}

/// Between two looks.
pub fn moment() {
    std::thread::sleep(Duration::from_millis(1));
}

impl Drop for House {
    fn drop(&mut self) {
        self.engine.stop();
        let _ = std::fs::remove_dir_all(&self.directory); // gone with the machine's temporary files otherwise
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
