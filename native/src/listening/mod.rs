//! A third party on a call: a listener's leg hears an agent's leg, and may be heard.
//!
//! Whoever a third party is to hear writes what it says into a `Voice`: the last half second, each sample at its place on
//! the engine's clock. Whoever hears reads `DELAY` behind the clock. So nobody waits for anybody: what is late or out of
//! order lies where it belongs, several may read one voice, and the two legs may live on different workers; a voice's lock
//! is held for one packet's copy. The conversation itself is relayed as before, without the delay; a guest's voice is mixed
//! into its packets as they pass.
//!
//! `Groups` says who listens to whom, and gives each leg its `Seat`: what it writes and what it hears. A seat stays with
//! its leg over every call; what the leg it is bridged with just now is to hear, it lends to it.
#![forbid(unsafe_code)]

mod groups;
mod voice;

use crate::g711::Codec;
use crate::timeline::Timeline;

pub use groups::{Groups, Seats, MAX_LISTENERS};
pub use voice::{Voice, DELAY};

use voice::mix;

/// Who hears the listener: nobody, the agent, or the agent's partner as well.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    Monitor,
    Whisper,
    Barge,
}

/// Why a leg cannot listen to another.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Refusal {
    Closed,
    Itself,
    /// The listener is listened to, or the agent listens.
    Chained,
    Full,
}

impl Refusal {
    pub fn words(self) -> &'static str {
        match self {
            Self::Closed => "one of the legs is closed",
            Self::Itself => "a leg cannot listen to itself",
            Self::Chained => "a leg that listens cannot be listened to",
            Self::Full => "as many listen to this leg as may",
        }
    }
}

/// A listener who is heard, too.
struct Guest {
    voice: Voice,
    is_heard_by_partner: bool,
}

/// What listening asks of one leg.
#[derive(Default)]
pub struct Seat {
    /// Where it writes what its far end says,
    pub heard: Option<Voice>,
    /// and what that one is told, but for guests.
    pub said: Option<Voice>,
    /// Where its partner writes what is played to the partner's far end.
    announced: Option<Voice>,
    guests: Vec<Guest>,
    /// What its far end hears: a listener's seat.
    pub ear: Vec<Voice>,
}

/// What a leg lends to the one it is bridged with.
#[derive(Default)]
pub struct Loan {
    guests: Vec<Voice>,
    announced: Option<Voice>,
}

impl Loan {
    pub fn is_empty(&self) -> bool {
        self.guests.is_empty() && self.announced.is_none()
    }
}

/// Whose audio passes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Source {
    Partner { is_after_loss: bool },
    Play,
    Silence,
}

/// A leg's part in listening; a leg that has none carries nothing.
#[derive(Default)]
pub struct Part {
    pub seat: Seat,
    loan: Loan,
    guests: Vec<Voice>,
    /// Guests live on the clock. Outgoing timestamps gain on it, as each change of who speaks begins a whole frame after
    /// the last: read at their places, a guest would not have spoken yet.
    guests_timeline: Timeline,
}

impl Part {
    pub fn is_empty(&self) -> bool {
        let seat = &self.seat;
        self.loan.is_empty() && seat.heard.is_none() && seat.said.is_none() && seat.ear.is_empty()
    }

    pub fn take_seat(&mut self, seat: Seat) {
        self.seat = seat;
        self.gather();
    }

    pub fn borrow(&mut self, loan: Loan) {
        self.loan = loan;
        self.gather();
    }

    fn gather(&mut self) {
        let own = self.seat.guests.iter().map(|guest| &guest.voice);
        self.guests = own.chain(&self.loan.guests).cloned().collect();
    }

    /// What the leg it is bridged with needs of it.
    pub fn lend(&self) -> Loan {
        let guests = self.seat.guests.iter().filter(|guest| guest.is_heard_by_partner);
        Loan { guests: guests.map(|guest| guest.voice.clone()).collect(), announced: self.seat.announced.clone() }
    }

    /// One frame of what a listener hears at `now`, over what is in `codes`.
    pub fn listen(&self, now: i64, codec: Codec, codes: &mut [u8]) {
        mix(&self.seat.ear, now, codec, codes);
    }

    pub fn has_guests(&self) -> bool {
        !self.guests.is_empty()
    }

    /// Keeps audio on its way out at `position` for listeners.
    pub fn keep(&self, source: Source, position: i64, codec: Codec, codes: &[u8]) {
        let is_after_loss = source == Source::Partner { is_after_loss: true };
        let announced = self.loan.announced.as_ref().filter(|_| source == Source::Play);
        let said = self.seat.said.as_ref().filter(|_| source != Source::Silence);
        for voice in said.into_iter().chain(announced) {
            voice.write(position, codec, codes, is_after_loss);
        }
    }

    /// Mixes guests into audio on its way out under `timestamp`. A play is left alone.
    pub fn add_guests(&mut self, source: Source, timestamp: u32, now: i64, codec: Codec, codes: &mut [u8]) {
        if source != Source::Play && self.has_guests() {
            mix(&self.guests, self.guests_timeline.place_near(timestamp, now), codec, codes);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashMap;

    #[test]
    fn a_play_is_kept_for_listeners_and_nobody_speaks_over_it() {
        let mut groups = Groups::default();
        let mut seats: HashMap<u64, Seat> = groups.join(1, 9, Mode::Barge).unwrap().into_iter().collect();
        let guest = seats[&1].heard.clone().unwrap();
        let ear = seats[&1].ear.clone();
        guest.write(0, Codec::Pcma, &[Codec::Pcma.encode(5000); 320], false);
        let (mut agent, mut partner) = (Part::default(), Part::default());
        assert!(agent.is_empty() && partner.is_empty());
        agent.take_seat(seats.remove(&9).unwrap());
        partner.borrow(agent.lend());
        let played = [Codec::Pcma.encode(1000); 160];
        let mut sent = played;
        partner.keep(Source::Play, DELAY, Codec::Pcma, &sent);
        partner.add_guests(Source::Play, 0, DELAY, Codec::Pcma, &mut sent);
        assert_eq!(sent, played);
        let mut heard = [0];
        ear.iter().for_each(|voice| voice.add_to(&mut heard, DELAY));
        assert!((heard[0] - 1000).abs() < 50);
        for part in [&mut partner, &mut agent] {
            let mut sent = played;
            part.add_guests(Source::Partner { is_after_loss: false }, 0, DELAY, Codec::Pcma, &mut sent);
            assert!((i32::from(Codec::Pcma.decode(sent[9])) - 6000).abs() < 300);
        }
        partner.borrow(Loan::default());
        assert!(partner.is_empty());
    }
}
