//! One thread's legs. It wakes on a fixed grid instead of per packet: what came in meanwhile is handled in one go,
//! which saves the context switches that would otherwise cost as much as the packets, for at most `GRID_NS` of added
//! delay. Commands wake it too.
//!
//! Bridged legs live on one worker, so relaying needs no lock. A leg changes its worker only through its old one:
//! `Migrate` there, `Adopt` here; until it has arrived the new worker leaves its commands waiting (its packets it
//! handles). Commands are given under one lock, `Migrate` before the `Expect` that waits for it, so that two workers
//! never wait for each other. Legs of several workers may arrive in another order than they are expected in.
#![forbid(unsafe_code)]

use crate::browser::Link;
use crate::events::Events;
use crate::leg::{Leg, Moment, Play, Relay, Remote, FRAME_SAMPLES, RATE_HZ};
use crate::listening::Seat;
use crate::sys::{self, Epoll, EventFd};
use crate::writer::{Spool, WriterHandle};
use std::collections::{HashMap, HashSet};
use std::sync::mpsc::{channel, Receiver, Sender};
use std::sync::Arc;

/// What a wake-up adds to a packet's delay at most.
pub const GRID_NS: u64 = 5_000_000;
/// Each leg's 20 ms work falls on one of these wake-ups.
const PHASES: usize = 4;
const MAX_READY: usize = 512;
/// Rounds of reading in one wake-up; a flood beyond that waits for the next.
const MAX_ROUNDS: usize = 8;
const MAX_DATAGRAM: usize = 2048;

pub enum Command {
    Add(Box<Leg>),
    SetRemote(u64, Remote),
    Accept(u64, Box<Link>),
    SetEcho(u64, bool),
    Play(u64, Play),
    StopPlay(u64),
    StartTap(u64, usize),
    StopTap(u64),
    PressKeys(u64, Vec<u8>),
    StartRecording(u64, Spool),
    StopRecording(u64),
    PauseRecording(u64),
    ResumeRecording(u64),
    Bridge(u64, u64),
    Unbridge(u64),
    Seat(u64, Box<Seat>),
    Close(u64),
    Migrate(u64, WorkerHandle),
    Expect(u64),
    Stop,
}

/// A leg that comes from another worker; none: it was not there any more.
type Adoption = (u64, Option<Box<Leg>>);

/// How others reach a worker.
#[derive(Clone)]
pub struct WorkerHandle {
    commands: Sender<Command>,
    adoptions: Sender<Adoption>,
    wake: Arc<EventFd>,
}

impl WorkerHandle {
    pub fn give(&self, command: Command) {
        let _ = self.commands.send(command); // fails only after Stop
        self.wake.raise();
    }

    fn adopt(&self, adoption: Adoption) {
        let _ = self.adoptions.send(adoption); // fails only after Stop
        self.wake.raise();
    }
}

pub struct Worker {
    commands: Receiver<Command>,
    adoptions: Receiver<Adoption>,
    wake: Arc<EventFd>,
    epoll: Epoll,
    legs: Vec<Option<Box<Leg>>>,
    free: Vec<usize>,
    places: HashMap<u64, usize>,
    phases: [Vec<usize>; PHASES],
    fresh: Vec<u64>,
    buffer: Box<[u8; MAX_DATAGRAM]>,
    events: Arc<Events>,
    writer: WriterHandle,
    epoch_ns: u64,
    /// The leg without which no command is carried out, and those that came before they were expected.
    expected: Option<u64>,
    arrived: HashSet<u64>,
}

/// The sample clock: 8 kHz since `epoch_ns`.
pub fn samples_since(epoch_ns: u64, ns: u64) -> i64 {
    (ns.saturating_sub(epoch_ns) / 125_000) as i64
}

impl Worker {
    pub fn new(events: Arc<Events>, writer: WriterHandle, epoch_ns: u64) -> std::io::Result<(Self, WorkerHandle)> {
        let (command_sender, commands) = channel();
        let (adoption_sender, adoptions) = channel();
        let wake = Arc::new(EventFd::new()?);
        let handle = WorkerHandle { commands: command_sender, adoptions: adoption_sender, wake: wake.clone() };
        let worker = Self {
            commands,
            adoptions,
            wake,
            epoll: Epoll::new(MAX_READY)?,
            legs: Vec::new(),
            free: Vec::new(),
            places: HashMap::new(),
            phases: Default::default(),
            fresh: Vec::new(),
            buffer: Box::new([0; MAX_DATAGRAM]),
            events,
            writer,
            epoch_ns,
            expected: None,
            arrived: HashSet::new(),
        };
        Ok((worker, handle))
    }

