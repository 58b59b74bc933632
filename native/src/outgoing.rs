//! One leg's outgoing stream: its own SSRC, sequence numbers and timestamps, whoever speaks.
//!
//! Silence, a play, a key press and a bridged far end take turns. Within one turn of a bridged far end its numbers are
//! kept at a fixed distance, so that loss and order stay visible to the receiver; every change of turn starts one
//! packet after the last and as much later in time as really passed, with the marker set (RFC 3551 §4.1).
#![forbid(unsafe_code)]

use crate::receive::Order;
use crate::wire::rtp::Header;

/// Who speaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Turn {
    Nobody,
    Silence,
    Play(u64),
    /// What a listener hears.
    Mix,
    Keys,
    /// A bridged far end, by its SSRC.
    Bridge(u32),
}

/// A late packet of a bridged far end from before this many packets ago belongs to an earlier turn.
const SETTLED_PACKETS: u32 = 64;

#[derive(Debug)]
pub struct Outgoing {
    ssrc: u32,
    sequence: u16,
    timestamp: u32,
    timestamp_at: i64,
    length: u32,
    turn: Turn,
    sequence_offset: u16,
    timestamp_offset: u32,
    since_turn: u32,
    pub packets: u64,
    pub bytes: u64,
}

impl Outgoing {
    /// `seed` gives SSRC and first numbers (RFC 3550 §5.1: random).
    pub fn new(seed: u64) -> Self {
        Self {
            ssrc: (seed >> 32) as u32,
            sequence: (seed >> 16) as u16 & 0x7fff,
            timestamp: seed as u32,
            timestamp_at: 0,
            length: 0,
            turn: Turn::Nobody,
            sequence_offset: 0,
            timestamp_offset: 0,
            since_turn: 0,
            packets: 0,
            bytes: 0,
        }
    }

    pub fn ssrc(&self) -> u32 {
        self.ssrc
    }

    /// The timestamp that belongs to `now`, for sender reports.
    pub fn timestamp_at(&self, now: i64) -> u32 {
        self.timestamp.wrapping_add((now - self.timestamp_at) as u32)
    }

    /// The header of a frame of our own: silence or a play, `length` samples long.
    pub fn local(&mut self, turn: Turn, payload_type: u8, length: u32, now: i64) -> Header {
        let marker = self.turn != turn;
        self.timestamp = if marker { self.next_timestamp(now) } else { self.timestamp.wrapping_add(self.length) };
        self.turn = turn;
        self.sent(length, now);
        self.header(marker, payload_type)
    }

    /// The header of a telephone event; all packets of one press share the timestamp of the first.
    pub fn key(&mut self, first: bool, payload_type: u8, now: i64) -> Header {
        if first {
            self.timestamp = self.next_timestamp(now);
            self.sent(0, now);
        } else {
            self.sequence = self.sequence.wrapping_add(1);
            self.packets += 1;
        }
        self.turn = Turn::Keys;
        self.header(first, payload_type)
    }

    /// The header under which a bridged far end's packet goes on, or `None` when it belongs to an earlier turn.
    pub fn relay(&mut self, heard: &Header, payload_type: u8, length: u32, order: Order, now: i64) -> Option<Header> {
        let turn = Turn::Bridge(heard.ssrc);
        let changed = self.turn != turn || order == Order::Restart;
        let late = order == Order::Late;
        if late && (changed || self.since_turn < SETTLED_PACKETS) {
            return None;
        }
        if changed {
            self.sequence_offset = self.sequence.wrapping_add(1).wrapping_sub(heard.sequence);
            self.timestamp_offset = self.next_timestamp(now).wrapping_sub(heard.timestamp);
            self.turn = turn;
            self.since_turn = 0;
        }
        let header = Header {
            marker: heard.marker || changed,
            payload_type,
            sequence: heard.sequence.wrapping_add(self.sequence_offset),
            timestamp: heard.timestamp.wrapping_add(self.timestamp_offset),
            ssrc: self.ssrc,
        };
        self.since_turn = self.since_turn.saturating_add(1);
        self.packets += 1;
        if !late {
            self.sequence = header.sequence;
            self.timestamp = header.timestamp;
            self.timestamp_at = now;
            self.length = length;
        }
        Some(header)
    }

    fn next_timestamp(&self, now: i64) -> u32 {
        if self.turn == Turn::Nobody {
            return self.timestamp;
        }
        let passed = u32::try_from(now - self.timestamp_at).unwrap_or(0);
        self.timestamp.wrapping_add(passed.max(self.length))
    }

