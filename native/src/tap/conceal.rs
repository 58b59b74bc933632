//! What is heard in place of a lost packet: the last pitch period again and again, fading out, in the manner of ITU-T
//! G.711 appendix I, without its added delay. A detector of speech must not take a lost packet for the end of a word.
#![forbid(unsafe_code)]

const SHORTEST_PERIOD: usize = 40; // 200 Hz
const LONGEST_PERIOD: usize = 160; // 50 Hz: the last packet is repeated where nothing has a pitch
const COMPARED: usize = 80; // 10 ms
const HISTORY: usize = LONGEST_PERIOD + COMPARED;
const FULL: i32 = 160; // 20 ms at full level,
const FADED: i32 = 480; // then down to silence after 60 ms

pub struct Concealer {
    history: [i16; HISTORY],
    newest: usize,
    /// The stretch that is repeated; chosen when a gap begins.
    period: usize,
    filled: i32,
}

impl Default for Concealer {
    fn default() -> Self {
        Self { history: [0; HISTORY], newest: 0, period: LONGEST_PERIOD, filled: 0 }
    }
}

impl Concealer {
    /// Remembers a sample that was heard.
    pub fn heard(&mut self, sample: i16) {
        self.filled = 0;
        self.history[self.newest] = sample;
        self.newest = (self.newest + 1) % HISTORY;
    }

    /// It was silent meanwhile: what was heard before is no longer to be repeated.
    pub fn silent(&mut self) {
        self.filled = FADED;
    }

    /// The next sample in place of a lost one.
    pub fn next(&mut self) -> i16 {
        if self.filled >= FADED {
            return 0;
        }
        if self.filled == 0 {
            self.history.rotate_left(self.newest);
            self.newest = 0;
            self.period = pitch_period(&self.history);
        }
        let place = HISTORY - self.period + self.filled as usize % self.period;
        let level = (FADED - self.filled).min(FADED - FULL);
        self.filled += 1;
        (i32::from(self.history[place]) * level / (FADED - FULL)) as i16
    }
}

/// How many samples ago the last 10 ms sounded most alike, up to their level.
fn pitch_period(history: &[i16; HISTORY]) -> usize {
    let recent = &history[LONGEST_PERIOD..];
    let mut best = (0.0, LONGEST_PERIOD);
    for period in SHORTEST_PERIOD..=LONGEST_PERIOD {
        let earlier = &history[LONGEST_PERIOD - period..][..COMPARED];
        let product = dot(recent, earlier);
        if product <= 0 {
            continue;
        }
        let likeness = product as f64 * product as f64 / dot(earlier, earlier) as f64;
        if likeness > best.0 {
            best = (likeness, period);
        }
    }
    best.1
}

fn dot(a: &[i16], b: &[i16]) -> i64 {
    a.iter().zip(b).map(|(&a, &b)| i64::from(a) * i64::from(b)).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A pulse train with a tail: a voice of this pitch, roughly.
    fn voice(period: usize, count: usize) -> Vec<i16> {
        (0..count).map(|index| (6000 >> ((index % period) / 4).min(12)) as i16).collect()
    }

    fn concealed(heard: &[i16], count: usize) -> Vec<i16> {
        let mut concealer = Concealer::default();
        heard.iter().for_each(|&sample| concealer.heard(sample));
        (0..count).map(|_| concealer.next()).collect()
    }

    #[test]
    fn a_voice_goes_on_in_its_pitch() {
        let whole = voice(67, 480);
        assert_eq!(concealed(&whole[..320], 160), whole[320..]);
    }

    #[test]
    fn it_fades_out() {
        let filled = concealed(&[8000; 320], 500);
        assert!(filled[..160].iter().all(|&sample| sample == 8000));
        assert_eq!((filled[320], filled[479], filled[480]), (4000, 25, 0));
    }

    #[test]
    fn nothing_is_repeated_across_silence() {
        let mut concealer = Concealer::default();
        (0..320).for_each(|_| concealer.heard(8000));
        concealer.silent();
        assert_eq!(concealer.next(), 0);
        concealer.heard(100);
        assert_ne!((0..160).map(|_| concealer.next()).max(), Some(0));
    }

    #[test]
    fn before_anything_was_heard_it_is_silent() {
        assert_eq!(concealed(&[], 10), [0; 10]);
    }
}
