//! Puts packets back into order for those who need a gapless stream (tap, recording). The bridge does not wait for it.
//!
//! In-order packets pass straight through without a copy. Behind a gap packets are held for at most `HOLD_SAMPLES`;
//! then the gap is told as lost.
#![forbid(unsafe_code)]

use crate::g711::Codec;

/// The longest audio payload that is taken, in bytes: 160 ms of G.711.
pub const MAX_AUDIO: usize = 1280;
const SLOTS: usize = 6;
const HOLD_SAMPLES: i64 = 480; // 60 ms
/// A jump of sequence numbers beyond this is a restart, not a loss (RFC 3550 A.1).
const MAX_DROPOUT: u16 = 3000;

/// One packet on its place in time. `codec` is `None` for what takes a sequence number but holds no audio (DTMF,
/// comfort noise).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Frame<'a> {
    pub sequence: u16,
    pub position: i64,
    pub codec: Option<Codec>,
    pub payload: &'a [u8],
}

/// What comes out, in order.
#[derive(Debug, PartialEq, Eq)]
pub enum Step<'a> {
    Frame(Frame<'a>),
    /// So many packets before the next frame never came.
    Lost(u16),
}

#[derive(Clone)]
struct Held {
    sequence: u16,
    position: i64,
    codec: Option<Codec>,
    arrived: i64,
    length: usize,
    payload: [u8; MAX_AUDIO],
}

/// The window. `held[order[..count]]` are the waiting packets; slots are reused, nothing is allocated per packet.
pub struct Reorder {
    next: Option<u16>,
    held: Box<[Held; SLOTS]>,
    used: [bool; SLOTS],
}

impl Default for Reorder {
    fn default() -> Self {
        let empty = Held { sequence: 0, position: 0, codec: None, arrived: 0, length: 0, payload: [0; MAX_AUDIO] };
        Self { next: None, held: Box::new(std::array::from_fn(|_| empty.clone())), used: [false; SLOTS] }
    }
}

