//! What the far end says as a steady stream of PCM blocks, on the clock: lost packets are concealed, pauses are silence.
//!
//! The first packet begins a block, the very first if it comes within half a second: no silence of our making stands
//! before it, which a detector would take for the noise of the line. Where packets and blocks are equally long, each
//! block is out as soon as its packet is here, and holds what one packet held.
#![forbid(unsafe_code)]

pub(crate) mod conceal;

use crate::g711::Codec;
use conceal::Concealer;

/// So long the first packet is waited for, before anything is told.
const FIRST_PATIENCE_SAMPLES: i64 = 4000; // 500 ms
/// So long after its time a stretch without packets is told as silence; later packets lose what was told so.
const PATIENCE_SAMPLES: i64 = 800; // 100 ms
/// The same once the far end said that it is silent (RFC 3389): only the next packet's jitter is waited for.
const QUIET_PATIENCE_SAMPLES: i64 = 320; // 40 ms

/// A full block: `position` is its first sample since the tap started, `end` where it ends on the engine's clock.
pub struct Block<'a> {
    pub pcm: &'a [u8],
    pub position: u64,
    pub end: i64,
}

pub struct Tap {
    origin: i64,
    end: i64,
    block_bytes: usize,
    block: Vec<u8>,
    has_heard: bool,
    is_quiet: bool,
    concealer: Concealer,
}

impl Tap {
    /// A tap that starts at `origin` on the engine's sample clock and gives blocks of `block_samples`.
    pub fn new(origin: i64, block_samples: usize) -> Self {
        let block_bytes = 2 * block_samples;
        Self {
            origin,
            end: origin,
            block_bytes,
            block: Vec::with_capacity(block_bytes),
            has_heard: false,
            is_quiet: false,
            concealer: Concealer::default(),
        }
    }

