//! Legs stepped by hand: their far ends are sockets on loopback, the clock is told.

use super::*;
use crate::listening::{Groups, Mode, Seats, Voice};
use crate::wire::rtp::{self, HEADER_LEN};
use crate::writer::Writer;
use std::net::Ipv4Addr;

const GRID: i64 = 40; // 5 ms, as a worker wakes
const KEY_TYPE: u8 = 101;
const AGENT: u64 = 9;
const GUEST: u64 = 1;
const AGENT_LEVEL: i16 = 500;
const CALLED_LEVEL: i16 = 3000;
const GUEST_LEVEL: i16 = 9000;

/// What a leg needs around it.
struct House {
    events: Events,
    writer: Writer,
}

impl House {
    fn new() -> Self {
        let (writer, _) = Writer::start(std::iter::empty(), Arc::new(Events::new().unwrap())).unwrap();
        Self { events: Events::new().unwrap(), writer }
    }

    /// Does it at an instant.
    fn at<T>(&self, now: i64, work: impl FnOnce(&Moment<'_>) -> T) -> T {
        let at = now as f64 / RATE_HZ;
        let writer = self.writer.handle();
        work(&Moment { now, at, at_ns: (at * 1e9) as u64, events: &self.events, writer: &writer })
    }

    fn keys(&self) -> String {
        let key = |event: &Event| match event.kind {
            Kind::Key(key) => Some(key),
            _ => None,
        };
        self.events.take().0.iter().filter_map(key).collect()
    }
}

/// A leg and who is at its far end.
struct Party {
    leg: Leg,
    far: UdpSocket,
    sequence: u16,
}

fn socket() -> UdpSocket {
    let socket = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    socket.set_nonblocking(true).unwrap();
    socket
}

fn datagram(sequence: u16, timestamp: u32, payload_type: u8, payload: &[u8]) -> Vec<u8> {
    let mut datagram = vec![0; HEADER_LEN];
    rtp::write_header(&Header { marker: false, payload_type, sequence, timestamp, ssrc: 7 }, &mut datagram);
    datagram.extend_from_slice(payload);
    datagram
}

fn audio(sequence: u16, level: i16) -> Vec<u8> {
    let codec = Codec::Pcma;
    datagram(sequence, u32::from(sequence) * FRAME_SAMPLES as u32, codec.payload_type(), &[codec.encode(level); 160])
}

impl Party {
    fn new(house: &House, id: u64) -> Self {
        let far = socket();
        let mut leg = Leg::new(id, socket(), None, i64::MAX / 2, id, 0);
        let address = far.local_addr().unwrap();
        let remote = Remote { address, codec: Codec::Pcma, key_type: Some(KEY_TYPE), sends: true };
        assert!(house.at(0, |moment| leg.set_remote(remote, moment)));
        Self { leg, far, sequence: 0 }
    }

    fn hear(&mut self, datagram: &mut [u8], moment: &Moment<'_>) -> Option<Relay> {
        self.leg.hear(datagram, self.far.local_addr().unwrap(), moment)
    }

    /// The far end says 20 ms at that level.
    fn say(&mut self, level: i16, moment: &Moment<'_>) -> Option<(Relay, Vec<u8>)> {
        let mut datagram = audio(self.sequence, level);
        self.sequence += 1;
        self.hear(&mut datagram, moment).map(|relay| (relay, datagram))
    }

    /// What the far end got since the last look, frame by frame.
    fn frames(&self) -> Vec<Vec<i16>> {
        let mut buffer = [0; MAX_DATAGRAM];
        let received = std::iter::from_fn(|| self.far.recv(&mut buffer).ok().map(|length| buffer[..length].to_vec()));
        received.map(|packet| packet[HEADER_LEN..].iter().map(|&code| Codec::Pcma.decode(code)).collect()).collect()
    }
}

fn near(level: i32, wanted: i16) -> bool {
    (level - i32::from(wanted)).abs() <= 64 + i32::from(wanted) / 16
}

/// An agent whose calls come and go, and who may listen to it.
struct Scene {
    house: House,
    agent: Party,
    called: Party,
    guest: Party,
    groups: Groups,
    ear: Vec<Voice>,
    now: i64,
}

impl Scene {
    fn new() -> Self {
        let house = House::new();
        let [agent, called, guest] = [AGENT, 2, GUEST].map(|id| Party::new(&house, id));
        Self { house, agent, called, guest, groups: Groups::default(), ear: Vec::new(), now: 0 }
    }

    fn seat(&mut self, seats: Seats) {
        for (id, seat) in seats {
            if id == GUEST {
                self.ear.clone_from(&seat.ear);
            }
            let party = if id == AGENT { &mut self.agent } else { &mut self.guest };
            party.leg.take_seat(seat);
        }
    }

    fn listen(&mut self, mode: Mode) {
        let seats = self.groups.join(GUEST, AGENT, mode).unwrap();
        self.seat(seats);
    }

    fn leave(&mut self) {
        let seats = self.groups.leave(GUEST);
        self.seat(seats);
    }

    fn bridge(&mut self, is_on: bool) {
        for leg in [&mut self.agent.leg, &mut self.called.leg] {
            leg.set_peer(is_on.then_some(0), self.now);
        }
    }

