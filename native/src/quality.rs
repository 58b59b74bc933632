//! From loss and delay to an estimate of what the call sounds like: the E-model of ITU-T G.107, reduced.
//!
//! R = 93.2 − Id − Ie,eff with G.107's default values. Id follows the linear fit of Cole and Rosenbluth to G.107's
//! delay curves; Ie,eff is G.107 §7.3 with Ie = 0 and Bpl = 4.3, G.113 Appendix I's values for G.711 without
//! concealment. Jitter counts as delay, as if a jitter buffer of twice its size stood in the way.
#![forbid(unsafe_code)]

const BASE_R: f64 = 93.2;
const LOSS_ROBUSTNESS: f64 = 4.3;
const PACKET_MS: f64 = 20.0;

/// MOS, 1.0 to about 4.4. `loss` is a share from 0 to 1.
pub fn mos(loss: f64, jitter_ms: f64, round_trip_ms: f64) -> f64 {
    let delay_ms = round_trip_ms / 2.0 + 2.0 * jitter_ms + PACKET_MS;
    let delay_impairment = 0.024 * delay_ms + 0.11 * (delay_ms - 177.3).max(0.0);
    let loss_percent = 100.0 * loss.clamp(0.0, 1.0);
    let loss_impairment = 95.0 * loss_percent / (loss_percent + LOSS_ROBUSTNESS);
    mos_of((BASE_R - delay_impairment - loss_impairment).clamp(0.0, 100.0))
}

/// ITU-T G.107 Annex B.
fn mos_of(r: f64) -> f64 {
    (1.0 + 0.035 * r + r * (r - 60.0) * (100.0 - r) * 7e-6).clamp(1.0, 4.5)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_clean_call_is_toll_quality() {
        assert!((mos(0.0, 0.0, 0.0) - 4.40).abs() < 0.02);
    }

    #[test]
    fn loss_jitter_and_delay_each_make_it_worse() {
        let clean = mos(0.0, 1.0, 20.0);
        assert!(mos(0.02, 1.0, 20.0) < clean - 0.5);
        assert!(mos(0.0, 60.0, 20.0) < clean);
        assert!(mos(0.0, 1.0, 600.0) < clean - 0.3);
        assert!(mos(1.0, 500.0, 5000.0) >= 1.0);
    }
}
