//! The engine as its owner sees it: legs are opened and commanded by id, events are taken from one queue.
#![forbid(unsafe_code)]

use crate::browser::Answerer;
use crate::events::Events;
use crate::g711::{encode_pcm, Codec};
use crate::leg::{Leg, Play, Remote};
use crate::listening::{Groups, Mode, Refusal, Seats};
use crate::stats::{Figures, SharedStats};
use crate::sys;
use crate::worker::{samples_since, Command, Worker, WorkerHandle};
use crate::writer::{Spool, Writer, WriterPanel};
use std::collections::HashMap;
use std::hash::{BuildHasher, RandomState};
use std::net::{IpAddr, SocketAddr, UdpSocket};
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;

/// What the engine is made with. Ports come in pairs: RTP even, RTCP the odd one above (RFC 3550 §11).
#[derive(Debug, Clone)]
pub struct Settings {
    pub host: IpAddr,
    /// The address browsers are told, where NAT maps the ports to `host`.
    pub advertised: Option<IpAddr>,
    pub port_min: u16,
    pub port_max: u16,
    pub workers: usize,
    pub rtp_timeout_s: f64,
    pub spool_dir: PathBuf,
    /// On another disk: recordings go on there when the first one fails.
    pub second_spool_dir: Option<PathBuf>,
}

struct Entry {
    worker: usize,
    port: u16,
    is_browser: bool,
    codec: Codec,
    stats: Arc<SharedStats>,
}

struct State {
    legs: HashMap<u64, Entry>,
    groups: Groups,
    load: Vec<usize>,
    next_id: u64,
    next_port: u16,
}

struct Running {
    threads: Vec<JoinHandle<()>>,
    writer: Writer,
}

pub struct Engine {
    settings: Settings,
    events: Arc<Events>,
    panel: WriterPanel,
    workers: Vec<WorkerHandle>,
    answerer: Answerer,
    running: Mutex<Option<Running>>,
    state: Mutex<State>,
    epoch_ns: u64,
}

impl Engine {
    /// Starts the threads; the spool directories must exist.
    pub fn start(settings: Settings) -> std::io::Result<Self> {
        let events = Arc::new(Events::new()?);
        let directories = std::iter::once(&settings.spool_dir).chain(&settings.second_spool_dir);
        let (writer, panel) = Writer::start(directories.map(PathBuf::as_path), events.clone())?;
        let answerer = Answerer::new()?;
        let epoch_ns = sys::monotonic_ns();
        let (mut workers, mut threads) = (Vec::new(), Vec::new());
        for index in 0..settings.workers {
            let (worker, handle) = Worker::new(events.clone(), writer.handle(), epoch_ns)?;
            workers.push(handle);
            threads.push(sys::spawn(format!("media-{index}"), move || worker.run())?);
        }
        let next_port = settings.port_min + (settings.port_min & 1);
        let load = vec![0; settings.workers];
        let state = Mutex::new(State { legs: HashMap::new(), groups: Groups::default(), load, next_id: 1, next_port });
        let running = Mutex::new(Some(Running { threads, writer }));
        Ok(Self { settings, events, panel, workers, answerer, running, state, epoch_ns })
    }

    /// Ends all legs and recordings in order and joins the threads; calling it again does nothing.
    pub fn stop(&self) {
        let Some(running) = self.running.lock().unwrap_or_else(PoisonError::into_inner).take() else { return };
        for worker in &self.workers {
            worker.give(Command::Stop);
        }
        for thread in running.threads {
            let _ = thread.join(); // a panic has ended the process before
        }
        running.writer.stop();
        self.state().legs.clear();
    }

    pub fn events(&self) -> &Arc<Events> {
        &self.events
    }

