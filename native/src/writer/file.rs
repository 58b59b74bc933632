//! One recording on disk: its file, and the batches that the disk has not promised to keep.
#![forbid(unsafe_code)]

use super::disk::Disk;
use super::Spool;
use crate::spool::{header, HEADER_LEN};
use std::collections::VecDeque;
use std::fs::{File, OpenOptions};
use std::io::{Result, Write};
use std::path::PathBuf;

/// Batches kept while a sync takes its time, at five a second: half a minute. Older ones the file alone has.
const MAX_HELD: usize = 150;

struct Held {
    batch: Vec<u8>,
    since_ns: u64,
    /// The round of syncs that covers it; none: not written.
    round: Option<u64>,
}

pub struct SpoolFile {
    pub spool: Spool,
    /// Which of the disks it is on.
    pub disk: usize,
    /// The last batch was taken.
    pub is_closing: bool,
    pub has_moved: bool,
    started_unix_us: u64,
    path: PathBuf,
    file: File,
    held: VecDeque<Held>,
    /// Where in the file the first held byte is.
    held_from: u64,
}

impl SpoolFile {
    pub fn create(spool: Spool, started_unix_us: u64, disk: usize, on: &Disk) -> Result<Self> {
        let path = spool.path_in(&on.directory);
        let file = create(&path)?;
        let held = VecDeque::new();
        Ok(Self { spool, disk, is_closing: false, has_moved: false, started_unix_us, path, file, held, held_from: 0 })
    }

    /// Takes a batch, to be written; its audio is no older than `since_ns`.
    pub fn take(&mut self, batch: Vec<u8>, since_ns: u64) {
        self.held.push_back(Held { batch, since_ns, round: None });
    }

    /// Writes what waits, in one call. What fails may have been written in part.
    pub fn write(&mut self, on: &Disk, scratch: &mut Vec<u8>) -> Result<()> {
        let n_written = self.held.iter().take_while(|held| held.round.is_some()).count();
        if n_written == self.held.len() {
            return Ok(());
        }
        scratch.clear();
        self.held.range(n_written..).for_each(|held| scratch.extend_from_slice(&held.batch));
        self.file.write_all(scratch)?;
        let round = on.note_written();
        self.held.range_mut(n_written..).for_each(|held| held.round = Some(round));
        self.spool.written(self.held.len() - n_written);
        let n_beyond = self.held.len().saturating_sub(MAX_HELD);
        self.forget(n_beyond);
        Ok(())
    }

    /// Lets go of what is durable.
    pub fn forget_durable(&mut self, before: u64) {
        let count = self.held.iter().take_while(|held| held.round.is_some_and(|round| round < before)).count();
        self.forget(count);
    }

    fn forget(&mut self, count: usize) {
        self.held_from += self.held.drain(..count).map(|held| held.batch.len() as u64).sum::<u64>();
    }

    /// From when the oldest audio is that is not known to be durable.
    pub fn not_durable_since_ns(&self) -> Option<u64> {
        self.held.front().map(|held| held.since_ns)
    }

    /// Whether somebody has taken the finished recording and removed its file.
    pub fn is_gone(&self) -> bool {
        !self.path.exists()
    }

    /// Goes on in a new file on another disk, which repeats what the first one may have lost.
    pub fn move_to(&mut self, disk: usize, on: &Disk) -> Result<()> {
        let path = self.spool.path_in(&on.directory);
        let mut file = create(&path)?;
        let begins_at = self.held_from.max(HEADER_LEN as u64);
        let mut first = header(self.started_unix_us, begins_at as u32).to_vec();
        self.held.iter().for_each(|held| first.extend_from_slice(&held.batch));
        // the first file's own header, when it was not durable yet, is not repeated
        first.drain(HEADER_LEN..HEADER_LEN + (begins_at - self.held_from) as usize);
        file.write_all(&first)?;
        let round = on.note_written();
        self.spool.written(self.held.iter().filter(|held| held.round.is_none()).count());
        self.held.iter_mut().for_each(|held| held.round = Some(round));
        (self.disk, self.path, self.file, self.has_moved) = (disk, path, file, true);
        Ok(())
    }
}

fn create(path: &PathBuf) -> Result<File> {
    OpenOptions::new().append(true).create_new(true).open(path)
}
