//! Whom a leg listens to: symmetric RTP with a locked source.
//!
//! SDP names the far end, but behind NAT its packets come from elsewhere; so the first valid packet after the far end
//! was named locks its source, and everything else is ignored, but for the named address: whenever that one is heard, the
//! lock is its own. So nobody keeps a call's audio by having been first.
#![forbid(unsafe_code)]

use std::net::SocketAddr;

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
    locked: Option<SocketAddr>,
}

impl SourceLock {
    pub fn new(named: SocketAddr) -> Self {
        Self { named, locked: None }
    }

    /// Where packets go: to the locked source, before that to the named address.
    pub fn target(&self) -> SocketAddr {
        self.locked.unwrap_or(self.named)
    }

    /// Judges a valid packet from `from`.
    pub fn admit(&mut self, from: SocketAddr) -> Admission {
        match self.locked {
            Some(source) if source == from => Admission::Known,
            Some(_) if from != self.named => Admission::Ignored,
            _ => {
                self.locked = Some(from);
                Admission::Locked
            }
        }
    }

    /// The lock cannot change any more, so the kernel may filter: the socket can be connected to the source.
    pub fn settled(&self) -> Option<SocketAddr> {
        self.locked.filter(|&source| source == self.named)
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
        assert_eq!(lock.admit(address(2)), Admission::Locked);
        assert_eq!(lock.admit(address(3)), Admission::Ignored);
        assert_eq!(lock.admit(address(2)), Admission::Known);
        assert_eq!((lock.target(), lock.settled()), (address(2), None));
    }

    #[test]
    fn the_named_address_takes_the_lock_whenever_it_is_heard() {
        let mut lock = SourceLock::new(address(1));
        lock.admit(address(2));
        assert_eq!(lock.admit(address(1)), Admission::Locked);
        assert_eq!((lock.target(), lock.settled()), (address(1), Some(address(1))));
        assert_eq!(lock.admit(address(2)), Admission::Ignored);
        assert_eq!(lock.admit(address(1)), Admission::Known);
    }
}
