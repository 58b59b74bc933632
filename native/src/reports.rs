//! One leg's RTCP: when to report, what the far end reported, and the round trip (RFC 3550 §6.2, §6.4).
#![forbid(unsafe_code)]

use crate::outgoing::Outgoing;
use crate::receive::Receiver;
use crate::stats::SharedStats;
use crate::wire::rtcp::{self, Heard, Report, ReportBlock, SenderInfo, MAX_LEN};
use std::sync::atomic::Ordering::Relaxed;

const INTERVAL_SAMPLES: i64 = 40_000; // 5 s: RFC 3550 §6.2's minimum
const FIRST_SAMPLES: i64 = 8_000;

/// The middle 32 bits of an NTP time are the unit of LSR and DLSR: 1/65536 s.
fn middle(ntp: u64) -> u32 {
    (ntp >> 16) as u32
}

#[derive(Debug)]
pub struct Reports {
    due_at: i64,
    seed: u64,
    last_sr: u32,
    last_sr_at: i64,
    reported_packets: u64,
}

impl Reports {
    pub fn new(now: i64, seed: u64) -> Self {
        Self { due_at: now + FIRST_SAMPLES, seed: seed | 1, last_sr: 0, last_sr_at: 0, reported_packets: 0 }
    }

    pub fn is_due(&self, now: i64) -> bool {
        now >= self.due_at
    }

    /// Takes in a compound packet that arrived at `now` (samples) and `ntp`; false when it is not valid.
    pub fn hear(&mut self, bytes: &[u8], our_ssrc: u32, now: i64, ntp: u64, stats: &SharedStats) -> bool {
        let Some(Heard { sender, about_us, .. }) = rtcp::parse(bytes, our_ssrc) else { return false };
        if let Some((_, info)) = sender {
            self.last_sr = middle(info.ntp);
            self.last_sr_at = now;
        }
        if let Some(block) = about_us {
            stats.remote_loss_256.store(i64::from(block.fraction_lost), Relaxed);
            stats.remote_jitter_samples.store(i64::from(block.jitter), Relaxed);
            if let Some(round_trip_us) = round_trip_us(&block, ntp) {
                stats.round_trip_us.store(round_trip_us, Relaxed);
            }
        }
        true
    }

    /// Writes the report that is due and sets the time of the next: 5 s, spread by half (RFC 3550 §6.3.1).
    #[allow(clippy::too_many_arguments)] // the report is made of exactly these
    pub fn write(
        &mut self,
        outgoing: &Outgoing,
        heard: Option<(u32, &mut Receiver)>,
        now: i64,
        ntp: u64,
        cname: &str,
        goodbye: bool,
        out: &mut [u8; MAX_LEN],
    ) -> usize {
        self.seed ^= self.seed << 13;
        self.seed ^= self.seed >> 7;
        self.seed ^= self.seed << 17;
        self.due_at = now + INTERVAL_SAMPLES / 2 + (self.seed % INTERVAL_SAMPLES as u64) as i64;
        let sender = (outgoing.packets > self.reported_packets).then(|| SenderInfo {
            ntp,
            rtp_timestamp: outgoing.timestamp_at(now),
            packets: outgoing.packets as u32,
            bytes: outgoing.bytes as u32,
        });
        self.reported_packets = outgoing.packets;
        let block = heard.map(|(ssrc, receiver)| self.block(ssrc, receiver, now));
        rtcp::write(&Report { ssrc: outgoing.ssrc(), sender, block, cname, goodbye }, out)
    }

    fn block(&self, ssrc: u32, receiver: &mut Receiver, now: i64) -> ReportBlock {
        let (fraction_lost, cumulative_lost, highest_sequence) = receiver.report();
        let delay = if self.last_sr == 0 { 0 } else { (now - self.last_sr_at) * 65_536 / 8_000 };
        ReportBlock {
            ssrc,
            fraction_lost,
            cumulative_lost,
            highest_sequence,
            jitter: receiver.jitter(),
            last_sr: self.last_sr,
            delay_since_last_sr: u32::try_from(delay).unwrap_or(u32::MAX),
        }
    }
}

/// RFC 3550 §6.4.1: arrival − LSR − DLSR; `None` without an SR of ours or when the far end's figures cannot be.
fn round_trip_us(block: &ReportBlock, ntp: u64) -> Option<i64> {
    if block.last_sr == 0 {
        return None;
    }
    let units = middle(ntp).wrapping_sub(block.last_sr).wrapping_sub(block.delay_since_last_sr) as i32;
    (units >= 0).then_some(i64::from(units) * 1_000_000 / 65_536)
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: u64 = 1 << 32;

    #[test]
    fn two_ends_measure_their_round_trip() {
        let (ours, theirs) = (Outgoing::new(5 << 32), Outgoing::new(9 << 32));
        let (mut us, mut them) = (Reports::new(0, 3), Reports::new(0, 4));
        let (our_stats, their_stats) = (SharedStats::default(), SharedStats::default());
        let mut outgoing = ours;
        outgoing.key(true, 101, 0);
        let mut out = [0; MAX_LEN];
        let length = us.write(&outgoing, None, 0, 1000 * SECOND, "a", false, &mut out);
        assert!(them.hear(&out[..length], 9, 80, 1000 * SECOND + SECOND / 100, &their_stats));
        let mut receiver = Receiver::default();
        receiver.packet(1, 1, 0);
        let length = them.write(&theirs, Some((5, &mut receiver)), 8080, 0, "b", false, &mut out);
        assert!(us.hear(&out[..length], 5, 8160, 1001 * SECOND + SECOND / 50, &our_stats));
        let round_trip_ms = our_stats.figures().round_trip_ms.unwrap();
        assert!((round_trip_ms - 20.0).abs() < 0.1, "{round_trip_ms}");
        assert_eq!(our_stats.figures().remote_loss, Some(0.0));
    }

    #[test]
    fn the_next_report_is_due_within_the_spread() {
        let mut reports = Reports::new(0, 77);
        let mut out = [0; MAX_LEN];
        for _ in 0..100 {
            reports.write(&Outgoing::new(1), None, 0, 0, "a", false, &mut out);
            assert!(!reports.is_due(INTERVAL_SAMPLES / 2 - 1));
            assert!(reports.is_due(INTERVAL_SAMPLES * 3 / 2));
        }
    }

    #[test]
    fn impossible_figures_give_no_round_trip() {
        let block = ReportBlock { last_sr: 5 << 16, delay_since_last_sr: 9 << 16, ..ReportBlock::default() };
        assert_eq!(round_trip_us(&block, 6 * SECOND), None);
        assert_eq!(round_trip_us(&ReportBlock::default(), 6 * SECOND), None);
    }
}
