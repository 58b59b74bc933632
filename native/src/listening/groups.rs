//! Who listens to whom, and what that makes of each leg.
#![forbid(unsafe_code)]

use super::{Guest, Mode, Refusal, Seat, Voice};
use std::collections::HashMap;

/// More would be a conference.
pub const MAX_LISTENERS: usize = 4;

struct Listener {
    leg: u64,
    mode: Mode,
    voice: Voice,
}

#[derive(Default)]
struct Group {
    heard: Voice,
    said: Voice,
    announced: Voice,
    listeners: Vec<Listener>,
}

impl Group {
    fn agent_seat(&self) -> Seat {
        let guests = self
            .listeners
            .iter()
            .filter(|listener| listener.mode != Mode::Monitor)
            .map(|listener| Guest { voice: listener.voice.clone(), is_heard_by_partner: listener.mode == Mode::Barge });
        Seat {
            heard: Some(self.heard.clone()),
            said: Some(self.said.clone()),
            announced: Some(self.announced.clone()),
            guests: guests.collect(),
            ear: Vec::new(),
        }
    }

    fn listener_seat(&self, listener: &Listener) -> Seat {
        let others = self.listeners.iter().filter(|other| other.leg != listener.leg && other.mode != Mode::Monitor);
        let call = [&self.heard, &self.said, &self.announced];
        Seat {
            heard: (listener.mode != Mode::Monitor).then(|| listener.voice.clone()),
            ear: call.into_iter().chain(others.map(|other| &other.voice)).cloned().collect(),
            ..Seat::default()
        }
    }
}

/// Who listens to whom. What comes back everywhere are the seats that changed by it.
#[derive(Default)]
pub struct Groups(HashMap<u64, Group>); // by agent

pub type Seats = Vec<(u64, Seat)>;

impl Groups {
    /// From now on `listener` listens to `agent` like this, and to nobody else.
    pub fn join(&mut self, listener: u64, agent: u64, mode: Mode) -> Result<Seats, Refusal> {
        if listener == agent {
            return Err(Refusal::Itself);
        }
        if self.0.contains_key(&listener) || self.agent_of(agent).is_some() {
            return Err(Refusal::Chained);
        }
        let is_there = self.agent_of(listener) == Some(agent);
        if !is_there && self.0.get(&agent).is_some_and(|group| group.listeners.len() >= MAX_LISTENERS) {
            return Err(Refusal::Full);
        }
        let mut seats = if is_there { Seats::new() } else { self.leave(listener) };
        let listeners = &mut self.0.entry(agent).or_default().listeners;
        match listeners.iter_mut().find(|other| other.leg == listener) {
            Some(there) => there.mode = mode,
            None => listeners.push(Listener { leg: listener, mode, voice: Voice::default() }),
        }
        seats.extend(self.seats(agent));
        Ok(seats)
    }

    /// The leg listens no longer; nothing changes when it did not.
    pub fn leave(&mut self, listener: u64) -> Seats {
        let Some(agent) = self.agent_of(listener) else { return Seats::new() };
        let mut seats = vec![(listener, Seat::default())];
        if let Some(group) = self.0.get_mut(&agent) {
            group.listeners.retain(|other| other.leg != listener);
            if group.listeners.is_empty() {
                self.0.remove(&agent);
                seats.push((agent, Seat::default()));
            }
        }
        seats.extend(self.seats(agent));
        seats
    }

    /// The leg is gone, as a listener or as whom others listened to.
    pub fn forget(&mut self, leg: u64) -> Seats {
        let mut seats = self.leave(leg);
        if let Some(group) = self.0.remove(&leg) {
            seats.extend(group.listeners.iter().map(|listener| (listener.leg, Seat::default())));
        }
        seats
    }

    pub fn agent_of(&self, listener: u64) -> Option<u64> {
        let listens = |group: &Group| group.listeners.iter().any(|other| other.leg == listener);
        self.0.iter().find(|(_, group)| listens(group)).map(|(&agent, _)| agent)
    }

    fn seats(&self, agent: u64) -> Seats {
        let Some(group) = self.0.get(&agent) else { return Seats::new() };
        let of_listeners = group.listeners.iter().map(|listener| (listener.leg, group.listener_seat(listener)));
        std::iter::once((agent, group.agent_seat())).chain(of_listeners).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::super::Part;
    use super::*;

    /// For each leg of the seats: how many voices it hears, how many guests it mixes in, how many it lends.
    fn shapes(seats: Seats) -> Vec<(u64, usize, usize, usize)> {
        let mut last: HashMap<u64, (usize, usize, usize)> = HashMap::new();
        for (leg, seat) in seats {
            let mut part = Part::default();
            part.take_seat(seat);
            last.insert(leg, (part.seat.ear.len(), part.guests.len(), part.lend().guests.len()));
        }
        let mut shapes: Vec<_> = last.into_iter().map(|(leg, (ear, own, lent))| (leg, ear, own, lent)).collect();
        shapes.sort_unstable();
        shapes
    }

    #[test]
    fn each_mode_seats_everybody() {
        let mut groups = Groups::default();
        assert_eq!(shapes(groups.join(1, 9, Mode::Monitor).unwrap()), [(1, 3, 0, 0), (9, 0, 0, 0)]);
        assert_eq!(shapes(groups.join(1, 9, Mode::Whisper).unwrap()), [(1, 3, 0, 0), (9, 0, 1, 0)]);
        assert_eq!(shapes(groups.join(2, 9, Mode::Barge).unwrap()), [(1, 4, 0, 0), (2, 4, 0, 0), (9, 0, 2, 1)]);
        assert_eq!(
            shapes(groups.join(1, 8, Mode::Monitor).unwrap()),
            [(1, 3, 0, 0), (2, 3, 0, 0), (8, 0, 0, 0), (9, 0, 1, 1)]
        );
        assert_eq!(shapes(groups.leave(1)), [(1, 0, 0, 0), (8, 0, 0, 0)]);
        assert_eq!(shapes(groups.forget(9)), [(2, 0, 0, 0)]);
        assert!(groups.forget(9).is_empty() && groups.0.is_empty());
    }

    #[test]
    fn what_makes_no_sense_is_refused_and_changes_nothing() {
        let mut groups = Groups::default();
        for listener in 1..=MAX_LISTENERS as u64 {
            assert!(groups.join(listener, 9, Mode::Monitor).is_ok());
        }
        assert!(groups.join(1, 9, Mode::Barge).is_ok());
        assert_eq!(groups.join(50, 9, Mode::Monitor).err(), Some(Refusal::Full));
        assert_eq!(groups.join(9, 9, Mode::Monitor).err(), Some(Refusal::Itself));
        assert_eq!(groups.join(9, 50, Mode::Monitor).err(), Some(Refusal::Chained));
        assert_eq!(groups.join(50, 1, Mode::Monitor).err(), Some(Refusal::Chained));
        assert_eq!(groups.agent_of(50), None);
        assert_eq!(groups.agent_of(2), Some(9));
    }
}
