//! Appends recordings to their spool files, on threads of its own: a slow or full disk never holds up audio.
//!
//! Workers hand over batches of records, five a second; a thread for each disk appends them every 50 ms, so that a kill
//! loses well below a second. One more thread for each makes them durable against power loss with one `syncfs` for all
//! recordings together: the cost of a flush is per disk, not per file, and the directory entries are covered. A batch is
//! held until it is durable; when a disk refuses a write or a sync, the recording goes on in a file on the other one,
//! which begins with all that is held. When a disk does not answer, its thread waits for it with all that it was given,
//! and the recording goes on through the other thread, with what comes from then on.
#![forbid(unsafe_code)]

mod appender;
mod disk;
mod file;

use crate::events::{Event, Events, Kind};
use crate::spool::{header, HEADER_LEN};
use crate::sys;
use appender::Appender;
use disk::Disks;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, AtomicUsize, Ordering};
use std::sync::mpsc::{channel, Sender};
use std::sync::Arc;
use std::thread::JoinHandle;

/// Batches of one recording that may wait to be written: ten seconds. It bounds the queue.
const MAX_WAITING: u32 = 50;
/// When so many wait, the recording goes on on the other disk, if there is one: two seconds.
const PATIENCE: u32 = 10;

/// Times are nanoseconds on the monotonic clock: no audio in the batch is older.
enum Order {
    Open(Spool),
    Append(u64, Vec<u8>, u64),
    /// With the last batch.
    Close(u64, Vec<u8>, u64),
    /// It goes on elsewhere.
    Leave(u64),
    Stop,
}

/// One recording as its leg holds it.
#[derive(Clone)]
pub struct Spool {
    key: u64,
    leg: u64,
    pub recording_id: Arc<str>,
    started_unix_us: u64,
    /// Which of the appending threads has it.
    home: usize,
    /// Bytes given to that thread.
    given: u64,
    /// It was begun by another one.
    is_second: bool,
    has_failed: Arc<AtomicBool>,
    has_left: Arc<AtomicBool>,
    waiting: Arc<AtomicU32>,
}

impl Spool {
    pub fn new(key: u64, leg: u64, recording_id: &str) -> Self {
        Self {
            key,
            leg,
            recording_id: recording_id.into(),
            started_unix_us: 0,
            home: 0,
            given: 0,
            is_second: false,
            has_failed: Arc::default(),
            has_left: Arc::default(),
            waiting: Arc::default(),
        }
    }

    /// The recording has ended with `RecordingFailed`: nothing more needs collecting.
    pub fn has_failed(&self) -> bool {
        self.has_failed.load(Ordering::Relaxed)
    }

    /// What becomes of the file no longer matters to the leg.
    fn has_left(&self) -> bool {
        self.has_left.load(Ordering::Acquire)
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
    orders: Vec<Sender<Order>>,
    disks: Arc<Disks>,
    moved: Arc<AtomicU64>,
    events: Arc<Events>,
}

impl WriterHandle {
    pub fn open(&self, spool: &mut Spool, started_unix_us: u64) {
        (spool.started_unix_us, spool.home) = (started_unix_us, self.disks.for_new());
        self.give(spool.home, Order::Open(spool.clone()));
    }

    /// A batch of audio that is no older than `since_ns`.
    pub fn append(&self, spool: &mut Spool, batch: Vec<u8>, since_ns: u64) {
        self.leave_if_stuck(spool, since_ns);
        if spool.waiting.load(Ordering::Relaxed) < MAX_WAITING {
            self.hand_over(spool, batch, since_ns, Order::Append);
        } else {
            fail(&self.events, spool, "the disk is too slow: audio has waited for more than ten seconds");
        }
    }

    /// Appends the last batch and closes the file.
    pub fn close(&self, spool: &mut Spool, batch: Vec<u8>, since_ns: u64) {
        self.leave_if_stuck(spool, since_ns);
        self.hand_over(spool, batch, since_ns, Order::Close);
    }

    fn hand_over(&self, spool: &mut Spool, batch: Vec<u8>, since_ns: u64, order: BatchOrder) {
        spool.given += batch.len() as u64;
        spool.waiting.fetch_add(1, Ordering::Relaxed);
        self.give(spool.home, order(spool.key, batch, since_ns));
    }