    /// Lets so many frames pass; `phase`: when within a frame the called person's packets come, or that nobody calls.
    /// What was relayed to the agent comes back.
    fn run(&mut self, frames: i64, phase: Option<i64>) -> Vec<Vec<i16>> {
        let mut relayed = Vec::new();
        for _ in 0..frames * FRAME_SAMPLES / GRID {
            self.now += GRID;
            let Self { house, agent, guest, now, .. } = self;
            house.at(*now, |moment| match *now % FRAME_SAMPLES {
                0 => agent.leg.tick(moment),
                80 => drop(guest.say(GUEST_LEVEL, moment)),
                120 => drop(agent.say(AGENT_LEVEL, moment)),
                _ => {}
            });
            self.agent.frames();
            if phase == Some(self.now % FRAME_SAMPLES) {
                let Self { house, agent, called, now, .. } = self;
                house.at(*now, |moment| {
                    if let Some((relay, mut datagram)) = called.say(CALLED_LEVEL, moment) {
                        agent.leg.relay(&relay, &mut datagram, moment);
                    }
                });
                relayed.extend(self.agent.frames());
            }
        }
        relayed
    }

    /// Nobody calls, an announcement, and a call whose packets come at another point of the frame each time.
    fn round(&mut self, index: i64, frames: i64) -> Vec<Vec<i16>> {
        self.bridge(false);
        self.run(3, None);
        let play =
            Play { id: 1, codec: Codec::Pcma, audio: vec![Codec::Pcma.silence(); 320], is_loop: false, position: 0 };
        self.house.at(self.now, |moment| self.agent.leg.start_play(play, moment));
        self.run(2, None);
        self.bridge(true);
        self.run(frames, Some(GRID * (index % 4)))
    }
}

#[test]
fn a_guest_is_heard_in_every_frame_of_every_call() {
    let mut scene = Scene::new();
    scene.listen(Mode::Whisper);
    for index in 0..12 {
        let frames = scene.round(index, 30);
        assert!(frames.len() >= 29, "round {index}: {}", frames.len());
        for (at, frame) in frames.iter().enumerate() {
            let is_whole = frame.iter().all(|&level| near(level.into(), CALLED_LEVEL + GUEST_LEVEL));
            assert!(is_whole, "round {index}, frame {at}: {frame:?}");
        }
    }
}

#[test]
fn who_listens_a_second_time_hears_everything_at_once() {
    let mut scene = Scene::new();
    scene.listen(Mode::Monitor);
    scene.round(0, 10);
    scene.leave();
    scene.now += 880; // the agent's clock is slow
    (1..20).for_each(|index| drop(scene.round(index, 4)));
    scene.listen(Mode::Monitor);
    let first = scene.now + FRAME_SAMPLES;
    scene.run(8, Some(GRID));
    let mut sums = [0; 6 * FRAME_SAMPLES as usize];
    scene.ear.iter().for_each(|voice| voice.add_to(&mut sums, first));
    assert!(sums.iter().all(|&sum| near(sum, AGENT_LEVEL + CALLED_LEVEL)), "{sums:?}");
}

#[test]
fn a_stranger_who_was_first_does_not_keep_the_named_far_end_out() {
    let house = House::new();
    let mut party = Party::new(&house, 1);
    let (stranger, address) = (socket(), party.leg.rtp.local_addr().unwrap());
    let mut buffer = [0; MAX_DATAGRAM];
    for (sequence, now) in [(0, 160), (1, 320), (2, 20_000)] {
        stranger.send_to(&audio(sequence, GUEST_LEVEL), address).unwrap();
        house.at(now, |moment| party.leg.receive(&mut buffer, moment));
    }
    assert_eq!(party.leg.receiver.total_received(), 3, "behind NAT a far end comes from elsewhere");
    party.far.send_to(&audio(60_000, CALLED_LEVEL), address).unwrap();
    house.at(20_160, |moment| party.leg.receive(&mut buffer, moment));
    assert_eq!(party.leg.receiver.total_received(), 4);
    stranger.send_to(&audio(3, GUEST_LEVEL), address).unwrap();
    house.at(20_320, |moment| party.leg.receive(&mut buffer, moment));
    assert_eq!(party.leg.receiver.total_received(), 4);
}

#[test]
fn a_stream_that_begins_anew_is_heard_on_the_clock() {
    let house = House::new();
    let mut party = Party::new(&house, 1);
    house.at(0, |moment| party.leg.start_tap(FRAME_SAMPLES as usize, moment));
    for (frame, sequence) in [90, 91, 92, 20, 21, 22].into_iter().enumerate() {
        let level = AGENT_LEVEL * (1 + frame as i16);
        house.at(FRAME_SAMPLES * frame as i64, |moment| party.hear(&mut audio(sequence, level), moment));
    }
    let first_sample = |pcm: Vec<u8>| i32::from(i16::from_le_bytes([pcm[0], pcm[1]]));
    let heard: Vec<i32> = house.events.take().1.into_iter().map(|block| first_sample(block.pcm)).collect();
    let is_heard = |frame: i16| heard.iter().any(|&level| near(level, AGENT_LEVEL * frame));
    assert!([1, 2, 3, 5, 6].into_iter().all(is_heard), "{heard:?}");
}

#[test]
fn a_key_is_told_when_the_far_end_began_its_stream_anew() {
    let house = House::new();
    let mut party = Party::new(&house, 1);
    let presses = [(100, 900_000, 5), (101, 900_000, 5), (30_000, 4000, 5), (30_001, 8000, 6)];
    for (at, (sequence, timestamp, code)) in presses.into_iter().enumerate() {
        let mut press = datagram(sequence, timestamp, KEY_TYPE, &[code, 0x8a, 3, 32]);
        house.at(1600 * at as i64, |moment| party.hear(&mut press, moment));
    }
    assert_eq!(house.keys(), "556");
}