    /// Runs until `Stop`. Commands are obeyed at once, packets and the 20 ms work wait for the grid.
    pub fn run(mut self) {
        let mut tick = sys::monotonic_ns() / GRID_NS;
        loop {
            let next_ns = (tick + 1) * GRID_NS;
            let timeout_ns = (!self.places.is_empty()).then(|| next_ns.saturating_sub(sys::monotonic_ns()));
            self.wake.wait(timeout_ns);
            let now_ns = sys::monotonic_ns();
            if !self.obey(now_ns) {
                return;
            }
            let reached = now_ns / GRID_NS;
            if reached == tick {
                continue;
            }
            self.read_fresh(now_ns);
            self.read_all(now_ns);
            for missed in tick.max(reached.saturating_sub(PHASES as u64)) + 1..=reached {
                self.work(missed as usize % PHASES, now_ns);
            }
            tick = reached;
        }
    }

    // ---- packets

    fn read_all(&mut self, now_ns: u64) {
        for _ in 0..MAX_ROUNDS {
            let ready = self.epoll.poll();
            for index in 0..ready {
                let token = self.epoll.token(index);
                self.read_one((token >> 1) as usize, token & 1 == 1, now_ns);
            }
            if ready == 0 {
                return;
            }
        }
    }

    fn read_one(&mut self, place: usize, is_rtcp: bool, now_ns: u64) {
        let moment = moment(self.epoch_ns, now_ns, &self.events, &self.writer);
        let Some(leg) = self.legs.get_mut(place).and_then(Option::as_mut) else { return };
        if is_rtcp {
            leg.receive_report(&mut self.buffer[..], &moment);
            return;
        }
        let Some(relay) = leg.receive(&mut self.buffer[..], &moment) else { return };
        relay_to_peer(&mut self.legs, place, &relay, &mut self.buffer[..], &moment);
    }

    /// Early media may be faster than the SDP that announces it: what waits in the socket of a leg that just came up is
    /// taken in, spaced as it was sent.
    fn read_fresh(&mut self, now_ns: u64) {
        for id in std::mem::take(&mut self.fresh) {
            let moment = moment(self.epoch_ns, now_ns, &self.events, &self.writer);
            let Some(&place) = self.places.get(&id) else { continue };
            let Some(leg) = &mut self.legs[place] else { continue };
            let early = leg.early_packets();
            for (age, (mut datagram, from)) in (0..early.len() as i64).rev().zip(early) {
                let age = age * FRAME_SAMPLES;
                let moment = Moment { now: moment.now - age, at: moment.at - age as f64 / RATE_HZ, ..moment };
                let relay = self.legs[place].as_mut().and_then(|leg| leg.hear(&mut datagram, from, &moment));
                if let Some(relay) = relay {
                    relay_to_peer(&mut self.legs, place, &relay, &mut datagram, &moment);
                }
            }
        }
    }

    fn work(&mut self, phase: usize, now_ns: u64) {
        let moment = moment(self.epoch_ns, now_ns, &self.events, &self.writer);
        for &place in &self.phases[phase] {
            if let Some(leg) = &mut self.legs[place] {
                leg.tick(&moment);
            }
        }
    }

    // ---- commands

    /// Carries out the commands that wait; false: stop.
    fn obey(&mut self, now_ns: u64) -> bool {
        loop {
            if !self.has_what_it_expects() {
                return true;
            }
            match self.commands.try_recv() {
                Ok(Command::Stop) => {
                    self.close_all(now_ns);
                    return false;
                }
                Ok(command) => self.carry_out(command, now_ns),
                Err(_) => return true,
            }
        }
    }

    /// Takes in the legs that came; whether the expected one is among them, or none is expected.
    fn has_what_it_expects(&mut self) -> bool {
        let Some(expected) = self.expected else { return true };
        while let Ok((id, leg)) = self.adoptions.try_recv() {
            self.arrived.insert(id);
            leg.into_iter().for_each(|leg| self.add(leg));
        }
        let is_here = self.arrived.remove(&expected);
        self.expected = Some(expected).filter(|_| !is_here);
        is_here
    }