    /// The writer's figures, and what it may be told about its disks.
    pub fn writer(&self) -> &WriterPanel {
        &self.panel
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Opens a leg on the next free pair of ports: its id and RTP port, or `None` when none is left.
    pub fn open(&self) -> Option<(u64, u16)> {
        self.open_for(false)
    }

    /// Opens a leg for a browser, which needs one port only; the odd one of the pair stays free.
    pub fn open_browser(&self) -> Option<(u64, u16)> {
        self.open_for(true)
    }

    fn open_for(&self, is_browser: bool) -> Option<(u64, u16)> {
        let mut state = self.state();
        let (rtp, rtcp, port) = self.bind_pair(&mut state.next_port)?;
        let id = state.next_id;
        state.next_id += 1;
        let worker = (0..self.workers.len()).min_by_key(|&worker| state.load[worker])?;
        let now = samples_since(self.epoch_ns, sys::monotonic_ns());
        let timeout_samples = (self.settings.rtp_timeout_s * 8000.0) as i64;
        let seed = RandomState::new().hash_one(id);
        let rtcp = (!is_browser).then_some(rtcp);
        let leg = Box::new(Leg::new(id, rtp, rtcp, timeout_samples, seed, now));
        let entry = Entry { worker, port, is_browser, codec: Codec::Pcma, stats: leg.stats.clone() };
        state.legs.insert(id, entry);
        state.load[worker] += 1;
        self.workers[worker].give(Command::Add(leg));
        Some((id, port))
    }

    /// Answers a browser's offer: the SDP to send back. The leg is connected as soon as the browser comes; an earlier
    /// connection of it ends now. `None`: there is no such leg for a browser; the error says what is wrong with the offer.
    pub fn accept(&self, id: u64, offer: &str) -> Option<Result<String, String>> {
        let port = self.state().legs.get(&id).filter(|entry| entry.is_browser)?.port;
        let local = SocketAddr::new(self.settings.advertised.unwrap_or(self.settings.host), port);
        let (link, answer) = match self.answerer.answer(offer, local) {
            Ok(answered) => answered,
            Err(words) => return Some(Err(words)),
        };
        if let Some(entry) = self.state().legs.get_mut(&id) {
            entry.codec = link.codec();
        }
        self.command(id, Command::Accept(id, Box::new(link))).then_some(Ok(answer))
    }

    /// Whether the far end hears itself.
    pub fn set_echo(&self, id: u64, is_on: bool) -> bool {
        self.command(id, Command::SetEcho(id, is_on))
    }

    /// Tries every pair once, beginning after the last one given, so that a port rests before it is used again.
    fn bind_pair(&self, next_port: &mut u16) -> Option<(UdpSocket, UdpSocket, u16)> {
        let first = self.settings.port_min + (self.settings.port_min & 1);
        let pairs = (u32::from(self.settings.port_max) + 1).saturating_sub(u32::from(first)) / 2;
        for _ in 0..pairs {
            let port = *next_port;
            let is_last = u32::from(port) + 3 > u32::from(self.settings.port_max);
            *next_port = if is_last { first } else { port + 2 };
            if let (Some(rtp), Some(rtcp)) = (self.bind(port), self.bind(port + 1)) {
                return Some((rtp, rtcp, port));
            }
        }
        None
    }

    fn bind(&self, port: u16) -> Option<UdpSocket> {
        let socket = UdpSocket::bind(SocketAddr::new(self.settings.host, port)).ok()?;
        socket.set_nonblocking(true).ok()?;
        Some(socket)
    }

    fn command(&self, id: u64, command: Command) -> bool {
        let state = self.state();
        let Some(entry) = state.legs.get(&id) else { return false };
        self.workers[entry.worker].give(command);
        true
    }

    /// False here and below: there is no such leg (any more). A browser's leg takes no remote.
    pub fn set_remote(&self, id: u64, remote: Remote) -> bool {
        match self.state().legs.get_mut(&id) {
            Some(entry) if !entry.is_browser => entry.codec = remote.codec,
            _ => return false,
        }
        self.command(id, Command::SetRemote(id, remote))
    }

    /// Encodes and plays PCM (16 bit, little-endian); returns the play id.
    pub fn play(&self, id: u64, pcm: &[u8], is_loop: bool) -> Option<u64> {
        let codec = self.state().legs.get(&id)?.codec;
        let audio = encode_pcm(pcm, codec);
        let play_id = self.take_id();
        let play = Play { id: play_id, codec, audio, is_loop, position: 0 };
        self.command(id, Command::Play(id, play)).then_some(play_id)
    }

    pub fn stop_play(&self, id: u64) -> bool {
        self.command(id, Command::StopPlay(id))
    }

    pub fn start_tap(&self, id: u64, block_samples: usize) -> bool {
        self.command(id, Command::StartTap(id, block_samples))
    }

    pub fn stop_tap(&self, id: u64) -> bool {
        self.command(id, Command::StopTap(id))
    }

    pub fn send_dtmf(&self, id: u64, keys: &[u8]) -> bool {
        self.command(id, Command::PressKeys(id, keys.to_vec()))
    }

    pub fn start_recording(&self, id: u64, recording_id: &str) -> bool {
        let spool = Spool::new(self.take_id(), id, recording_id);
        self.command(id, Command::StartRecording(id, spool))
    }

    pub fn stop_recording(&self, id: u64) -> bool {
        self.command(id, Command::StopRecording(id))
    }

    pub fn pause_recording(&self, id: u64) -> bool {
        self.command(id, Command::PauseRecording(id))
    }

    pub fn resume_recording(&self, id: u64) -> bool {
        self.command(id, Command::ResumeRecording(id))
    }

    pub fn unbridge(&self, id: u64) -> bool {
        self.command(id, Command::Unbridge(id))
    }

    /// From now on `listener` hears what `agent` says and hears; it leaves its bridge, or whom it listened to before.
    pub fn listen_in(&self, listener: u64, agent: u64, mode: Mode) -> Result<(), Refusal> {
        let mut state = self.state();
        let Some(worker) = state.legs.get(&listener).map(|entry| entry.worker) else { return Err(Refusal::Closed) };
        if !state.legs.contains_key(&agent) {
            return Err(Refusal::Closed);
        }
        let seats = state.groups.join(listener, agent, mode)?;
        self.workers[worker].give(Command::Unbridge(listener));
        self.seat(&state, seats);
        Ok(())
    }

    pub fn stop_listening(&self, listener: u64) {
        let mut state = self.state();
        let seats = state.groups.leave(listener);
        self.seat(&state, seats);
    }

    fn seat(&self, state: &State, seats: Seats) {
        for (id, seat) in seats {
            if let Some(entry) = state.legs.get(&id) {
                self.workers[entry.worker].give(Command::Seat(id, Box::new(seat)));
            }
        }
    }

    /// Joins two legs, which listen to nobody then; the second moves to the first one's worker when they live apart.
    pub fn bridge(&self, a: u64, b: u64) -> bool {
        let mut state = self.state();
        let (Some(home), Some(away)) =
            (state.legs.get(&a).map(|entry| entry.worker), state.legs.get(&b).map(|entry| entry.worker))
        else {
            return false;
        };
        for leg in [a, b] {
            let seats = state.groups.leave(leg);
            self.seat(&state, seats);
        }
        if home != away {
            self.workers[away].give(Command::Migrate(b, self.workers[home].clone()));
            self.workers[home].give(Command::Expect(b));
            state.load[away] -= 1;
            state.load[home] += 1;
            if let Some(entry) = state.legs.get_mut(&b) {
                entry.worker = home;
            }
        }
        self.workers[home].give(Command::Bridge(a, b));
        true
    }

    pub fn close(&self, id: u64) -> bool {
        let mut state = self.state();
        let Some(entry) = state.legs.remove(&id) else { return false };
        let seats = state.groups.forget(id);
        self.seat(&state, seats);
        state.load[entry.worker] -= 1;
        self.workers[entry.worker].give(Command::Close(id));
        true
    }

    pub fn figures(&self, id: u64) -> Option<Figures> {
        self.state().legs.get(&id).map(|entry| entry.stats.figures())
    }

    fn take_id(&self) -> u64 {
        let mut state = self.state();
        state.next_id += 1;
        state.next_id - 1
    }
}

impl Drop for Engine {
    fn drop(&mut self) {
        self.stop();
    }
}
