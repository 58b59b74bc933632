//! The far end's first packets, kept until somebody listens: media is often faster than the signalling that makes us
//! listen, and the first word is what a detector waits for.
#![forbid(unsafe_code)]

use crate::g711::Codec;

const MAX_FRAMES: usize = 25;
/// Nobody who asks later than this wants them: 500 ms.
const MAX_AGE: i64 = 4000;

pub struct Frame {
    pub position: i64,
    pub codec: Codec,
    pub payload: Vec<u8>,
}

/// Open until the first tap, or until more came than is worth keeping.
pub struct Beginning(Option<Vec<Frame>>);

impl Default for Beginning {
    fn default() -> Self {
        Self(Some(Vec::new()))
    }
}

impl Beginning {
    pub fn is_open(&self) -> bool {
        self.0.is_some()
    }

    /// Takes the next frame in order.
    pub fn keep(&mut self, position: i64, codec: Codec, payload: &[u8]) {
        if self.0.as_ref().is_some_and(|frames| frames.len() == MAX_FRAMES) {
            self.0 = None;
        }
        if let Some(frames) = &mut self.0 {
            frames.push(Frame { position, codec, payload: payload.to_vec() });
        }
    }

    /// What was kept, unless it is old; nothing is kept from here on.
    pub fn take(&mut self, now: i64) -> Vec<Frame> {
        let frames = self.0.take().unwrap_or_default();
        let is_recent = frames.first().is_some_and(|first| now - first.position <= MAX_AGE);
        if is_recent {
            frames
        } else {
            Vec::new()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kept(count: i64) -> Beginning {
        let mut beginning = Beginning::default();
        (0..count).for_each(|index| beginning.keep(160 * index, Codec::Pcma, &[0xD5; 160]));
        beginning
    }

    #[test]
    fn it_is_given_once() {
        let mut beginning = kept(3);
        let positions: Vec<i64> = beginning.take(480).iter().map(|frame| frame.position).collect();
        assert_eq!(positions, [0, 160, 320]);
        assert!(!beginning.is_open());
        assert!(beginning.take(480).is_empty());
    }

    #[test]
    fn old_packets_and_many_packets_are_not_kept() {
        assert_eq!(kept(3).take(MAX_AGE).len(), 3);
        assert!(kept(3).take(MAX_AGE + 1).is_empty());
        assert_eq!(kept(MAX_FRAMES as i64).take(4000).len(), MAX_FRAMES);
        assert!(!kept(MAX_FRAMES as i64 + 1).is_open());
    }
}
