//! A directory that recordings are written to, and how sure what is written there is.
//!
//! What was written before a `syncfs` began is durable when it has succeeded. One that failed is never tried again in
//! the hope of a better answer: the kernel has marked the pages clean that it could not write, and the next call
//! succeeds without them (Rebello et al., "Can Applications Recover from fsync Failures?", USENIX ATC 2020). What the
//! last good one did not cover has to be written elsewhere. Linux reports a lost page here since 5.8 (syncfs(2)).
#![forbid(unsafe_code)]

use crate::sys;
use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// From the beginning of one sync to that of the next. With the age of a batch and the appender's interval before it,
/// it leaves a disk 300 ms for the sync itself until more than a second of audio is not durable.
const SYNC_INTERVAL: Duration = Duration::from_millis(400);
/// A disk that needs longer for its syncs gets this much rest between them.
const SYNC_REST: Duration = Duration::from_millis(100);

pub struct Disk {
    pub directory: PathBuf,
    opened: File,
    is_dirty: AtomicBool,
    round: AtomicU64,
    durable: AtomicU64,
    failed_syncs: AtomicU64,
    has_problem: AtomicBool,
    problem: Mutex<String>,
}

impl Disk {
    /// The directory must exist.
    pub fn open(directory: &Path) -> std::io::Result<Self> {
        Ok(Self {
            directory: directory.to_owned(),
            opened: File::open(directory)?,
            is_dirty: AtomicBool::new(false),
            round: AtomicU64::new(0),
            durable: AtomicU64::new(0),
            failed_syncs: AtomicU64::new(0),
            has_problem: AtomicBool::new(false),
            problem: Mutex::default(),
        })
    }

    /// Something was written: the round whose sync covers it for certain.
    pub fn note_written(&self) -> u64 {
        let round = self.round.load(Ordering::Acquire); // first: a sync that begins in between covers it, too
        self.is_dirty.store(true, Ordering::Release);
        round
    }

    /// What was written in an earlier round than this is durable.
    pub fn durable_before(&self) -> u64 {
        self.durable.load(Ordering::Acquire)
    }

    /// How many syncs have failed: every thread with files here must hear of each.
    pub fn failed_syncs(&self) -> u64 {
        self.failed_syncs.load(Ordering::Acquire)
    }

    /// Why nothing new should be written here; empty: nothing is wrong.
    pub fn problem(&self) -> String {
        self.problem.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    pub fn has_problem(&self) -> bool {
        self.has_problem.load(Ordering::Acquire)
    }

    /// Empty: it is over.
    pub fn note(&self, problem: String) {
        self.has_problem.store(!problem.is_empty(), Ordering::Release);
        *self.problem.lock().unwrap_or_else(PoisonError::into_inner) = problem;
    }

    /// Syncs what was written, again and again, until nobody writes any more; then once more.
    pub fn keep_durable(&self, n_appending: &AtomicUsize) {
        let mut rest = SYNC_INTERVAL;
        loop {
            std::thread::park_timeout(rest);
            let was_over = n_appending.load(Ordering::Acquire) == 0;
            let began = Instant::now();
            self.sync();
            if was_over {
                return;
            }
            rest = SYNC_INTERVAL.saturating_sub(began.elapsed()).max(SYNC_REST);
        }
    }

    pub(super) fn sync(&self) {
        if !self.is_dirty.swap(false, Ordering::AcqRel) {
            return;
        }
        let round = self.round.fetch_add(1, Ordering::AcqRel);
        match sys::sync_file_system(&self.opened) {
            Ok(()) => self.durable.store(round + 1, Ordering::Release),
            Err(error) => {
                self.note(format!("{}: the disk failed to store it: {error}", self.directory.display()));
                self.failed_syncs.fetch_add(1, Ordering::AcqRel);
            }
        }
    }
}

/// The one or two directories of an engine.
pub struct Disks {
    disks: Vec<Disk>,
    preferred: AtomicUsize,
}

impl Disks {
    pub fn open<'a>(directories: impl Iterator<Item = &'a Path>) -> std::io::Result<Self> {
        let disks = directories.map(Disk::open).collect::<std::io::Result<_>>()?;
        Ok(Self { disks, preferred: AtomicUsize::new(0) })
    }

    pub fn iter(&self) -> std::slice::Iter<'_, Disk> {
        self.disks.iter()
    }

    pub fn get(&self, index: usize) -> &Disk {
        &self.disks[index]
    }

    /// New recordings begin there while nothing is wrong with it; what is not there stays as it is.
    pub fn prefer(&self, index: usize) {
        if index < self.disks.len() {
            self.preferred.store(index, Ordering::Relaxed);
        }
    }

    /// It was found to work again.
    pub fn trust(&self, index: usize) {
        if let Some(disk) = self.disks.get(index) {
            disk.note(String::new());
        }
    }

    /// Where a new recording begins.
    pub fn for_new(&self) -> usize {
        let preferred = self.preferred.load(Ordering::Relaxed);
        match self.other(preferred) {
            Some(other) if self.disks[preferred].has_problem() && !self.disks[other].has_problem() => other,
            _ => preferred,
        }
    }

    pub fn other(&self, index: usize) -> Option<usize> {
        (0..self.disks.len()).find(|&other| other != index)
    }
}
