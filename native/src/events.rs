//! From the workers to Python: one bounded queue and one descriptor that the event loop watches.
//!
//! Audio blocks are bounded by number: when the loop falls behind, the oldest are dropped and counted. Everything else
//! is never dropped, and bounded by what causes it: one event per play, recording, naming of a far end, silence and coming and
//! going of a browser (no two within the seconds it takes to be missed), and keys at most every `leg::KEY_INTERVAL`. The lock is held for a push or a swap, never while Python runs.
#![forbid(unsafe_code)]

use crate::sys::EventFd;
use std::collections::VecDeque;
use std::net::SocketAddr;
use std::os::fd::RawFd;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// Audio blocks that may wait: at 20 ms a block, five seconds of 100 taps, in about 10 MB.
const MAX_AUDIO_BLOCKS: usize = 25_000;
/// Block buffers kept for reuse.
const MAX_SPARE: usize = 1024;

#[derive(Debug, Clone, PartialEq)]
pub enum Kind {
    FirstPacket(SocketAddr),
    Key(char),
    PlayFinished { play_id: u64, completed: bool },
    RtpTimeout,
    BrowserConnected,
    BrowserLost,
    RecordingFailed { recording_id: Arc<str>, reason: String },
}

/// `at` is in seconds on the monotonic clock.
#[derive(Debug, Clone, PartialEq)]
pub struct Event {
    pub leg: u64,
    pub at: f64,
    pub kind: Kind,
}

#[derive(Debug)]
pub struct AudioBlock {
    pub leg: u64,
    pub at: f64,
    pub position: u64,
    pub pcm: Vec<u8>,
}

#[derive(Default)]
struct Waiting {
    control: Vec<Event>,
    audio: VecDeque<AudioBlock>,
    spare: Vec<Vec<u8>>,
}

pub struct Events {
    waiting: Mutex<Waiting>,
    wake: EventFd,
    is_raised: AtomicBool,
    dropped: AtomicU64,
}

impl Events {
    pub fn new() -> std::io::Result<Self> {
        Ok(Self {
            waiting: Mutex::default(),
            wake: EventFd::new()?,
            is_raised: AtomicBool::new(false),
            dropped: AtomicU64::new(0),
        })
    }

    /// The descriptor that is readable while something waits.
    pub fn descriptor(&self) -> RawFd {
        self.wake.raw()
    }

    pub fn dropped(&self) -> u64 {
        self.dropped.load(Ordering::Relaxed)
    }

    pub fn push(&self, event: Event) {
        self.lock().control.push(event);
        self.raise();
    }

    pub fn push_audio(&self, leg: u64, at: f64, position: u64, pcm: &[u8]) {
        let mut waiting = self.lock();
        let mut buffer = if waiting.audio.len() >= MAX_AUDIO_BLOCKS {
            self.dropped.fetch_add(1, Ordering::Relaxed);
            waiting.audio.pop_front().map(|block| block.pcm)
        } else {
            waiting.spare.pop()
        }
        .unwrap_or_default();
        buffer.clear();
        buffer.extend_from_slice(pcm);
        waiting.audio.push_back(AudioBlock { leg, at, position, pcm: buffer });
        drop(waiting);
        self.raise();
    }

    /// Takes everything that waits; control events come before audio.
    pub fn take(&self) -> (Vec<Event>, VecDeque<AudioBlock>) {
        self.wake.clear();
        self.is_raised.store(false, Ordering::SeqCst);
        let mut waiting = self.lock();
        (std::mem::take(&mut waiting.control), std::mem::take(&mut waiting.audio))
    }

    /// Gives the buffers of blocks back for reuse.
    pub fn give_back(&self, blocks: VecDeque<AudioBlock>) {
        let mut waiting = self.lock();
        let room = MAX_SPARE.saturating_sub(waiting.spare.len());
        waiting.spare.extend(blocks.into_iter().take(room).map(|block| block.pcm));
    }

    fn raise(&self) {
        if !self.is_raised.swap(true, Ordering::SeqCst) {
            self.wake.raise();
        }
    }

    fn lock(&self) -> MutexGuard<'_, Waiting> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn audio_is_dropped_from_the_oldest_and_counted_control_never() {
        let events = Events::new().unwrap();
        events.push(Event { leg: 1, at: 0.0, kind: Kind::RtpTimeout });
        for position in 0..MAX_AUDIO_BLOCKS as u64 + 3 {
            events.push_audio(1, 0.0, position, &[1, 2]);
        }
        assert_eq!(events.dropped(), 3);
        let (control, audio) = events.take();
        assert_eq!(control.len(), 1);
        assert_eq!(audio.len(), MAX_AUDIO_BLOCKS);
        assert_eq!(audio[0].position, 3);
        events.give_back(audio);
        events.push_audio(2, 0.0, 9, &[5]);
        let (_, audio) = events.take();
        assert_eq!(audio[0].pcm, [5]);
    }
}
