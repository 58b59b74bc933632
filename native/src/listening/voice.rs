//! Half a second of what somebody says, on the engine's clock, for whoever hears it as a third party.
#![forbid(unsafe_code)]

use crate::g711::Codec;
use crate::tap::conceal::Concealer;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// What a third party hears lies so far back, 80 ms: a frame, and 60 ms of patience with what comes late.
pub const DELAY: i64 = 640;
const KEPT: usize = 4096; // 512 ms

struct Ring {
    samples: Box<[i16; KEPT]>,
    end: i64,
    concealer: Concealer,
}

impl Default for Ring {
    fn default() -> Self {
        Self { samples: Box::new([0; KEPT]), end: i64::MIN / 2, concealer: Concealer::default() }
    }
}

impl Ring {
    fn push(&mut self, sample: i16) {
        self.samples[self.end.rem_euclid(KEPT as i64) as usize] = sample;
        self.end += 1;
    }

    /// Fills up to `position`, which is not before the end.
    fn fill_until(&mut self, position: i64, is_lost: bool) {
        if position - self.end >= KEPT as i64 {
            self.samples.fill(0);
            self.end = position;
        }
        if !is_lost && self.end < position {
            self.concealer.silent();
        }
        while self.end < position {
            let sample = if is_lost { self.concealer.next() } else { 0 };
            self.push(sample);
        }
    }
}

/// Half a second of what somebody says.
#[derive(Clone, Default)]
pub struct Voice(Arc<Mutex<Ring>>);

impl Voice {
    fn ring(&self) -> MutexGuard<'_, Ring> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Puts audio at its place; `is_after_loss`: what is missing before it was lost and is concealed, not silent.
    pub fn write(&self, position: i64, codec: Codec, codes: &[u8], is_after_loss: bool) {
        let mut ring = self.ring();
        ring.fill_until(position, is_after_loss);
        for (at, &code) in (position..).zip(codes) {
            let sample = codec.decode(code);
            if at == ring.end {
                ring.concealer.heard(sample);
                ring.push(sample);
            } else if at >= ring.end - KEPT as i64 {
                ring.samples[at.rem_euclid(KEPT as i64) as usize] = sample;
            }
        }
    }

    /// Adds what was said from `position` on, as far as it is here.
    pub fn add_to(&self, sums: &mut [i32], position: i64) {
        let ring = self.ring();
        for (at, sum) in (position..).zip(sums) {
            if (ring.end - KEPT as i64..ring.end).contains(&at) {
                *sum += i32::from(ring.samples[at.rem_euclid(KEPT as i64) as usize]);
            }
        }
    }
}

/// Mixes voices into `codes`, which lie at `position`: in linear, and where it is too loud at the end of the scale.
pub fn mix(voices: &[Voice], position: i64, codec: Codec, codes: &mut [u8]) {
    let mut sums: Vec<i32> = codes.iter().map(|&code| i32::from(codec.decode(code))).collect();
    for voice in voices {
        voice.add_to(&mut sums, position - DELAY);
    }
    for (code, sum) in codes.iter_mut().zip(sums) {
        *code = codec.encode(sum.clamp(i16::MIN.into(), i16::MAX.into()) as i16);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LAWS: [Codec; 2] = [Codec::Pcma, Codec::Pcmu];

    fn codes(codec: Codec, level: i16, count: usize) -> Vec<u8> {
        vec![codec.encode(level); count]
    }

    fn read(voice: &Voice, position: i64, count: usize) -> Vec<i32> {
        let mut sums = vec![0; count];
        voice.add_to(&mut sums, position);
        sums
    }

    fn near(value: i32, wanted: i32) -> bool {
        (value - wanted).abs() <= 16 + wanted.abs() / 32
    }

    #[test]
    fn what_comes_late_lies_where_it_belongs() {
        for codec in LAWS {
            let voice = Voice::default();
            voice.write(1000, codec, &codes(codec, 1000, 160), false);
            voice.write(1320, codec, &codes(codec, 3000, 160), true);
            let concealed = read(&voice, 1160, 160);
            assert!(near(concealed[0], 1000), "{concealed:?}");
            voice.write(1160, codec, &codes(codec, 2000, 160), false);
            let heard = read(&voice, 1000 - 10, 500);
            assert!(heard[..10].iter().all(|&sample| sample == 0));
            for (at, level) in [(10, 1000), (169, 1000), (170, 2000), (330, 3000), (489, 3000)] {
                assert!(near(heard[at], level), "{at}: {}", heard[at]);
            }
            assert_eq!(heard[490..], [0; 10]);
        }
    }

    #[test]
    fn a_pause_is_silent_and_what_is_old_is_gone() {
        let voice = Voice::default();
        voice.write(0, Codec::Pcma, &codes(Codec::Pcma, 4000, 160), false);
        voice.write(480, Codec::Pcma, &codes(Codec::Pcma, 4000, 160), false);
        assert_eq!(read(&voice, 160, 320), [0; 320]);
        let far = 160 + KEPT as i64;
        voice.write(far, Codec::Pcma, &codes(Codec::Pcma, 4000, 160), true);
        assert_eq!(read(&voice, 0, 320), [0; 320]);
        voice.write(0, Codec::Pcma, &codes(Codec::Pcma, 4000, 160), false); // half a second late: nobody hears it
        assert_eq!(read(&voice, far - 320, 160), [0; 160]);
    }

    #[test]
    fn mixing_ends_at_the_end_of_the_scale() {
        for codec in LAWS {
            let voices = [Voice::default(), Voice::default()];
            voices[0].write(0, codec, &codes(codec, 20_000, 160), false);
            voices[1].write(0, codec, &codes(codec, -3000, 160), false);
            let mut quiet = codes(codec, -9000, 160);
            mix(&voices, DELAY, codec, &mut quiet);
            assert!(near(i32::from(codec.decode(quiet[80])), 8000));
            let mut loud = codes(codec, 30_000, 160);
            mix(&voices, DELAY, codec, &mut loud);
            assert!(codec.decode(loud[80]) > 31_000);
            let mut later = codes(codec, 500, 160);
            mix(&voices, DELAY + 160, codec, &mut later);
            assert_eq!(later, codes(codec, 500, 160));
        }
    }
}