    fn sent(&mut self, length: u32, now: i64) {
        self.sequence = self.sequence.wrapping_add(1);
        self.timestamp_at = now;
        self.length = length;
        self.packets += 1;
    }

    fn header(&self, marker: bool, payload_type: u8) -> Header {
        Header { marker, payload_type, sequence: self.sequence, timestamp: self.timestamp, ssrc: self.ssrc }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn heard(ssrc: u32, sequence: u16, timestamp: u32) -> Header {
        Header { marker: false, payload_type: 8, sequence, timestamp, ssrc }
    }

    #[test]
    fn changes_of_turn_are_seamless() {
        let mut outgoing = Outgoing::new(0x1111_2222_0000_0000);
        let first = outgoing.local(Turn::Silence, 8, 160, 1000);
        let second = outgoing.local(Turn::Silence, 8, 160, 1160);
        assert!(first.marker && !second.marker);
        assert_eq!(second.timestamp - first.timestamp, 160);
        let bridged = outgoing.relay(&heard(7, 60_000, 5), 8, 160, Order::Ahead(1), 1400).unwrap();
        assert!(bridged.marker);
        assert_eq!(bridged.sequence, second.sequence.wrapping_add(1));
        assert_eq!(bridged.timestamp - second.timestamp, 240);
        let after_loss = outgoing.relay(&heard(7, 60_002, 325), 8, 160, Order::Ahead(1), 1720).unwrap();
        assert_eq!(after_loss.sequence.wrapping_sub(bridged.sequence), 2);
        assert_eq!(after_loss.timestamp - bridged.timestamp, 320);
        let play = outgoing.local(Turn::Play(1), 8, 160, 1721);
        assert_eq!(play.sequence.wrapping_sub(after_loss.sequence), 1);
        assert_eq!(play.timestamp - after_loss.timestamp, 160); // never into the frame before
        assert_eq!(play.ssrc, first.ssrc);
    }

    #[test]
    fn late_packets_keep_their_number_but_not_over_a_change_of_turn() {
        let mut outgoing = Outgoing::new(1);
        for sequence in 0..100u16 {
            outgoing.relay(&heard(7, sequence, u32::from(sequence) * 160), 8, 160, Order::Ahead(1), 0);
        }
        let last = outgoing.relay(&heard(7, 101, 101 * 160), 8, 160, Order::Ahead(1), 0).unwrap();
        let late = outgoing.relay(&heard(7, 100, 100 * 160), 8, 160, Order::Late, 0).unwrap();
        assert_eq!(last.sequence.wrapping_sub(late.sequence), 1);
        let next = outgoing.relay(&heard(7, 102, 102 * 160), 8, 160, Order::Ahead(1), 0).unwrap();
        assert_eq!(next.sequence.wrapping_sub(last.sequence), 1);
        outgoing.local(Turn::Silence, 8, 160, 0);
        assert_eq!(outgoing.relay(&heard(7, 99, 99 * 160), 8, 160, Order::Late, 0), None);
        outgoing.relay(&heard(7, 103, 103 * 160), 8, 160, Order::Ahead(1), 0).unwrap();
        assert_eq!(outgoing.relay(&heard(7, 99, 99 * 160), 8, 160, Order::Late, 0), None);
    }

    #[test]
    fn a_restart_of_the_same_source_is_a_new_turn() {
        let mut outgoing = Outgoing::new(1);
        let before = outgoing.relay(&heard(7, 5, 5), 8, 160, Order::Restart, 0).unwrap();
        let after = outgoing.relay(&heard(7, 20_000, 900_000), 8, 160, Order::Restart, 160).unwrap();
        assert_eq!(after.sequence, before.sequence + 1);
        assert_eq!(after.timestamp.wrapping_sub(before.timestamp), 160);
        assert!(after.marker);
    }

    #[test]
    fn a_press_has_one_timestamp_and_audio_goes_on_after_it() {
        let mut outgoing = Outgoing::new(0);
        let audio = outgoing.local(Turn::Silence, 8, 160, 0);
        let first = outgoing.key(true, 101, 160);
        let second = outgoing.key(false, 101, 320);
        assert_eq!(first.timestamp - audio.timestamp, 160);
        assert_eq!(second.timestamp, first.timestamp);
        assert_eq!(second.sequence, first.sequence + 1);
        let after = outgoing.local(Turn::Silence, 8, 160, 960);
        assert_eq!(after.timestamp - first.timestamp, 800);
    }
}
