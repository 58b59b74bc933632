//! A leg's part in listening: what third parties hear of it, and what it hears of them.
#![forbid(unsafe_code)]

use super::{Leg, Moment, FRAME_SAMPLES};
use crate::g711::Codec;
use crate::listening::{Loan, Part, Seat, Source};
use crate::outgoing::Turn;
use crate::receive::Order;
use crate::spool::NEAR_END;
use crate::wire::rtp::{self, HEADER_LEN};

impl Leg {
    pub fn take_seat(&mut self, seat: Seat) {
        self.change_part(|part| part.take_seat(seat));
    }

    /// Takes what the leg it is bridged with lends.
    pub fn borrow(&mut self, loan: Loan) {
        if self.listening.is_some() || !loan.is_empty() {
            self.change_part(|part| part.borrow(loan));
        }
    }

    pub fn lend(&self) -> Loan {
        self.listening.as_ref().map_or_else(Loan::default, |part| part.lend())
    }

    fn change_part(&mut self, change: impl FnOnce(&mut Part)) {
        let mut part = self.listening.take().unwrap_or_default();
        change(&mut part);
        self.listening = Some(part).filter(|part| !part.is_empty());
    }

    pub(super) fn has_guests(&self) -> bool {
        self.listening.as_ref().is_some_and(|part| part.has_guests())
    }

    pub(super) fn has_ear(&self) -> bool {
        self.listening.as_ref().is_some_and(|part| !part.seat.ear.is_empty())
    }

    /// Keeps what was heard for those who listen.
    pub(super) fn keep_heard(&self, position: i64, codec: Codec, payload: &[u8], order: Order) {
        if let Some(voice) = self.listening.as_ref().and_then(|part| part.seat.heard.as_ref()) {
            voice.write(position, codec, payload, is_after_loss(order));
        }
    }

    /// Audio on its way out: kept for those who listen, guests mixed in, recorded.
    pub(super) fn pass(&mut self, source: Source, codec: Codec, timestamp: u32, payload: &mut [u8], now: i64) {
        if self.listening.is_none() && self.recording.is_none() {
            self.sent_timeline.reset(); // who asks for it later must not get places that are hours old
            return;
        }
        let position = self.sent_timeline.place(timestamp, None, now);
        if let Some(part) = &mut self.listening {
            part.keep(source, position, codec, payload);
            part.add_guests(source, timestamp, now, codec, payload);
        }
        if let Some(recording) = &mut self.recording {
            recording.take.audio(NEAR_END, position, codec, payload);
        }
    }

    /// The next frame of what a listener hears.
    pub(super) fn speak_ear(&mut self, codec: Codec, packet: &mut [u8], moment: &Moment<'_>) {
        let Some(part) = &self.listening else { return };
        part.listen(self.speak_at - FRAME_SAMPLES, codec, &mut packet[HEADER_LEN..]);
        let header = self.outgoing.local(Turn::Mix, codec.payload_type(), FRAME_SAMPLES as u32, moment.now);
        rtp::write_header(&header, packet);
        self.send(packet, moment);
    }
}

/// Whether packets before this one are missing.
pub(super) fn is_after_loss(order: Order) -> bool {
    matches!(order, Order::Ahead(step) if step > 1)
}