    /// Adds audio at `position` (engine's clock); `emit` gets each block that is full by it.
    pub fn audio(&mut self, position: i64, codec: Codec, codes: &[u8], emit: &mut impl FnMut(Block<'_>)) {
        if self.has_heard || self.is_quiet || self.end > self.origin {
            self.silence_until(position, emit);
        }
        if !std::mem::replace(&mut self.has_heard, true) {
            self.begin_block_at(position);
        }
        self.is_quiet = false;
        let cut = usize::try_from(self.end - position).unwrap_or(0);
        for &code in codes.get(cut..).unwrap_or(&[]) {
            let sample = codec.decode(code);
            self.concealer.heard(sample);
            self.sample(sample, emit);
        }
    }

    /// Says that up to `samples` before `position` (engine's clock) were lost on the network.
    pub fn lost(&mut self, samples: i64, position: i64, emit: &mut impl FnMut(Block<'_>)) {
        if self.has_heard {
            for _ in 0..samples.min(position - self.end) {
                let sample = self.concealer.next();
                self.sample(sample, emit);
            }
        }
    }

    /// The far end said at `position` (engine's clock) that it is silent from there on.
    pub fn quiet(&mut self, position: i64) {
        if self.end == self.origin {
            self.begin_block_at(position);
        }
        self.is_quiet = true;
    }

    /// Lets time pass: where nothing came, silence goes out.
    pub fn clock(&mut self, now: i64, emit: &mut impl FnMut(Block<'_>)) {
        let patience = match (self.has_heard, self.is_quiet) {
            (_, true) => QUIET_PATIENCE_SAMPLES,
            (true, false) => PATIENCE_SAMPLES,
            (false, false) => FIRST_PATIENCE_SAMPLES,
        };
        self.silence_until(now - patience, emit);
    }

    /// What is in the unfinished block is silence before the first word, or nothing: it makes way.
    fn begin_block_at(&mut self, position: i64) {
        self.origin = position - (self.end - self.origin) + (self.block.len() / 2) as i64;
        self.end = position;
        self.block.clear();
    }

    fn silence_until(&mut self, position: i64, emit: &mut impl FnMut(Block<'_>)) {
        if self.end < position {
            self.concealer.silent();
        }
        while self.end < position {
            self.sample(0, emit);
        }
    }

    fn sample(&mut self, sample: i16, emit: &mut impl FnMut(Block<'_>)) {
        self.block.extend_from_slice(&sample.to_le_bytes());
        self.end += 1;
        if self.block.len() == self.block_bytes {
            let position = (self.end - self.origin) as u64 - (self.block_bytes / 2) as u64;
            emit(Block { pcm: &self.block, position, end: self.end });
            self.block.clear();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn loud(count: usize) -> Vec<u8> {
        vec![Codec::Pcmu.encode(8000); count]
    }

    /// Position, end and number of samples that are not silent.
    fn told(block: &Block<'_>) -> (u64, i64, usize) {
        (block.position, block.end, block.pcm.chunks(2).filter(|pair| *pair != [0, 0]).count())
    }

    #[test]
    fn pauses_are_silence_and_overlap_is_cut() {
        let mut tap = Tap::new(1000, 160);
        let mut blocks = Vec::new();
        let mut emit = |block: Block<'_>| blocks.push(told(&block));
        tap.audio(1000, Codec::Pcmu, &loud(160), &mut emit);
        tap.audio(1400, Codec::Pcmu, &loud(160), &mut emit); // 240 samples are missing
        tap.audio(1480, Codec::Pcmu, &loud(160), &mut emit); // half of it overlaps
        tap.clock(1640 + 160 + PATIENCE_SAMPLES, &mut emit);
        assert_eq!(blocks, [(0, 1160, 160), (160, 1320, 0), (320, 1480, 80), (480, 1640, 160), (640, 1800, 0)]);
    }

    #[test]
    fn lost_packets_are_concealed_and_pauses_are_not() {
        let mut tap = Tap::new(0, 160);
        let mut blocks = Vec::new();
        let mut emit = |block: Block<'_>| blocks.push(told(&block).2);
        tap.lost(160, 160, &mut emit); // nothing was heard yet
        tap.audio(160, Codec::Pcmu, &loud(160), &mut emit);
        tap.lost(160, 480, &mut emit);
        tap.audio(480, Codec::Pcmu, &loud(160), &mut emit);
        tap.clock(640 + 160 + PATIENCE_SAMPLES, &mut emit);
        tap.lost(160, 960, &mut emit); // in the middle of a pause: not to be heard again
        tap.audio(960, Codec::Pcmu, &loud(160), &mut emit);
        assert_eq!(blocks, [160, 160, 160, 0, 0, 160]);
    }

    #[test]
    fn the_first_packet_begins_a_block() {
        let mut tap = Tap::new(0, 160);
        let mut blocks = Vec::new();
        let mut emit = |block: Block<'_>| blocks.push(told(&block));
        tap.clock(FIRST_PATIENCE_SAMPLES + 200, &mut emit);
        tap.audio(390, Codec::Pcmu, &loud(160), &mut emit);
        assert_eq!(blocks, [(0, 160, 0), (160, 320, 0), (320, 550, 160)]);
    }

    #[test]
    fn no_silence_of_ours_precedes_a_first_packet_that_comes_soon() {
        let mut tap = Tap::new(0, 160);
        let mut blocks = Vec::new();
        let mut emit = |block: Block<'_>| blocks.push(told(&block));
        tap.clock(FIRST_PATIENCE_SAMPLES, &mut emit);
        tap.audio(FIRST_PATIENCE_SAMPLES, Codec::Pcmu, &loud(160), &mut emit);
        assert_eq!(blocks, [(0, FIRST_PATIENCE_SAMPLES + 160, 160)]);
    }

    #[test]
    fn what_came_before_the_tap_was_asked_for_is_kept() {
        let mut tap = Tap::new(1000, 160);
        let mut blocks = Vec::new();
        tap.audio(520, Codec::Pcmu, &loud(160), &mut |block| blocks.push(told(&block)));
        tap.audio(680, Codec::Pcmu, &loud(160), &mut |block| blocks.push(told(&block)));
        assert_eq!(blocks, [(0, 680, 160), (160, 840, 160)]);
    }

    #[test]
    fn a_first_packet_of_comfort_noise_begins_the_stream() {
        let mut tap = Tap::new(0, 160);
        let mut blocks = Vec::new();
        let mut emit = |block: Block<'_>| blocks.push(told(&block));
        tap.quiet(900);
        tap.audio(1220, Codec::Pcmu, &loud(160), &mut emit);
        tap.quiet(1380);
        tap.clock(1540 + QUIET_PATIENCE_SAMPLES, &mut emit);
        assert_eq!(blocks, [(0, 1060, 0), (160, 1220, 0), (320, 1380, 160), (480, 1540, 0)]);
    }

    #[test]
    fn the_clock_waits_before_it_fills() {
        for (is_quiet, patience) in [(false, FIRST_PATIENCE_SAMPLES), (true, QUIET_PATIENCE_SAMPLES)] {
            let mut tap = Tap::new(0, 80);
            let mut count = 0;
            if is_quiet {
                tap.quiet(0);
            }
            tap.clock(patience + 79, &mut |_| count += 1);
            assert_eq!(count, 0);
            tap.clock(patience + 80, &mut |_| count += 1);
            assert_eq!(count, 1);
        }
    }
}
