//! Figures of a leg, readable from any thread without stopping its worker.
#![forbid(unsafe_code)]

use std::sync::atomic::{AtomicI64, AtomicU64, Ordering::Relaxed};

/// Unknown until the far end reports.
const UNKNOWN: i64 = -1;

/// Written by the leg's worker every 20 ms, read by Python. Each figure is whole; the set may straddle an update.
#[derive(Debug)]
pub struct SharedStats {
    pub sent: AtomicU64,
    pub received: AtomicU64,
    pub lost: AtomicU64,
    pub duplicates: AtomicU64,
    pub ignored: AtomicU64,
    pub jitter_samples: AtomicU64,
    pub round_trip_us: AtomicI64,
    pub remote_loss_256: AtomicI64,
    pub remote_jitter_samples: AtomicI64,
}

impl Default for SharedStats {
    fn default() -> Self {
        Self {
            sent: AtomicU64::new(0),
            received: AtomicU64::new(0),
            lost: AtomicU64::new(0),
            duplicates: AtomicU64::new(0),
            ignored: AtomicU64::new(0),
            jitter_samples: AtomicU64::new(0),
            round_trip_us: AtomicI64::new(UNKNOWN),
            remote_loss_256: AtomicI64::new(UNKNOWN),
            remote_jitter_samples: AtomicI64::new(UNKNOWN),
        }
    }
}

/// A copy of the figures in the units of the Python face.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Figures {
    pub sent: u64,
    pub received: u64,
    pub lost: u64,
    pub duplicates: u64,
    pub ignored: u64,
    pub jitter_ms: f64,
    pub mos: f64,
    pub round_trip_ms: Option<f64>,
    pub remote_loss: Option<f64>,
    pub remote_jitter_ms: Option<f64>,
}

fn known(value: i64, unit: f64) -> Option<f64> {
    (value != UNKNOWN).then_some(value as f64 / unit)
}

impl SharedStats {
    pub fn figures(&self) -> Figures {
        let (received, lost) = (self.received.load(Relaxed), self.lost.load(Relaxed));
        let jitter_ms = self.jitter_samples.load(Relaxed) as f64 / 8.0;
        let round_trip_ms = known(self.round_trip_us.load(Relaxed), 1000.0);
        let loss = lost as f64 / (received + lost).max(1) as f64;
        Figures {
            sent: self.sent.load(Relaxed),
            received,
            lost,
            duplicates: self.duplicates.load(Relaxed),
            ignored: self.ignored.load(Relaxed),
            jitter_ms,
            mos: crate::quality::mos(loss, jitter_ms, round_trip_ms.unwrap_or(0.0)),
            round_trip_ms,
            remote_loss: known(self.remote_loss_256.load(Relaxed), 256.0),
            remote_jitter_ms: known(self.remote_jitter_samples.load(Relaxed), 8.0),
        }
    }
}