    /// A disk that hangs says nothing: what it was given is left to it, and the rest goes elsewhere.
    fn leave_if_stuck(&self, spool: &mut Spool, since_ns: u64) {
        let is_stuck = spool.waiting.load(Ordering::Relaxed) >= PATIENCE;
        let Some(other) = self.disks.other(spool.home).filter(|_| is_stuck && !spool.is_second) else { return };
        let disk = self.disks.get(spool.home);
        disk.note(format!("{}: the disk does not answer", disk.directory.display()));
        spool.has_left.store(true, Ordering::Release);
        self.give(spool.home, Order::Leave(spool.key));
        let continues_at = spool.given.max(HEADER_LEN as u64) as u32;
        (spool.home, spool.given, spool.is_second) = (other, 0, true);
        (spool.has_left, spool.waiting) = (Arc::default(), Arc::default());
        self.give(other, Order::Open(spool.clone()));
        self.hand_over(spool, header(spool.started_unix_us, continues_at).to_vec(), since_ns, Order::Append);
        self.moved.fetch_add(1, Ordering::Relaxed);
    }

    fn give(&self, home: usize, order: Order) {
        let _ = self.orders[home].send(order); // fails only after Stop
    }
}

type BatchOrder = fn(u64, Vec<u8>, u64) -> Order;

fn fail(events: &Events, spool: &Spool, reason: &str) {
    if spool.has_failed.swap(true, Ordering::Relaxed) {
        return;
    }
    let kind = Kind::RecordingFailed { recording_id: spool.recording_id.clone(), reason: reason.to_owned() };
    events.push(Event { leg: spool.leg, at: sys::monotonic_ns() as f64 / 1e9, kind });
}

/// How far the disks are behind the calls, as one thread sees it.
struct Lag {
    since_ns: AtomicU64,
    longest_ns: AtomicU64,
}

impl Lag {
    fn new() -> Self {
        Self { since_ns: AtomicU64::new(u64::MAX), longest_ns: AtomicU64::new(0) }
    }

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
    handle: WriterHandle,
    threads: Vec<JoinHandle<()>>,
}

/// What may be asked and said from any thread.
#[derive(Clone)]
pub struct WriterPanel {
    disks: Arc<Disks>,
    lags: Arc<[Lag]>,
    moved: Arc<AtomicU64>,
}

impl Writer {
    /// Starts writing into the first of `directories`, which must exist; the others are gone to when it fails.
    pub fn start<'a>(
        directories: impl Iterator<Item = &'a Path>,
        events: Arc<Events>,
    ) -> std::io::Result<(Self, WriterPanel)> {
        let disks = Arc::new(Disks::open(directories)?);
        let count = disks.iter().len();
        let lags: Arc<[Lag]> = (0..count).map(|_| Lag::new()).collect();
        let (moved, n_appending) = (Arc::new(AtomicU64::new(0)), Arc::new(AtomicUsize::new(count)));
        let mut threads = Vec::new();
        for index in 0..count {
            let (disks, n_appending) = (disks.clone(), n_appending.clone());
            let run = move || disks.get(index).keep_durable(&n_appending);
            threads.push(sys::spawn(format!("spool-sync-{index}"), run)?);
        }
        let syncs: Vec<_> = threads.iter().map(|thread| thread.thread().clone()).collect();
        let mut orders = Vec::new();
        for index in 0..count {
            let (sender, inbox) = channel();
            let (disks, lags, moved) = (disks.clone(), lags.clone(), moved.clone());
            let appender = Appender::new(index, inbox, disks, events.clone(), lags, moved);
            let (syncs, n_appending) = (syncs.clone(), n_appending.clone());
            threads.push(sys::spawn(format!("spool-append-{index}"), move || appender.run(&syncs, &n_appending))?);
            orders.push(sender);
        }
        let handle = WriterHandle { orders, disks: disks.clone(), moved: moved.clone(), events };
        Ok((Self { handle, threads }, WriterPanel { disks, lags, moved }))
    }

    pub fn handle(&self) -> WriterHandle {
        self.handle.clone()
    }

    /// Writes what waits, makes it durable, and ends the threads.
    pub fn stop(self) {
        (0..self.handle.orders.len()).for_each(|home| self.handle.give(home, Order::Stop));
        for thread in self.threads {
            let _ = thread.join();
        }
    }
}

