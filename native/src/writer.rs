//! Appends recordings to their spool files, on a thread of its own: a slow or full disk never holds up audio.
//!
//! Workers hand over batches of records; the thread appends them every `APPEND_INTERVAL`, so that a kill loses well
//! below a second. A second thread makes them durable against power loss with one `syncfs` a second for all recordings
//! together: the cost of a flush is per disk, not per file, and the directory entries are covered.
#![forbid(unsafe_code)]

use crate::events::{Event, Events, Kind};
use crate::sys;
use std::collections::HashMap;
use std::fs::{File, OpenOptions};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{sync_channel, Receiver, SyncSender, TryRecvError};
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Duration;

const APPEND_INTERVAL: Duration = Duration::from_millis(50);
const SYNC_INTERVAL: Duration = Duration::from_secs(1);
/// Batches that may wait for a slow disk: at five a second, 200 recordings for ten seconds.
const MAX_BATCHES: usize = 10_000;

enum Order {
    Open(Spool),
    Append(u64, Vec<u8>),
    Close(u64, Vec<u8>),
    Stop,
}

/// One recording as its leg holds it.
#[derive(Clone)]
pub struct Spool {
    key: u64,
    leg: u64,
    pub recording_id: Arc<str>,
    path: PathBuf,
    has_failed: Arc<AtomicBool>,
}

impl Spool {
    pub fn new(key: u64, leg: u64, recording_id: &str, directory: &Path) -> Self {
        Self {
            key,
            leg,
            recording_id: recording_id.into(),
            path: directory.join(format!("{recording_id}.spool")),
            has_failed: Arc::default(),
        }
    }

    /// The recording has ended with `RecordingFailed`: nothing more needs collecting.
    pub fn has_failed(&self) -> bool {
        self.has_failed.load(Ordering::Relaxed)
    }
}

/// The worker's end.
#[derive(Clone)]
pub struct WriterHandle {
    orders: SyncSender<Order>,
    events: Arc<Events>,
}

impl WriterHandle {
    pub fn open(&self, spool: &Spool) {
        self.give(spool, Order::Open(spool.clone()));
    }

    pub fn append(&self, spool: &Spool, batch: Vec<u8>) {
        self.give(spool, Order::Append(spool.key, batch));
    }

    /// Appends the last batch and closes the file.
    pub fn close(&self, spool: &Spool, batch: Vec<u8>) {
        self.give(spool, Order::Close(spool.key, batch));
    }

    fn give(&self, spool: &Spool, order: Order) {
        if self.orders.try_send(order).is_err() {
            fail(&self.events, spool, "the disk is too slow: batches wait for more than ten seconds");
        }
    }
}

fn fail(events: &Events, spool: &Spool, reason: &str) {
    if spool.has_failed.swap(true, Ordering::Relaxed) {
        return;
    }
    let kind = Kind::RecordingFailed { recording_id: spool.recording_id.clone(), reason: reason.to_owned() };
    events.push(Event { leg: spool.leg, at: sys::monotonic_ns() as f64 / 1e9, kind });
}

/// The two threads.
pub struct Writer {
    orders: SyncSender<Order>,
    events: Arc<Events>,
    threads: Vec<JoinHandle<()>>,
}

impl Writer {
    /// Starts writing into `directory`, which must exist.
    pub fn start(directory: &Path, events: Arc<Events>) -> std::io::Result<Self> {
        let (orders, inbox) = sync_channel(MAX_BATCHES);
        let signs = Arc::new(Signs::default());
        let synced = File::open(directory)?;
        let appender = Appender { inbox, files: HashMap::new(), events: events.clone(), signs: signs.clone() };
        let threads = vec![
            sys::spawn("spool-append".into(), move || appender.run())?,
            sys::spawn("spool-sync".into(), move || keep_durable(&synced, &signs))?,
        ];
        Ok(Self { orders, events, threads })
    }

    pub fn handle(&self) -> WriterHandle {
        WriterHandle { orders: self.orders.clone(), events: self.events.clone() }
    }

    /// Writes what waits, makes it durable, and ends both threads.
    pub fn stop(self) {
        // The appender takes orders until this one; a full queue is being emptied, so waiting is finite.
        let _ = self.orders.send(Order::Stop);
        for thread in self.threads {
            thread.thread().unpark(); // the second sleeps up to a second
            let _ = thread.join();
        }
    }
}

/// What the two threads tell each other.
#[derive(Default)]
struct Signs {
    is_dirty: AtomicBool,
    is_over: AtomicBool,
    has_failed: AtomicBool,
}

fn keep_durable(directory: &File, signs: &Signs) {
    loop {
        std::thread::park_timeout(SYNC_INTERVAL);
        let is_over = signs.is_over.load(Ordering::Acquire);
        if signs.is_dirty.swap(false, Ordering::AcqRel) {
            let is_durable = sys::sync_file_system(directory).is_ok();
            signs.has_failed.fetch_or(!is_durable, Ordering::AcqRel);
        }
        if is_over {
            return;
        }
    }
}

struct Appender {
    inbox: Receiver<Order>,
    files: HashMap<u64, (Spool, File)>,
    events: Arc<Events>,
    signs: Arc<Signs>,
}

impl Appender {
    fn run(mut self) {
        while self.drain() {
            self.heed_failed_sync();
            std::thread::sleep(APPEND_INTERVAL);
        }
        self.signs.is_over.store(true, Ordering::Release);
    }

    /// Carries out what waits; blocks while no recording is open. False: it is over.
    fn drain(&mut self) -> bool {
        if self.files.is_empty() {
            let Ok(order) = self.inbox.recv() else { return false };
            if !self.carry_out(order) {
                return false;
            }
        }
        loop {
            match self.inbox.try_recv() {
                Ok(order) => {
                    if !self.carry_out(order) {
                        return false;
                    }
                }
                Err(TryRecvError::Empty) => return true,
                Err(TryRecvError::Disconnected) => return false,
            }
        }
    }

    fn carry_out(&mut self, order: Order) -> bool {
        match order {
            Order::Open(spool) => self.open(spool),
            Order::Append(key, batch) => self.append(key, &batch),
            Order::Close(key, batch) => {
                self.append(key, &batch);
                self.files.remove(&key);
            }
            Order::Stop => return false,
        }
        true
    }

    /// What the disk did not take cannot be told apart by file: every recording that is open may miss something.
    fn heed_failed_sync(&mut self) {
        if self.signs.has_failed.swap(false, Ordering::AcqRel) {
            for (_, (spool, _)) in self.files.drain() {
                fail(&self.events, &spool, &format!("{}: the disk failed to store it", spool.path.display()));
            }
        }
    }

    fn open(&mut self, spool: Spool) {
        match OpenOptions::new().append(true).create_new(true).open(&spool.path) {
            Ok(file) => {
                self.files.insert(spool.key, (spool, file));
            }
            Err(error) => fail(&self.events, &spool, &format!("{}: {error}", spool.path.display())),
        }
    }

    fn append(&mut self, key: u64, batch: &[u8]) {
        let Some((spool, file)) = self.files.get_mut(&key) else { return };
        self.signs.is_dirty.store(true, Ordering::Release);
        if let Err(error) = file.write_all(batch) {
            fail(&self.events, spool, &format!("{}: {error}", spool.path.display()));
            self.files.remove(&key);
        }
    }
}
