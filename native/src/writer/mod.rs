//! Appends recordings to their spool files, on a thread of its own: a slow or full disk never holds up audio.
//!
//! Workers hand over batches of records, five a second; the thread appends them every 50 ms, so that a kill loses well
//! below a second. One more thread for each disk makes them durable against power loss with one `syncfs` for all
//! recordings together: the cost of a flush is per disk, not per file, and the directory entries are covered. A batch is
//! held until it is durable; when a disk refuses a write or a sync, the recording goes on in a file on the other one,
//! which begins with all that is held.
#![forbid(unsafe_code)]

mod appender;
mod disk;
mod file;

use crate::events::{Event, Events, Kind};
use crate::sys;
use appender::Appender;
use disk::Disks;
use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering};
use std::sync::mpsc::{channel, Sender};
use std::sync::Arc;
use std::thread::JoinHandle;

/// Batches of one recording that may wait to be written: ten seconds. It bounds the queue.
const MAX_WAITING: u32 = 50;

/// Times are nanoseconds on the monotonic clock: no audio in the batch is older.
enum Order {
    Open(Spool, u64),
    Append(u64, Vec<u8>, u64),
    Close(u64, Vec<u8>, u64),
    Stop,
}

/// One recording as its leg holds it.
#[derive(Clone)]
pub struct Spool {
    key: u64,
    leg: u64,
    pub recording_id: Arc<str>,
    has_failed: Arc<AtomicBool>,
    waiting: Arc<AtomicU32>,
}

impl Spool {
    pub fn new(key: u64, leg: u64, recording_id: &str) -> Self {
        let (has_failed, waiting) = (Arc::default(), Arc::default());
        Self { key, leg, recording_id: recording_id.into(), has_failed, waiting }
    }

    /// The recording has ended with `RecordingFailed`: nothing more needs collecting.
    pub fn has_failed(&self) -> bool {
        self.has_failed.load(Ordering::Relaxed)
    }

    fn path_in(&self, directory: &Path) -> PathBuf {
        directory.join(format!("{}.spool", self.recording_id))
    }

    /// So many batches no longer wait.
    fn written(&self, count: usize) {
        self.waiting.fetch_sub(count as u32, Ordering::Relaxed);
    }
}

/// The worker's end.
#[derive(Clone)]
pub struct WriterHandle {
    orders: Sender<Order>,
    events: Arc<Events>,
}

impl WriterHandle {
    pub fn open(&self, spool: &Spool, started_unix_us: u64) {
        self.give(Order::Open(spool.clone(), started_unix_us));
    }

    /// A batch of audio that is no older than `since_ns`.
    pub fn append(&self, spool: &Spool, batch: Vec<u8>, since_ns: u64) {
        if spool.waiting.fetch_add(1, Ordering::Relaxed) < MAX_WAITING {
            self.give(Order::Append(spool.key, batch, since_ns));
        } else {
            fail(&self.events, spool, "the disk is too slow: audio has waited for more than ten seconds");
        }
    }

    /// Appends the last batch and closes the file.
    pub fn close(&self, spool: &Spool, batch: Vec<u8>, since_ns: u64) {
        spool.waiting.fetch_add(1, Ordering::Relaxed);
        self.give(Order::Close(spool.key, batch, since_ns));
    }

    fn give(&self, order: Order) {
        let _ = self.orders.send(order); // fails only after Stop
    }
}

fn fail(events: &Events, spool: &Spool, reason: &str) {
    if spool.has_failed.swap(true, Ordering::Relaxed) {
        return;
    }
    let kind = Kind::RecordingFailed { recording_id: spool.recording_id.clone(), reason: reason.to_owned() };
    events.push(Event { leg: spool.leg, at: sys::monotonic_ns() as f64 / 1e9, kind });
}

/// How far the disks are behind the calls.
#[derive(Default)]
struct Lag {
    since_ns: AtomicU64,
    longest_ns: AtomicU64,
    moved: AtomicU64,
}

impl Lag {
    fn note(&self, since_ns: Option<u64>, now_ns: u64) {
        self.since_ns.store(since_ns.unwrap_or(u64::MAX), Ordering::Relaxed);
        self.longest_ns.fetch_max(now_ns.saturating_sub(since_ns.unwrap_or(now_ns)), Ordering::Relaxed);
    }
}

/// What the writer says of itself.
#[derive(Debug, Clone, PartialEq)]
pub struct WriterFigures {
    /// How old the oldest audio is that is not known to be durable: what a power cut would cost now.
    pub not_durable_s: f64,
    /// The most of it since the last question.
    pub longest_not_durable_s: f64,
    /// Recordings that went on on another disk.
    pub moved: u64,
    /// Of each disk why it is left alone; empty: it is well.
    pub problems: Vec<String>,
}

/// The threads.
pub struct Writer {
    orders: Sender<Order>,
    events: Arc<Events>,
    threads: Vec<JoinHandle<()>>,
}

/// What may be asked and said from any thread.
#[derive(Clone)]
pub struct WriterPanel {
    disks: Arc<Disks>,
    lag: Arc<Lag>,
}

