//! What the far end says as a steady stream of PCM blocks: lost audio and pauses become silence, on the clock.
#![forbid(unsafe_code)]

use crate::g711::Codec;

/// So long after its time a stretch without packets is told as silence; packets in the reorder window are waited for.
const PATIENCE_SAMPLES: i64 = 800; // 100 ms

pub struct Tap {
    origin: i64,
    end: i64,
    block_bytes: usize,
    block: Vec<u8>,
}

impl Tap {
    /// A tap that starts at `origin` on the engine's sample clock and gives blocks of `block_samples`.
    pub fn new(origin: i64, block_samples: usize) -> Self {
        let block_bytes = 2 * block_samples;
        Self { origin, end: origin, block_bytes, block: Vec::with_capacity(block_bytes) }
    }

    /// Adds audio at `position` (engine's clock); `emit` gets each full block and its position since the start.
    pub fn audio(&mut self, position: i64, codec: Codec, codes: &[u8], emit: &mut impl FnMut(&[u8], u64)) {
        self.silence_until(position, emit);
        let cut = usize::try_from(self.end - position).unwrap_or(0);
        for &code in codes.get(cut..).unwrap_or(&[]) {
            self.sample(codec.decode(code), emit);
        }
    }

    /// Lets time pass: where nothing came, silence goes out.
    pub fn clock(&mut self, now: i64, emit: &mut impl FnMut(&[u8], u64)) {
        self.silence_until(now - PATIENCE_SAMPLES, emit);
    }

    fn silence_until(&mut self, position: i64, emit: &mut impl FnMut(&[u8], u64)) {
        while self.end < position {
            self.sample(0, emit);
        }
    }

    fn sample(&mut self, sample: i16, emit: &mut impl FnMut(&[u8], u64)) {
        self.block.extend_from_slice(&sample.to_le_bytes());
        self.end += 1;
        if self.block.len() == self.block_bytes {
            let samples = (self.block_bytes / 2) as i64;
            emit(&self.block, (self.end - samples - self.origin) as u64);
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

    #[test]
    fn gaps_and_pauses_are_silence_and_overlap_is_cut() {
        let mut tap = Tap::new(1000, 160);
        let mut blocks: Vec<(u64, usize)> = Vec::new();
        let mut emit = |pcm: &[u8], position: u64| {
            let loud = pcm.chunks(2).filter(|pair| pair[1] != 0).count();
            blocks.push((position, loud));
        };
        tap.audio(1000, Codec::Pcmu, &loud(160), &mut emit);
        tap.audio(1400, Codec::Pcmu, &loud(160), &mut emit); // 240 samples are missing
        tap.audio(1480, Codec::Pcmu, &loud(160), &mut emit); // half of it overlaps
        tap.clock(1640 + 160 + PATIENCE_SAMPLES, &mut emit);
        assert_eq!(blocks, [(0, 160), (160, 0), (320, 80), (480, 160), (640, 0)]);
    }

    #[test]
    fn the_clock_waits_before_it_fills() {
        let mut tap = Tap::new(0, 80);
        let mut count = 0;
        tap.clock(PATIENCE_SAMPLES + 79, &mut |_, _| count += 1);
        assert_eq!(count, 0);
        tap.clock(PATIENCE_SAMPLES + 80, &mut |_, _| count += 1);
        assert_eq!(count, 1);
    }
}