impl Reorder {
    /// Takes a packet that arrived at `now` (samples); payloads longer than `MAX_AUDIO` are cut.
    pub fn push(&mut self, frame: Frame<'_>, now: i64, out: &mut dyn FnMut(Step<'_>)) {
        let distance = frame.sequence.wrapping_sub(self.next.unwrap_or(frame.sequence));
        if distance == 0 {
            self.emit(frame, out);
            return;
        }
        if distance >= 0x8000 && distance.wrapping_neg() < MAX_DROPOUT {
            return; // late: its place was already told as lost, or a duplicate
        }
        if distance >= MAX_DROPOUT {
            self.flush(out);
            self.emit(frame, out);
            return;
        }
        while !self.hold(frame, now) {
            self.release_oldest(out);
            if self.next == Some(frame.sequence) {
                self.emit(frame, out);
                return;
            }
        }
    }

    /// Gives up gaps that were waited for long enough.
    pub fn poll(&mut self, now: i64, out: &mut dyn FnMut(Step<'_>)) {
        while let Some(slot) = self.oldest() {
            if now - self.held[slot].arrived < HOLD_SAMPLES {
                return;
            }
            self.release_oldest(out);
        }
    }

    /// Lets everything out; the next packet starts a new order.
    pub fn flush(&mut self, out: &mut dyn FnMut(Step<'_>)) {
        while self.oldest().is_some() {
            self.release_oldest(out);
        }
        self.next = None;
    }

    /// Whether packets are held behind a gap.
    pub fn is_waiting(&self) -> bool {
        self.used.contains(&true)
    }

    fn emit(&mut self, frame: Frame<'_>, out: &mut dyn FnMut(Step<'_>)) {
        self.next = Some(frame.sequence.wrapping_add(1));
        out(Step::Frame(frame));
        while let Some(slot) = self.oldest() {
            if Some(self.held[slot].sequence) != self.next {
                return;
            }
            self.release(slot, out);
        }
    }

    fn hold(&mut self, frame: Frame<'_>, now: i64) -> bool {
        if (0..SLOTS).any(|slot| self.used[slot] && self.held[slot].sequence == frame.sequence) {
            return true; // a duplicate
        }
        let Some(slot) = self.used.iter().position(|used| !used) else { return false };
        let held = &mut self.held[slot];
        held.sequence = frame.sequence;
        held.position = frame.position;
        held.codec = frame.codec;
        held.arrived = now;
        held.length = frame.payload.len().min(MAX_AUDIO);
        held.payload[..held.length].copy_from_slice(&frame.payload[..held.length]);
        self.used[slot] = true;
        true
    }

    /// The slot that comes next in order of sequence numbers.
    fn oldest(&self) -> Option<usize> {
        let next = self.next.unwrap_or(0);
        (0..SLOTS).filter(|&slot| self.used[slot]).min_by_key(|&slot| self.held[slot].sequence.wrapping_sub(next))
    }

    fn release_oldest(&mut self, out: &mut dyn FnMut(Step<'_>)) {
        let Some(slot) = self.oldest() else { return };
        let missing = self.held[slot].sequence.wrapping_sub(self.next.unwrap_or(self.held[slot].sequence));
        if missing > 0 {
            out(Step::Lost(missing));
        }
        self.release(slot, out);
        while let Some(slot) = self.oldest() {
            if Some(self.held[slot].sequence) != self.next {
                return;
            }
            self.release(slot, out);
        }
    }

    fn release(&mut self, slot: usize, out: &mut dyn FnMut(Step<'_>)) {
        self.used[slot] = false;
        let held = &self.held[slot];
        self.next = Some(held.sequence.wrapping_add(1));
        out(Step::Frame(Frame {
            sequence: held.sequence,
            position: held.position,
            codec: held.codec,
            payload: &held.payload[..held.length],
        }));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Bench {
        reorder: Reorder,
        seen: Vec<String>,
    }

    impl Bench {
        fn new() -> Self {
            Self { reorder: Reorder::default(), seen: Vec::new() }
        }

        fn push(&mut self, sequence: u16, now: i64) {
            let frame = Frame { sequence, position: now, codec: Some(Codec::Pcma), payload: &[1, 2] };
            let seen = &mut self.seen;
            self.reorder.push(frame, now, &mut |step| seen.push(name(&step)));
        }

        fn poll(&mut self, now: i64) {
            let seen = &mut self.seen;
            self.reorder.poll(now, &mut |step| seen.push(name(&step)));
        }
    }

    fn name(step: &Step<'_>) -> String {
        match step {
            Step::Frame(frame) => frame.sequence.to_string(),
            Step::Lost(count) => format!("-{count}"),
        }
    }

    #[test]
    fn order_is_restored_over_the_wrap() {
        let mut bench = Bench::new();
        for sequence in [65534, 0, 65535, 2, 1, 3] {
            bench.push(sequence, 0);
        }
        assert_eq!(bench.seen, ["65534", "65535", "0", "1", "2", "3"]);
    }

    #[test]
    fn a_gap_is_told_after_the_hold() {
        let mut bench = Bench::new();
        bench.push(1, 0);
        bench.push(4, 480);
        bench.poll(480 + HOLD_SAMPLES - 1);
        assert_eq!(bench.seen, ["1"]);
        bench.poll(480 + HOLD_SAMPLES);
        bench.push(2, 1000); // too late now
        bench.push(5, 1000);
        assert_eq!(bench.seen, ["1", "-2", "4", "5"]);
    }

    #[test]
    fn duplicates_vanish() {
        let mut bench = Bench::new();
        for sequence in [1, 1, 3, 3, 2, 2, 3] {
            bench.push(sequence, 0);
        }
        assert_eq!(bench.seen, ["1", "2", "3"]);
    }

    #[test]
    fn a_full_window_gives_up_the_oldest_gap() {
        let mut bench = Bench::new();
        bench.push(10, 0);
        for sequence in 12..12 + SLOTS as u16 + 1 {
            bench.push(sequence, 0);
        }
        assert_eq!(bench.seen[..3], ["10", "-1", "12"]);
        assert_eq!(bench.seen.last().unwrap(), "18");
    }

    #[test]
    fn a_restart_is_no_loss() {
        let mut bench = Bench::new();
        bench.push(10, 0);
        bench.push(12, 0);
        bench.push(40_000, 0);
        assert_eq!(bench.seen, ["10", "-1", "12", "40000"]);
    }
}
