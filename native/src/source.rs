//! Whom a leg listens to: symmetric RTP with a locked source.
//!
//! SDP names the far end, but behind NAT its packets come from elsewhere; so the first valid packet after the far end
//! was named locks its source, and everything else is ignored. An intruder who was first loses the lock to the named
//! address when that one is heard within `LEARNING_SAMPLES`.
#![forbid(unsafe_code)]

use std::net::SocketAddr;

const LEARNING_SAMPLES: i64 = 8_000; // 1 s

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Admission {
    /// This packet locked its source.
    Locked,
    Known,
    Ignored,
}

#[derive(Debug)]
pub struct SourceLock {
    named: SocketAddr,
    locked: Option<(SocketAddr, i64)>,
}

impl SourceLock {
    pub fn new(named: SocketAddr) -> Self {
        Self { named, locked: None }
    }

    pub fn named(&self) -> SocketAddr {
        self.named
    }

    /// Where packets go: to the locked source, before that to the named address.
    pub fn target(&self) -> SocketAddr {
        self.locked.map_or(self.named, |(source, _)| source)
    }

    /// Judges a valid packet from `from` at `now` (samples).
    pub fn admit(&mut self, from: SocketAddr, now: i64) -> Admission {
        match self.locked {
            Some((source, _)) if source == from => Admission::Known,
            Some((_, since)) if from != self.named || now - since > LEARNING_SAMPLES => Admission::Ignored,
            _ => {
                self.locked = Some((from, now));
                Admission::Locked
            }
        }
    }

    /// The lock cannot change any more, so the kernel may filter: the socket can be connected to the source.
    pub fn settled(&self, now: i64) -> Option<SocketAddr> {
        let (source, since) = self.locked?;
        (source == self.named || now - since > LEARNING_SAMPLES).then_some(source)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn address(port: u16) -> SocketAddr {
        SocketAddr::from(([127, 0, 0, 1], port))
    }

    #[test]
    fn the_first_source_is_locked_and_others_are_ignored() {
        let mut lock = SourceLock::new(address(1));
        assert_eq!(lock.target(), address(1));
        assert_eq!(lock.admit(address(2), 0), Admission::Locked);
        assert_eq!(lock.admit(address(3), 1), Admission::Ignored);
        assert_eq!(lock.admit(address(2), 2), Admission::Known);
        assert_eq!(lock.target(), address(2));
    }

    #[test]
    fn the_named_address_takes_the_lock_from_an_early_intruder() {
        let mut lock = SourceLock::new(address(1));
        lock.admit(address(2), 0);
        assert_eq!(lock.settled(LEARNING_SAMPLES), None);
        assert_eq!(lock.admit(address(1), LEARNING_SAMPLES), Admission::Locked);
        assert_eq!(lock.settled(LEARNING_SAMPLES), Some(address(1)));
        assert_eq!(lock.admit(address(2), LEARNING_SAMPLES + 1), Admission::Ignored);
    }

    #[test]
    fn after_learning_the_lock_stays() {
        let mut lock = SourceLock::new(address(1));
        lock.admit(address(2), 0);
        assert_eq!(lock.settled(LEARNING_SAMPLES + 1), Some(address(2)));
        assert_eq!(lock.admit(address(1), LEARNING_SAMPLES + 1), Admission::Ignored);
    }
}
