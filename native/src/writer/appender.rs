//! A thread that writes: batches into files, and files onto the other disk when theirs fails.
#![forbid(unsafe_code)]

use super::disk::Disks;
use super::file::SpoolFile;
use super::{fail, Lag, Order, Spool};
use crate::events::Events;
use crate::sys;
use std::collections::HashMap;
use std::io::ErrorKind;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, TryRecvError};
use std::sync::Arc;
use std::thread::Thread;
use std::time::{Duration, Instant};

const APPEND_INTERVAL: Duration = Duration::from_millis(50);
/// How long the end waits for the last syncs; only a dead disk takes longer.
const LAST_SYNC_TIMEOUT: Duration = Duration::from_secs(15);
const LAST_SYNC_POLL: Duration = Duration::from_millis(5);

/// A disk on which audio waits for so long to become durable gets no new recordings.
const FAR_BEHIND_NS: u64 = 10_000_000_000;

pub(super) struct Appender {
    home: usize,
    inbox: Receiver<Order>,
    disks: Arc<Disks>,
    files: HashMap<u64, SpoolFile>,
    events: Arc<Events>,
    lags: Arc<[Lag]>,
    moved: Arc<AtomicU64>,
    scratch: Vec<u8>,
    /// Of each disk the failed syncs that were heeded.
    heeded: Vec<u64>,
}

impl Appender {
    pub fn new(
        home: usize,
        inbox: Receiver<Order>,
        disks: Arc<Disks>,
        events: Arc<Events>,
        lags: Arc<[Lag]>,
        moved: Arc<AtomicU64>,
    ) -> Self {
        let heeded = vec![0; disks.iter().len()];
        Self { home, inbox, disks, files: HashMap::new(), events, lags, moved, scratch: Vec::new(), heeded }
    }

    /// Until it is told to stop; `n_appending` counts the threads that still write.
    pub fn run(mut self, syncs: &[Thread], n_appending: &AtomicUsize) {
        while self.drain() {
            self.work();
            std::thread::sleep(APPEND_INTERVAL);
        }
        self.finish(syncs);
        n_appending.fetch_sub(1, Ordering::AcqRel);
        syncs.iter().for_each(Thread::unpark);
    }

    /// Takes the orders that wait; blocks while there is nothing to look after. False: it is over.
    fn drain(&mut self) -> bool {
        if self.files.is_empty() {
            let Ok(order) = self.inbox.recv() else { return false };
            self.heed_failed_syncs(); // of the time without files: they concern none that comes
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
            Order::Append(key, batch, since_ns) => self.take(key, batch, since_ns, false),
            Order::Close(key, batch, since_ns) => self.take(key, batch, since_ns, true),
            Order::Leave(key) => self.take_leave(key),
            Order::Stop => return false,
        }
        true
    }

    fn open(&mut self, spool: Spool) {
        let other = if spool.is_second { None } else { self.disks.other(self.home) };
        let mut reasons = Vec::new();
        for disk in [Some(self.home), other].into_iter().flatten() {
            match SpoolFile::create(spool.clone(), disk, self.disks.get(disk)) {
                Ok(file) => {
                    self.files.insert(spool.key, file);
                    return;
                }
                Err(error) => {
                    let reason = self.describe(&spool, disk, &error);
                    reasons.push(reason.clone());
                    if error.kind() == ErrorKind::AlreadyExists {
                        break; // the disk is well: the id was used before
                    }
                    self.disks.get(disk).note(reason);
                }
            }
        }
        fail(&self.events, &spool, &reasons.join("; "));
    }

    fn take(&mut self, key: u64, batch: Vec<u8>, since_ns: u64, is_last: bool) {
        if let Some(file) = self.files.get_mut(&key) {
            file.take(batch, since_ns);
            file.is_closing |= is_last;
        }
    }

    fn take_leave(&mut self, key: u64) {
        if let Some(file) = self.files.get_mut(&key) {
            file.is_closing = true;
        }
    }