    fn carry_out(&mut self, command: Command, now_ns: u64) {
        let epoch_ns = self.epoch_ns;
        let (events, writer) = (self.events.clone(), self.writer.clone());
        let moment = moment(epoch_ns, now_ns, &events, &writer);
        match command {
            Command::Add(leg) => self.add(leg),
            Command::SetRemote(id, remote) => self.set_remote(id, remote, &moment),
            Command::Accept(id, link) => self.accept(id, link, &moment),
            Command::SetEcho(id, is_on) => self.with(id, |leg| leg.is_echoing = is_on),
            Command::Play(id, play) => self.with(id, |leg| leg.start_play(play, &moment)),
            Command::StopPlay(id) => self.with(id, |leg| leg.stop_play(&moment)),
            Command::StartTap(id, block_samples) => self.with(id, |leg| leg.start_tap(block_samples, &moment)),
            Command::StopTap(id) => self.with(id, Leg::stop_tap),
            Command::PressKeys(id, keys) => self.with(id, |leg| leg.press_keys(&keys)),
            Command::StartRecording(id, spool) => self.with(id, |leg| leg.start_recording(spool, &moment)),
            Command::StopRecording(id) => self.with(id, |leg| leg.stop_recording(&moment)),
            Command::PauseRecording(id) => self.with(id, |leg| leg.pause_recording(&moment)),
            Command::ResumeRecording(id) => self.with(id, |leg| leg.resume_recording(&moment)),
            Command::Bridge(a, b) => self.bridge(a, b, moment.now),
            Command::Unbridge(id) => self.unbridge(id, moment.now),
            Command::Seat(id, seat) => self.seat(id, *seat),
            Command::Close(id) => self.close(id, &moment),
            Command::Migrate(id, to) => to.adopt((id, self.remove(id, moment.now))),
            Command::Expect(id) => self.expected = Some(id),
            Command::Stop => {}
        }
    }

    fn with(&mut self, id: u64, act: impl FnOnce(&mut Leg)) {
        if let Some(leg) = self.places.get(&id).and_then(|&place| self.legs[place].as_mut()) {
            act(leg);
        }
    }

    fn add(&mut self, leg: Box<Leg>) {
        let place = self.free.pop().unwrap_or(self.legs.len());
        if place == self.legs.len() {
            self.legs.push(None);
        }
        self.places.insert(leg.id, place);
        if leg.is_up() {
            self.watch(&leg, place);
        }
        if let Some(phase) = self.phases.iter_mut().min_by_key(|phase| phase.len()) {
            phase.push(place);
        }
        self.legs[place] = Some(leg);
    }

    fn watch(&self, leg: &Leg, place: usize) {
        // Fails only when the kernel is out of memory or watches; the leg then times out.
        let token = (place as u64) << 1;
        let _ = self.epoll.add(&leg.rtp, token);
        if let Some(rtcp) = &leg.rtcp {
            let _ = self.epoll.add(rtcp, token | 1);
        }
    }

    fn remove(&mut self, id: u64, now: i64) -> Option<Box<Leg>> {
        self.unbridge(id, now);
        let place = self.places.remove(&id)?;
        for phase in &mut self.phases {
            phase.retain(|&other| other != place);
        }
        self.free.push(place);
        let leg = self.legs[place].take()?;
        if leg.is_up() {
            let _ = self.epoll.remove(&leg.rtp); // it was added, or was never watched
            if let Some(rtcp) = &leg.rtcp {
                let _ = self.epoll.remove(rtcp);
            }
        }
        Some(leg)
    }

    fn set_remote(&mut self, id: u64, remote: Remote, moment: &Moment<'_>) {
        let Some(&place) = self.places.get(&id) else { return };
        let Some(mut leg) = self.legs[place].take() else { return };
        if leg.set_remote(remote, moment) {
            self.watch(&leg, place);
            self.fresh.push(id);
        }
        self.legs[place] = Some(leg);
    }

