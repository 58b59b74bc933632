//! What arrives, counted as RFC 3550 A.1, A.3 and A.8 say: order, loss, duplicates, jitter.
#![forbid(unsafe_code)]

const MAX_DROPOUT: u16 = 3000;
const WINDOW: u16 = 64;

/// What a packet's sequence number means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Order {
    /// New, this many after the highest seen (1: nothing missing between).
    Ahead(u16),
    /// Behind the highest seen, but not seen before.
    Late,
    Duplicate,
    /// The numbers start anew.
    Restart,
}

/// Counters of one source; `restart` keeps the sums of earlier ones.
#[derive(Debug, Default)]
pub struct Receiver {
    highest: Option<u16>,
    cycles: u32,
    base: u32,
    seen: u64, // bit n: highest - n was seen
    /// What follows a packet that was too old, if it was of numbers that start anew (RFC 3550 A.1: bad_seq).
    suspected: Option<u16>,
    received: u32,
    earlier_received: u64,
    earlier_lost: u64,
    pub duplicates: u64,
    jitter_16: u32,
    transit: Option<u32>,
    reported_expected: u32,
    reported_received: u32,
}

impl Receiver {
    /// Counts a packet that arrived at `now` (samples).
    pub fn packet(&mut self, sequence: u16, timestamp: u32, now: i64) -> Order {
        let order = self.order_of(sequence);
        match order {
            Order::Duplicate => {
                self.duplicates += 1;
                return order;
            }
            Order::Ahead(step) => {
                let highest = self.highest.unwrap_or(sequence.wrapping_sub(1));
                self.cycles += u32::from(sequence < highest) << 16;
                self.seen = if step < WINDOW { (self.seen << step) | 1 } else { 1 };
                self.highest = Some(sequence);
                self.suspected = None;
            }
            Order::Late => self.seen |= 1 << self.highest.unwrap_or(sequence).wrapping_sub(sequence),
            Order::Restart => {
                self.restart();
                self.highest = Some(sequence);
                self.base = u32::from(sequence);
                self.seen = 1;
            }
        }
        self.received += 1;
        self.measure_jitter(timestamp, now);
        order
    }

    /// Another source: its numbers have nothing to do with the ones before.
    pub fn restart(&mut self) {
        self.earlier_lost += u64::from(self.expected().saturating_sub(self.received));
        self.earlier_received += u64::from(self.received);
        *self = Self {
            earlier_received: self.earlier_received,
            earlier_lost: self.earlier_lost,
            duplicates: self.duplicates,
            jitter_16: self.jitter_16,
            ..Self::default()
        };
    }

    fn order_of(&mut self, sequence: u16) -> Order {
        let Some(highest) = self.highest else { return Order::Restart };
        let ahead = sequence.wrapping_sub(highest);
        let behind = highest.wrapping_sub(sequence);
        if ahead == 0 || (behind < WINDOW && self.seen >> behind & 1 == 1) {
            Order::Duplicate
        } else if ahead < MAX_DROPOUT {
            Order::Ahead(ahead)
        } else if behind < WINDOW {
            Order::Late
        } else if behind < MAX_DROPOUT && self.suspected.replace(sequence.wrapping_add(1)) != Some(sequence) {
            Order::Duplicate // too old to know; nobody can use it any more
        } else {
            Order::Restart
        }
    }

    fn measure_jitter(&mut self, timestamp: u32, now: i64) {
        let transit = (now as u32).wrapping_sub(timestamp);
        if let Some(last) = self.transit {
            let change = (transit.wrapping_sub(last) as i32).unsigned_abs().min(1 << 20);
            self.jitter_16 = (self.jitter_16 + change) - ((self.jitter_16 + 8) >> 4);
        }
        self.transit = Some(transit);
    }

    /// A packet whose timestamp does not follow the clock (telephone events) must not count as jitter.
    pub fn forget_transit(&mut self) {
        self.transit = None;
    }

    fn expected(&self) -> u32 {
        self.highest.map_or(0, |highest| (self.cycles + u32::from(highest)).wrapping_sub(self.base).wrapping_add(1))
    }

    pub fn total_received(&self) -> u64 {
        self.earlier_received + u64::from(self.received)
    }

    pub fn total_lost(&self) -> u64 {
        self.earlier_lost + u64::from(self.expected().saturating_sub(self.received))
    }

    /// Interarrival jitter in samples (RFC 3550 A.8).
    pub fn jitter(&self) -> u32 {
        self.jitter_16 >> 4
    }

    /// Loss since the last call as a fraction of 256, the sum, and the extended highest number (RFC 3550 A.3).
    pub fn report(&mut self) -> (u8, i32, u32) {
        let expected = self.expected();
        let expected_now = expected.wrapping_sub(self.reported_expected);
        let received_now = self.received.wrapping_sub(self.reported_received);
        (self.reported_expected, self.reported_received) = (expected, self.received);
        let lost_now = expected_now.saturating_sub(received_now);
        let fraction = (lost_now * 256).checked_div(expected_now).unwrap_or(0).min(255) as u8;
        (fraction, expected.wrapping_sub(self.received) as i32, self.cycles + u32::from(self.highest.unwrap_or(0)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fed(sequences: &[u16]) -> (Receiver, Vec<Order>) {
        let mut receiver = Receiver::default();
        let orders =
            sequences.iter().map(|&sequence| receiver.packet(sequence, u32::from(sequence) * 160, 0)).collect();
        (receiver, orders)
    }

    #[test]
    fn order_is_recognised() {
        let (receiver, orders) = fed(&[65534, 65535, 1, 0, 0, 1, 5, 40_000]);
        use Order::{Ahead, Duplicate, Late, Restart};
        assert_eq!(orders, [Restart, Ahead(1), Ahead(2), Late, Duplicate, Duplicate, Ahead(4), Restart]);
        assert_eq!(receiver.duplicates, 2);
        assert_eq!(receiver.total_received(), 6);
        assert_eq!(receiver.total_lost(), 3);
    }

    #[test]
    fn two_old_numbers_in_a_row_start_anew() {
        use Order::{Ahead, Duplicate, Restart};
        let (_, orders) = fed(&[10_000, 9000, 8000, 10_001, 8001, 9500, 9501, 9502, 10_001]);
        let apart = [Restart, Duplicate, Duplicate, Ahead(1), Duplicate];
        assert_eq!(orders, [&apart[..], &[Duplicate, Restart, Ahead(1), Ahead(499)]].concat());
    }

    #[test]
    fn the_report_counts_from_the_last_one() {
        let (mut receiver, _) = fed(&[0, 1, 2, 3]);
        assert_eq!(receiver.report(), (0, 0, 3));
        receiver.packet(7, 1120, 0);
        assert_eq!(receiver.report(), (192, 3, 7)); // 3 of 4
    }

    #[test]
    fn numbers_wrap_into_cycles() {
        let (mut receiver, _) = fed(&[65535, 0]);
        assert_eq!(receiver.report(), (0, 0, 65536));
    }

    #[test]
    fn jitter_settles_at_the_mean_change() {
        let mut receiver = Receiver::default();
        for packet in 0..2000u16 {
            let late = if packet % 2 == 0 { 0 } else { 80 };
            receiver.packet(packet, u32::from(packet) * 160, i64::from(packet) * 160 + late);
        }
        assert!((75..=80).contains(&receiver.jitter()), "{}", receiver.jitter());
    }
}