impl Writer {
    /// Starts writing into the first of `directories`, which must exist; the others are gone to when it fails.
    pub fn start<'a>(
        directories: impl Iterator<Item = &'a Path>,
        events: Arc<Events>,
    ) -> std::io::Result<(Self, WriterPanel)> {
        let (orders, inbox) = channel();
        let (disks, lag) = (Arc::new(Disks::open(directories)?), Arc::new(Lag::default()));
        lag.note(None, 0);
        let is_over = Arc::new(AtomicBool::new(false));
        let mut threads = Vec::new();
        for index in 0..disks.iter().len() {
            let (disks, is_over) = (disks.clone(), is_over.clone());
            threads.push(sys::spawn(format!("spool-sync-{index}"), move || disks.get(index).keep_durable(&is_over))?);
        }
        let syncs: Vec<_> = threads.iter().map(|thread| thread.thread().clone()).collect();
        let panel = WriterPanel { disks: disks.clone(), lag: lag.clone() };
        let (files, scratch) = (HashMap::new(), Vec::new());
        let appender = Appender { inbox, disks, files, events: events.clone(), lag, scratch };
        threads.push(sys::spawn("spool-append".into(), move || appender.run(&syncs, &is_over))?);
        Ok((Self { orders, events, threads }, panel))
    }

    pub fn handle(&self) -> WriterHandle {
        WriterHandle { orders: self.orders.clone(), events: self.events.clone() }
    }

    /// Writes what waits, makes it durable, and ends the threads.
    pub fn stop(self) {
        let _ = self.orders.send(Order::Stop);
        for thread in self.threads {
            let _ = thread.join();
        }
    }
}

impl WriterPanel {
    pub fn figures(&self) -> WriterFigures {
        let now_ns = sys::monotonic_ns();
        let not_durable_ns = now_ns.saturating_sub(self.lag.since_ns.load(Ordering::Relaxed));
        let longest_ns = self.lag.longest_ns.swap(0, Ordering::Relaxed).max(not_durable_ns);
        WriterFigures {
            not_durable_s: not_durable_ns as f64 / 1e9,
            longest_not_durable_s: longest_ns as f64 / 1e9,
            moved: self.lag.moved.load(Ordering::Relaxed),
            problems: self.disks.iter().map(disk::Disk::problem).collect(),
        }
    }

    /// New recordings begin on this disk while nothing is wrong with it.
    pub fn prefer(&self, disk: usize) {
        self.disks.prefer(disk);
    }

    /// The disk was found to work again.
    pub fn trust(&self, disk: usize) {
        self.disks.trust(disk);
    }
}

/// Two directories of a test's own, gone after it.
#[cfg(test)]
struct Scratch {
    root: PathBuf,
    paths: [PathBuf; 2],
}

#[cfg(test)]
impl Scratch {
    fn new(name: &str) -> Self {
        let root = std::env::temp_dir().join(format!("dialer-spool-{name}-{}", std::process::id()));
        let paths = ["first", "second"].map(|path| root.join(path));
        paths.iter().for_each(|path| std::fs::create_dir_all(path).unwrap());
        Self { root, paths }
    }
}

#[cfg(test)]
impl Drop for Scratch {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.root);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;
    use std::time::{Duration, Instant};

    fn reasons(events: &Events) -> Vec<String> {
        let reason = |event: Event| match event.kind {
            Kind::RecordingFailed { reason, .. } => reason,
            other => panic!("{other:?}"),
        };
        events.take().0.into_iter().map(reason).collect()
    }

    fn wait_for(path: &Path) {
        let began = Instant::now();
        while !path.exists() {
            assert!(began.elapsed() < Duration::from_secs(5), "{} was not written", path.display());
            std::thread::sleep(Duration::from_millis(5));
        }
    }

    #[test]
    fn new_recordings_begin_where_they_can() {
        let scratch = Scratch::new("new");
        let paths = &scratch.paths;
        let events = Arc::new(Events::new().unwrap());
        let (writer, panel) = Writer::start(paths.iter().map(PathBuf::as_path), events.clone()).unwrap();
        fs::remove_dir(&paths[0]).unwrap();
        writer.handle().open(&Spool::new(1, 1, "a"), 0);
        wait_for(&paths[1].join("a.spool"));
        assert!(panel.figures().problems[0].contains("a.spool: No such file"), "{:?}", panel.figures());
        assert_eq!(panel.figures().problems[1], "");
        fs::create_dir(&paths[0]).unwrap();
        writer.handle().open(&Spool::new(2, 1, "b"), 0);
        wait_for(&paths[1].join("b.spool"));
        panel.trust(0);
        writer.handle().open(&Spool::new(3, 1, "c"), 0);
        wait_for(&paths[0].join("c.spool"));
        panel.prefer(1);
        writer.handle().open(&Spool::new(4, 1, "d"), 0);
        wait_for(&paths[1].join("d.spool"));
        writer.stop();
        assert!(reasons(&events).is_empty());
    }

    #[test]
    fn an_id_that_was_used_before_says_nothing_about_the_disk() {
        let scratch = Scratch::new("used");
        let paths = &scratch.paths;
        let events = Arc::new(Events::new().unwrap());
        let (writer, panel) = Writer::start(paths.iter().map(PathBuf::as_path), events.clone()).unwrap();
        fs::write(paths[0].join("a.spool"), b"").unwrap();
        writer.handle().open(&Spool::new(1, 1, "a"), 0);
        writer.stop();
        assert!(reasons(&events)[0].contains("exists"));
        assert_eq!(panel.figures().problems, ["", ""]);
        assert!(!paths[1].join("a.spool").exists());
    }

    #[test]
    fn a_disk_that_takes_nothing_for_ten_seconds_ends_the_recording() {
        let events = Arc::new(Events::new().unwrap());
        let (orders, inbox) = channel();
        let handle = WriterHandle { orders, events: events.clone() };
        let spool = Spool::new(1, 1, "a");
        (0..MAX_WAITING).for_each(|_| handle.append(&spool, vec![1], 0));
        assert!(!spool.has_failed());
        (0..3).for_each(|_| handle.append(&spool, vec![1], 0));
        assert!(spool.has_failed());
        assert_eq!(reasons(&events), ["the disk is too slow: audio has waited for more than ten seconds"]);
        assert_eq!(inbox.try_iter().count(), MAX_WAITING as usize, "what is not taken is not kept");
    }
}
