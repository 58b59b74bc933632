//! One 20 ms frame of telephone audio, measured: level, voice activity, spectral lines, periodicity.
//!
//! The twin of `dialer.progress.frames`, which explains the measurements; both run under the same tests.
#![forbid(unsafe_code)]

use realfft::num_complex::Complex64;
use realfft::{ComplexToReal, RealFftPlanner, RealToComplex};
use std::f64::consts::TAU;
use std::sync::{Arc, OnceLock};
use webrtc_vad::{SampleRate, Vad, VadMode};

pub const FRAME_SAMPLES: usize = 160;
const RATE_HZ: f64 = 8000.0;
const WINDOW_SAMPLES: usize = 2 * FRAME_SAMPLES;
const FFT_SIZE: usize = 512;
const BINS: usize = FFT_SIZE / 2 + 1;
const BIN_HZ: f64 = RATE_HZ / FFT_SIZE as f64;
const SILENCE_DBFS: f64 = -80.0;
const FULL_SCALE: f64 = 32768.0;
const LOBE_BINS: usize = 4;
const LOW_BIN: usize = (250.0 / BIN_HZ) as usize;
const HIGH_BIN: usize = (3400.0 / BIN_HZ) as usize;
const NEGLIGIBLE_POWER: f64 = 1e-9;
const TONE_MIN_DBFS: f64 = -50.0;
const VOICE_MIN_DBFS: f64 = -65.0;
const SETTLING_FRAMES: u32 = 5;
const SHORTEST_LAG: usize = 20; // 400 Hz
const LONGEST_LAG: usize = 114; // 70 Hz

/// What one frame is; the fields are those of the Python twin.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Measured {
    pub level_dbfs: f64,
    pub voiced: bool,
    pub line_hz: f64,
    pub line_share: f64,
    pub rival_hz: f64,
    pub pair_share: f64,
    pub periodicity: f64,
}

/// What all meters share: the window, its likeness to itself, and the plans of the transforms.
struct Tables {
    hann: [f64; WINDOW_SAMPLES],
    likeness: [f64; LONGEST_LAG + 1],
    forward: Arc<dyn RealToComplex<f64>>,
    inverse: Arc<dyn ComplexToReal<f64>>,
}

fn tables() -> &'static Tables {
    static TABLES: OnceLock<Tables> = OnceLock::new();
    TABLES.get_or_init(|| {
        let mut hann = [0.0; WINDOW_SAMPLES];
        for (at, value) in hann.iter_mut().enumerate() {
            *value = 0.5 - 0.5 * (TAU * at as f64 / (WINDOW_SAMPLES - 1) as f64).cos();
        }
        let mut likeness = [0.0; LONGEST_LAG + 1];
        for (lag, value) in likeness.iter_mut().enumerate() {
            *value = (lag..WINDOW_SAMPLES).map(|at| hann[at] * hann[at - lag]).sum();
        }
        let whole = likeness[0];
        likeness.iter_mut().for_each(|value| *value /= whole);
        let mut planner = RealFftPlanner::new();
        let (forward, inverse) = (planner.plan_fft_forward(FFT_SIZE), planner.plan_fft_inverse(FFT_SIZE));
        Tables { hann, likeness, forward, inverse }
    })
}

/// Measures frame after frame of one direction of one call.
pub struct Meter {
    vad: Vad,
    frames: u32,
    previous: [f64; FRAME_SAMPLES],
    time: Vec<f64>,
    spectrum: Vec<Complex64>,
    scratch: Vec<Complex64>,
    power: [f64; BINS],
}

impl Meter {
    /// `mode` is webrtcvad's aggressiveness, 0 to 3; None for another one.
    pub fn new(mode: u8) -> Option<Self> {
        let mode = match mode {
            0 => VadMode::Quality,
            1 => VadMode::LowBitrate,
            2 => VadMode::Aggressive,
            3 => VadMode::VeryAggressive,
            _ => return None,
        };
        let scratch = tables().forward.get_scratch_len().max(tables().inverse.get_scratch_len());
        Some(Self {
            vad: Vad::new_with_rate_and_mode(SampleRate::Rate8kHz, mode),
            frames: 0,
            previous: [0.0; FRAME_SAMPLES],
            time: vec![0.0; FFT_SIZE],
            spectrum: vec![Complex64::default(); BINS],
            scratch: vec![Complex64::default(); scratch],
            power: [0.0; BINS],
        })
    }

    /// Measures the next frame.
    pub fn measure(&mut self, samples: &[i16; FRAME_SAMPLES]) -> Measured {
        let mean = samples.iter().map(|&sample| f64::from(sample)).sum::<f64>() / FRAME_SAMPLES as f64;
        let centred = samples.map(|sample| f64::from(sample) - mean);
        let voiced = self.vad.is_voice_segment(samples).unwrap_or(false) && self.frames >= SETTLING_FRAMES;
        let power = centred.iter().map(|value| value * value).sum::<f64>();
        let power = power / (FRAME_SAMPLES as f64 * FULL_SCALE * FULL_SCALE);
        let level_dbfs = if power > 0.0 { (10.0 * power.log10()).max(SILENCE_DBFS) } else { SILENCE_DBFS };
        self.time.fill(0.0);
        self.time[..FRAME_SAMPLES].copy_from_slice(&self.previous);
        self.time[FRAME_SAMPLES..WINDOW_SAMPLES].copy_from_slice(&centred);
        self.previous = centred;
        self.frames = self.frames.saturating_add(1);
        if level_dbfs < VOICE_MIN_DBFS {
            return Measured { level_dbfs, voiced, ..Measured::default() };
        }
        self.transform();
        let periodicity = self.periodicity(); // before the lines: they are taken out of the spectrum
        if level_dbfs < TONE_MIN_DBFS {
            return Measured { level_dbfs, voiced, periodicity, ..Measured::default() };
        }
        let (line_hz, line_share, rival_hz, pair_share) = self.lines();
        Measured { level_dbfs, voiced, line_hz, line_share, rival_hz, pair_share, periodicity }
    }