    /// Writes what was taken, and looks after what was written.
    fn work(&mut self) {
        self.note_lag();
        self.write();
        self.note_lag();
        // Read before: a sync that failed before these were durable has been counted by then.
        let durable: Vec<u64> = self.disks.iter().map(|disk| disk.durable_before()).collect();
        self.heed_failed_syncs();
        self.forget_durable(&durable);
        self.note_lag();
    }

    fn write(&mut self) {
        let mut failed = Vec::new();
        for (&key, file) in &mut self.files {
            if let Err(error) = file.write(self.disks.get(file.disk), &mut self.scratch) {
                failed.push((key, error));
            }
        }
        for (key, error) in failed {
            let Some(file) = self.files.remove(&key) else { continue };
            let reason = self.describe(&file.spool, file.disk, &error);
            self.disks.get(file.disk).note(reason.clone());
            self.go_on_elsewhere(file, reason);
        }
    }

    /// Ends what is finished: closed and durable, or given up by its leg.
    fn forget_durable(&mut self, durable: &[u64]) {
        self.files.retain(|_, file| {
            file.forget_durable(durable[file.disk]);
            let is_done = file.is_closing && file.not_durable_since_ns().is_none();
            !is_done && !file.spool.has_failed()
        });
    }

    /// What the disk did not take cannot be told apart by file: every recording on it may miss something.
    fn heed_failed_syncs(&mut self) {
        for index in 0..self.disks.iter().len() {
            let n_failed = self.disks.get(index).failed_syncs();
            if std::mem::replace(&mut self.heeded[index], n_failed) == n_failed {
                continue;
            }
            let keys: Vec<u64> =
                self.files.iter().filter(|(_, file)| file.disk == index).map(|(&key, _)| key).collect();
            for key in keys {
                let Some(file) = self.files.remove(&key) else { continue };
                if !(file.is_closing && file.is_gone()) {
                    self.go_on_elsewhere(file, self.disks.get(index).problem());
                }
            }
        }
    }

    /// On the other disk, with all that is held; where there is none, the recording ends here, and says so.
    fn go_on_elsewhere(&mut self, mut file: SpoolFile, reason: String) {
        if file.spool.has_left() {
            return;
        }
        let other = if file.has_moved { None } else { self.disks.other(file.disk) };
        let Some(other) = other else { return fail(&self.events, &file.spool, &reason) };
        match file.move_to(other, self.disks.get(other)) {
            Ok(()) => {
                self.moved.fetch_add(1, Ordering::Relaxed);
                self.files.insert(file.spool.key, file);
            }
            Err(error) => {
                let second = self.describe(&file.spool, other, &error);
                self.disks.get(other).note(second.clone());
                fail(&self.events, &file.spool, &format!("{reason}; {second}"));
            }
        }
    }

    fn note_lag(&self) {
        let now_ns = sys::monotonic_ns();
        let since_ns = self.files.values().filter_map(SpoolFile::not_durable_since_ns).min();
        self.lags[self.home].note(since_ns, now_ns);
        if since_ns.is_some_and(|since_ns| now_ns.saturating_sub(since_ns) > FAR_BEHIND_NS) {
            let disk = self.disks.get(self.home);
            disk.note(format!("{}: nothing was made durable for ten seconds", disk.directory.display()));
        }
    }

    /// Writes the rest and waits until it is durable.
    fn finish(&mut self, syncs: &[Thread]) {
        let began = Instant::now();
        self.work();
        self.files.values_mut().for_each(|file| file.is_closing = true);
        while !self.files.is_empty() && began.elapsed() < LAST_SYNC_TIMEOUT {
            syncs.iter().for_each(Thread::unpark);
            std::thread::sleep(LAST_SYNC_POLL);
            self.work();
        }
    }

    fn describe(&self, spool: &Spool, disk: usize, error: &std::io::Error) -> String {
        format!("{}: {error}", spool.path_in(&self.disks.get(disk).directory).display())
    }
}