impl WriterPanel {
    pub fn figures(&self) -> WriterFigures {
        let now_ns = sys::monotonic_ns();
        let since_ns = self.lags.iter().map(|lag| lag.since_ns.load(Ordering::Relaxed)).min();
        let longest_ns = self.lags.iter().map(|lag| lag.longest_ns.swap(0, Ordering::Relaxed)).max();
        let not_durable_ns = now_ns.saturating_sub(since_ns.unwrap_or(now_ns));
        let longest_ns = longest_ns.unwrap_or(0).max(not_durable_ns);
        WriterFigures {
            not_durable_s: not_durable_ns as f64 / 1e9,
            longest_not_durable_s: longest_ns as f64 / 1e9,
            moved: self.moved.load(Ordering::Relaxed),
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
    use std::sync::mpsc::Receiver;
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
        writer.handle().open(&mut Spool::new(1, 1, "a"), 0);
        wait_for(&paths[1].join("a.spool"));
        assert!(panel.figures().problems[0].contains("a.spool: No such file"), "{:?}", panel.figures());
        assert_eq!(panel.figures().problems[1], "");
        fs::create_dir(&paths[0]).unwrap();
        writer.handle().open(&mut Spool::new(2, 1, "b"), 0);
        wait_for(&paths[1].join("b.spool"));
        panel.trust(0);
        writer.handle().open(&mut Spool::new(3, 1, "c"), 0);
        wait_for(&paths[0].join("c.spool"));
        panel.prefer(1);
        writer.handle().open(&mut Spool::new(4, 1, "d"), 0);
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
        writer.handle().open(&mut Spool::new(1, 1, "a"), 0);
        writer.stop();
        assert!(reasons(&events)[0].contains("exists"));
        assert_eq!(panel.figures().problems, ["", ""]);
        assert!(!paths[1].join("a.spool").exists());
    }

    #[test]
    fn a_disk_that_takes_nothing_for_ten_seconds_ends_the_recording() {
        let events = Arc::new(Events::new().unwrap());
        let (handle, inboxes) = stuck(&events, &Scratch::new("slow").paths[..1]);
        let mut spool = Spool::new(1, 1, "a");
        (0..MAX_WAITING).for_each(|_| handle.append(&mut spool, vec![1], 0));
        assert!(!spool.has_failed());
        (0..3).for_each(|_| handle.append(&mut spool, vec![1], 0));
        assert!(spool.has_failed());
        assert_eq!(reasons(&events), ["the disk is too slow: audio has waited for more than ten seconds"]);
        assert_eq!(inboxes[0].try_iter().count(), MAX_WAITING as usize, "what is not taken is not kept");
    }

    /// A handle whose disks take nothing.
    fn stuck(events: &Arc<Events>, paths: &[PathBuf]) -> (WriterHandle, Vec<Receiver<Order>>) {
        let (orders, inboxes) = paths.iter().map(|_| channel()).unzip();
        let disks = Arc::new(Disks::open(paths.iter().map(PathBuf::as_path)).unwrap());
        (WriterHandle { orders, disks, moved: Arc::default(), events: events.clone() }, inboxes)
    }

    #[test]
    fn a_disk_that_takes_nothing_for_two_seconds_is_left_for_the_other() {
        let events = Arc::new(Events::new().unwrap());
        let (handle, inboxes) = stuck(&events, &Scratch::new("left").paths);
        let mut spool = Spool::new(1, 1, "a");
        handle.open(&mut spool, 77);
        (0..PATIENCE).for_each(|_| handle.append(&mut spool, vec![1; 100], 0));
        handle.append(&mut spool, vec![2], 0);
        handle.close(&mut spool, vec![3], 0);
        let given: Vec<Order> = inboxes[0].try_iter().collect();
        assert_eq!(given.len(), PATIENCE as usize + 2);
        assert!(matches!(given.last(), Some(Order::Leave(1))));
        let batches: Vec<Vec<u8>> = inboxes[1].try_iter().skip(1).filter_map(batch_of).collect();
        assert_eq!(batches, [header(77, 100 * PATIENCE).to_vec(), vec![2], vec![3]]);
        assert!(handle.disks.get(0).problem().contains("does not answer"));
        assert!(reasons(&events).is_empty());
    }

    fn batch_of(order: Order) -> Option<Vec<u8>> {
        match order {
            Order::Append(_, batch, _) | Order::Close(_, batch, _) => Some(batch),
            _ => None,
        }
    }
}
