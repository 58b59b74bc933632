//! Where a packet belongs in time. One stream's RTP timestamps become positions on the engine's sample clock.
//!
//! The first packet is placed at its arrival; the following ones at their timestamp's distance from it, so that network
//! jitter does not move audio. Three things move the anchor: a break in the stream (new SSRC, a jump of the timestamp
//! that arrival does not confirm), two seconds of disagreement, and slow drift of the far end's clock, seen as the
//! least delay of a few seconds leaving a band.
#![forbid(unsafe_code)]

const JUMP_SAMPLES: i64 = 960; // 120 ms
const DISAGREEMENT_SAMPLES: i64 = 16_000; // 2 s
const DRIFT_PACKETS: u32 = 250;
const DRIFT_LATE_SAMPLES: i64 = 320; // 40 ms: silence is put in
const DRIFT_EARLY_SAMPLES: i64 = -800; // 100 ms: audio would have to be cut, so later
/// Delays that are near: from 20 ms early to 100 ms late.
const NEAR: std::ops::RangeInclusive<i64> = -160..=800;

#[derive(Debug, Default)]
pub struct Timeline {
    last: Option<(u32, i64)>,
    least_delay: i64,
    packets: u32,
}

impl Timeline {
    /// The position of a packet that arrived at `now` (samples). `expected_step` is how far its sequence number says it
    /// is from the one before, in samples; `None`: its timestamp is to be believed.
    pub fn place(&mut self, timestamp: u32, expected_step: Option<i64>, now: i64) -> i64 {
        let Some((last_timestamp, last_position)) = self.last else {
            return self.anchor(timestamp, now);
        };
        let step = i64::from(timestamp.wrapping_sub(last_timestamp) as i32);
        let position = last_position + step;
        if step < 0 && step > -DISAGREEMENT_SAMPLES {
            return position; // late, not new
        }
        let delay = now - position;
        let continuous = expected_step.is_none_or(|expected| expected == step);
        if delay.abs() > DISAGREEMENT_SAMPLES || (!continuous && delay.abs() > JUMP_SAMPLES) {
            return self.anchor(timestamp, now);
        }
        let position = position + self.drift(delay);
        self.last = Some((timestamp, position));
        position
    }

    /// The same where the position must never be far from `now`: a packet that leaves the band is a new anchor.
    pub fn place_near(&mut self, timestamp: u32, now: i64) -> i64 {
        let position = self.place(timestamp, None, now);
        if NEAR.contains(&(now - position)) {
            position
        } else {
            self.anchor(timestamp, now)
        }
    }

    /// Forgets the anchor: the next packet belongs to another stream.
    pub fn reset(&mut self) {
        *self = Self::default();
    }

    fn anchor(&mut self, timestamp: u32, now: i64) -> i64 {
        *self = Self { last: Some((timestamp, now)), least_delay: i64::MAX, packets: 0 };
        now
    }

    fn drift(&mut self, delay: i64) -> i64 {
        self.least_delay = self.least_delay.min(delay);
        self.packets += 1;
        if self.packets < DRIFT_PACKETS {
            return 0;
        }
        let least = std::mem::replace(&mut self.least_delay, i64::MAX);
        self.packets = 0;
        if (DRIFT_EARLY_SAMPLES..=DRIFT_LATE_SAMPLES).contains(&least) {
            0
        } else {
            least
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn jitter_does_not_move_audio() {
        let mut timeline = Timeline::default();
        assert_eq!(timeline.place(5000, None, 100), 100);
        assert_eq!(timeline.place(5160, None, 500), 260);
        assert_eq!(timeline.place(5320, None, 420), 420);
    }

    #[test]
    fn timestamps_wrap() {
        let mut timeline = Timeline::default();
        timeline.place(u32::MAX - 79, None, 0);
        assert_eq!(timeline.place(80, None, 170), 160);
    }

    #[test]
    fn a_late_packet_goes_where_it_belongs() {
        let mut timeline = Timeline::default();
        timeline.place(1000, None, 0);
        timeline.place(1320, None, 320);
        assert_eq!(timeline.place(1160, None, 330), 160);
        assert_eq!(timeline.place(1480, None, 480), 480);
    }

    #[test]
    fn a_jump_that_arrival_does_not_confirm_is_a_new_anchor() {
        let mut timeline = Timeline::default();
        timeline.place(1000, None, 0);
        assert_eq!(timeline.place(9000, Some(160), 160), 160);
        assert_eq!(timeline.place(9160, None, 320), 320);
        // A pause that both clocks saw keeps the anchor.
        assert_eq!(timeline.place(9160 + 8000, Some(160), 8330), 8320);
    }

    #[test]
    fn a_timestamp_from_nowhere_is_a_new_anchor() {
        let mut timeline = Timeline::default();
        timeline.place(1000, None, 0);
        assert_eq!(timeline.place(4_000_000_000, None, 160), 160);
    }

    #[test]
    fn near_packets_keep_their_distance_and_others_are_new_anchors() {
        let mut timeline = Timeline::default();
        assert_eq!(timeline.place_near(1000, 0), 0);
        assert_eq!(timeline.place_near(1320, 330), 320); // one was lost
        assert_eq!(timeline.place_near(1160, 340), 160); // no, late
        assert_eq!(timeline.place_near(1480, 320), 480);
        assert_eq!(timeline.place_near(1640, 479), 479); // 161 early
        assert_eq!(timeline.place_near(1800, 1439), 639);
        assert_eq!(timeline.place_near(1960, 1600), 1600); // 801 late
    }

    #[test]
    fn a_slow_far_end_is_moved_up_when_drift_leaves_the_band() {
        let mut timeline = Timeline::default();
        let mut worst = 0;
        for packet in 0..200_000u32 {
            let now = i64::from(packet) * 160 + i64::from(packet) / 50; // 125 ppm slow
            worst = worst.max((now - timeline.place(packet * 160, None, now)).abs());
        }
        assert!(worst <= DRIFT_LATE_SAMPLES + 10, "{worst}");
    }
}
