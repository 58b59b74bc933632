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
    path: PathBuf,
    file: File,
    held: VecDeque<Held>,
    /// Where in the file the first held byte is.
    held_from: u64,
}

impl SpoolFile {
    pub fn create(spool: Spool, disk: usize, on: &Disk) -> Result<Self> {
        let path = spool.path_in(&on.directory);
        let file = create(&path)?;
        let has_moved = spool.is_second;
        Ok(Self { spool, disk, is_closing: false, has_moved, path, file, held: VecDeque::new(), held_from: 0 })
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
        let mut first = header(self.spool.started_unix_us, begins_at as u32).to_vec();
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

#[cfg(test)]
mod tests {
    use super::super::Scratch;
    use super::*;
    use crate::g711::Codec;
    use crate::spool::{read, Record, Take, FAR_END};
    use std::fs;

    const STARTED: u64 = 77;

    fn disks(scratch: &Scratch) -> [Disk; 2] {
        scratch.paths.clone().map(|path| Disk::open(&path).unwrap())
    }

    fn batches(count: usize) -> Vec<Vec<u8>> {
        let mut take = Take::new(0, STARTED);
        (0..count)
            .map(|index| {
                take.audio(FAR_END, 160 * index as i64, Codec::Pcma, &[index as u8; 160]);
                take.collect()
            })
            .collect()
    }

    fn begun(on: &Disk, batches: &[Vec<u8>]) -> SpoolFile {
        let spool = Spool { started_unix_us: STARTED, ..Spool::new(1, 1, "a") };
        let mut file = SpoolFile::create(spool, 0, on).unwrap();
        for (index, batch) in batches.iter().enumerate() {
            file.spool.waiting.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
            file.take(batch.clone(), index as u64);
            file.write(on, &mut Vec::new()).unwrap();
        }
        file
    }

    fn positions(bytes: &[u8]) -> Vec<u32> {
        let position = |record: &Record<'_>| match record {
            Record::Audio { position, .. } => *position,
            other => panic!("{other:?}"),
        };
        read(bytes).unwrap().iter().map(position).collect()
    }

    #[test]
    fn what_was_not_durable_is_repeated_on_the_other_disk() {
        let scratch = Scratch::new("moved");
        let [first, second] = disks(&scratch);
        let all = batches(4);
        let mut file = begun(&first, &all[..2]);
        first.sync();
        file.forget_durable(first.durable_before());
        assert_eq!(file.not_durable_since_ns(), None);
        file.take(all[2].clone(), 2);
        file.write(&first, &mut Vec::new()).unwrap();
        file.take(all[3].clone(), 3);
        file.move_to(1, &second).unwrap();
        let (before, after) = (fs::read(first.directory.join("a.spool")), fs::read(second.directory.join("a.spool")));
        let (before, after) = (before.unwrap(), after.unwrap());
        let durable = (all[0].len() + all[1].len()) as u32;
        assert_eq!(after[..HEADER_LEN], header(STARTED, durable));
        assert_eq!(positions(&before), [0, 160, 320]);
        assert_eq!(positions(&after), [320, 480]);
        assert_eq!((file.disk, file.has_moved, file.not_durable_since_ns()), (1, true, Some(2)));
    }

    #[test]
    fn a_header_that_was_not_durable_is_not_repeated() {
        let scratch = Scratch::new("header");
        let [first, second] = disks(&scratch);
        let mut file = begun(&first, &batches(2));
        file.move_to(1, &second).unwrap();
        let after = fs::read(second.directory.join("a.spool")).unwrap();
        assert_eq!(after[..HEADER_LEN], header(STARTED, HEADER_LEN as u32));
        assert_eq!(positions(&after), [0, 160]);
    }

    #[test]
    fn only_half_a_minute_is_held_for_a_disk_that_never_syncs() {
        let scratch = Scratch::new("held");
        let [first, second] = disks(&scratch);
        let all = batches(MAX_HELD + 2);
        let mut file = begun(&first, &all);
        assert_eq!(file.not_durable_since_ns(), Some(2));
        file.move_to(1, &second).unwrap();
        let after = fs::read(second.directory.join("a.spool")).unwrap();
        assert_eq!(after[..HEADER_LEN], header(STARTED, (all[0].len() + all[1].len()) as u32));
        assert_eq!(positions(&after)[0], 320);
    }

    #[test]
    fn a_write_during_a_sync_waits_for_the_next() {
        let scratch = Scratch::new("rounds");
        let [first, _] = disks(&scratch);
        let file = begun(&first, &batches(1));
        assert_eq!(file.held[0].round, Some(0));
        assert_eq!(first.durable_before(), 0, "round 0 is not durable before a sync has finished");
        first.sync();
        assert_eq!(first.note_written(), 1);
        assert_eq!(first.durable_before(), 1);
        first.sync();
        assert_eq!(first.durable_before(), 2);
    }
}