    /// The power spectrum of this frame and the one before.
    fn transform(&mut self) {
        let tables = tables();
        for (value, weight) in self.time.iter_mut().zip(&tables.hann) {
            *value *= weight;
        }
        let done = tables.forward.process_with_scratch(&mut self.time, &mut self.spectrum, &mut self.scratch);
        debug_assert!(done.is_ok(), "the buffers have the plan's lengths");
        for (power, line) in self.power.iter_mut().zip(&self.spectrum) {
            *power = line.norm_sqr();
        }
    }

    fn periodicity(&mut self) -> f64 {
        let tables = tables();
        for (line, &power) in self.spectrum.iter_mut().zip(&self.power) {
            *line = Complex64::new(power, 0.0);
        }
        let done = tables.inverse.process_with_scratch(&mut self.spectrum, &mut self.time, &mut self.scratch);
        debug_assert!(done.is_ok(), "the buffers have the plan's lengths");
        if self.time[0] <= 0.0 {
            return 0.0;
        }
        let likeness = (SHORTEST_LAG..=LONGEST_LAG).map(|lag| self.time[lag] / (self.time[0] * tables.likeness[lag]));
        likeness.fold(0.0, f64::max).min(1.0)
    }

    /// The strongest line (Hz, share of the power) and, beside it, the next (Hz, share of both together).
    fn lines(&mut self) -> (f64, f64, f64, f64) {
        let total = self.power[LOW_BIN..HIGH_BIN].iter().sum::<f64>() + NEGLIGIBLE_POWER;
        let (line_hz, line_power) = self.take_strongest();
        let (rival_hz, rival_power) = self.take_strongest();
        (line_hz, line_power / total, rival_hz, (line_power + rival_power) / total)
    }

    /// Pitch and power of the strongest line, which is then taken out of the spectrum.
    fn take_strongest(&mut self) -> (f64, f64) {
        let mut peak = LOW_BIN;
        for bin in LOW_BIN..HIGH_BIN {
            if self.power[bin] > self.power[peak] {
                peak = bin;
            }
        }
        let [below, at, above] =
            [-1, 0, 1].map(|step| (self.power[peak.wrapping_add_signed(step)] + NEGLIGIBLE_POWER).ln());
        let curve = below - 2.0 * at + above;
        let shift = if curve < 0.0 { 0.5 * (below - above) / curve } else { 0.0 };
        let lobe = &mut self.power[(peak - LOBE_BINS).max(LOW_BIN)..=peak + LOBE_BINS];
        let line_power = lobe.iter().sum();
        lobe.fill(0.0);
        ((peak as f64 + shift) * BIN_HZ, line_power)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tone(hz: f64, amplitude: f64, frame: usize) -> [i16; FRAME_SAMPLES] {
        std::array::from_fn(|at| {
            let time = (frame * FRAME_SAMPLES + at) as f64 / RATE_HZ;
            (amplitude * (TAU * hz * time).sin()) as i16
        })
    }

    #[test]
    fn a_tone_is_a_line_at_its_pitch_and_level() {
        let mut meter = Meter::new(2).unwrap();
        meter.measure(&tone(1000.0, 8000.0, 0));
        let measured = meter.measure(&tone(1000.0, 8000.0, 1));
        assert!((measured.line_hz - 1000.0).abs() < 1.0, "{measured:?}");
        assert!(measured.line_share > 0.99, "{measured:?}");
        assert!((measured.level_dbfs - -15.26).abs() < 0.05, "{measured:?}");
    }

    #[test]
    fn a_low_tone_is_periodic() {
        let mut meter = Meter::new(2).unwrap();
        meter.measure(&tone(200.0, 8000.0, 0));
        let measured = meter.measure(&tone(200.0, 8000.0, 1));
        assert!(measured.periodicity > 0.95, "{measured:?}");
    }

    #[test]
    fn silence_is_the_bottom_of_the_scale() {
        let mut meter = Meter::new(3).unwrap();
        let expected = Measured { level_dbfs: SILENCE_DBFS, ..Measured::default() };
        assert_eq!(meter.measure(&[0; FRAME_SAMPLES]), expected);
        assert_eq!(meter.measure(&[700; FRAME_SAMPLES]), expected, "an offset is no sound");
    }

    #[test]
    fn the_loudest_frame_does_not_overflow() {
        let mut meter = Meter::new(0).unwrap();
        for frame in 0..10 {
            let sign = if frame % 2 == 0 { i16::MIN } else { i16::MAX };
            let measured = meter.measure(&std::array::from_fn(|at| if at % 2 == 0 { sign } else { -1 - sign }));
            assert!(measured.level_dbfs <= 0.01, "{measured:?}");
        }
    }

    #[test]
    fn there_are_four_modes() {
        assert!(Meter::new(4).is_none());
    }
}