    fn accept(&mut self, id: u64, link: Box<Link>, moment: &Moment<'_>) {
        let Some(&place) = self.places.get(&id) else { return };
        let Some(mut leg) = self.legs[place].take() else { return };
        if leg.accept(link, moment) {
            self.watch(&leg, place);
        }
        self.legs[place] = Some(leg);
    }

    fn bridge(&mut self, a: u64, b: u64, now: i64) {
        let (Some(&place_a), Some(&place_b)) = (self.places.get(&a), self.places.get(&b)) else { return };
        self.unbridge(a, now);
        self.unbridge(b, now);
        self.with(a, |leg| leg.set_peer(Some(place_b), now));
        self.with(b, |leg| leg.set_peer(Some(place_a), now));
        self.lend(place_a);
        self.lend(place_b);
    }

    fn seat(&mut self, id: u64, seat: Seat) {
        let Some(&place) = self.places.get(&id) else { return };
        self.with(id, |leg| leg.take_seat(seat));
        self.lend(place);
    }

    /// What listening to this leg asks of the one it is bridged with.
    fn lend(&mut self, place: usize) {
        let Some(leg) = &self.legs[place] else { return };
        let (loan, peer) = (leg.lend(), leg.peer);
        if let Some(peer) = peer.and_then(|peer| self.legs[peer].as_mut()) {
            peer.borrow(loan);
        }
    }

    fn unbridge(&mut self, id: u64, now: i64) {
        let mut peer = None;
        self.with(id, |leg| {
            peer = leg.peer;
            leg.set_peer(None, now);
        });
        if let Some(leg) = peer.and_then(|place| self.legs[place].as_mut()) {
            leg.set_peer(None, now);
        }
    }

    fn close(&mut self, id: u64, moment: &Moment<'_>) {
        if let Some(mut leg) = self.remove(id, moment.now) {
            leg.close(moment);
        }
    }

    fn close_all(&mut self, now_ns: u64) {
        let moment = moment(self.epoch_ns, now_ns, &self.events, &self.writer);
        for leg in self.legs.iter_mut().flatten() {
            leg.close(&moment);
        }
    }
}

fn relay_to_peer(legs: &mut [Option<Box<Leg>>], place: usize, relay: &Relay, datagram: &mut [u8], moment: &Moment<'_>) {
    let listener = legs[place].as_ref().and_then(|leg| if leg.is_echoing { Some(place) } else { leg.peer });
    let Some(peer) = listener else { return };
    if let Some(peer) = legs.get_mut(peer).and_then(Option::as_mut) {
        peer.relay(relay, datagram, moment);
    }
}

fn moment<'a>(epoch_ns: u64, now_ns: u64, events: &'a Events, writer: &'a WriterHandle) -> Moment<'a> {
    Moment { now: samples_since(epoch_ns, now_ns), at: now_ns as f64 / 1e9, at_ns: now_ns, events, writer }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::writer::Writer;
    use std::net::{Ipv4Addr, UdpSocket};

    fn leg(id: u64) -> Box<Leg> {
        let rtp = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        Box::new(Leg::new(id, rtp, None, i64::MAX / 2, id, 0))
    }

    fn peer(worker: &Worker, id: u64) -> Option<u64> {
        let leg = worker.legs[*worker.places.get(&id)?].as_ref()?;
        worker.legs[leg.peer?].as_ref().map(|peer| peer.id)
    }

    #[test]
    fn legs_may_arrive_in_another_order_than_they_are_expected() {
        let events = Arc::new(Events::new().unwrap());
        let (writer, _) = Writer::start(std::iter::empty(), events.clone()).unwrap();
        let (mut worker, handle) = Worker::new(events, writer.handle(), 0).unwrap();
        [10, 11].into_iter().for_each(|id| handle.give(Command::Add(leg(id))));
        for (own, other) in [(10, 1), (11, 2)] {
            handle.give(Command::Expect(other));
            handle.give(Command::Bridge(own, other));
        }
        handle.adopt((2, Some(leg(2))));
        assert!(worker.obey(0));
        assert_eq!((peer(&worker, 10), peer(&worker, 11)), (None, None));
        handle.adopt((1, Some(leg(1))));
        assert!(worker.obey(0));
        assert_eq!((peer(&worker, 10), peer(&worker, 11)), (Some(1), Some(2)));
    }
}
