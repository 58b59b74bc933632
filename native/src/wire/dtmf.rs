//! Keys as telephone events (RFC 4733 §2): the payload, hearing each key once, and pressing keys.
#![forbid(unsafe_code)]

pub const PAYLOAD_LEN: usize = 4;
/// How long a key is held when we press it, in samples at 8 kHz: 100 ms.
pub const PRESS_SAMPLES: u16 = 800;
/// The end of an event is sent this often (RFC 4733 §2.5.1.4).
pub const END_PACKETS: u8 = 3;
/// Silence between two keys, in frames of 20 ms.
const PAUSE_FRAMES: u8 = 4;
const FRAME_SAMPLES: u16 = 160;
const VOLUME: u8 = 10; // -10 dBm0
const KEYS: &[u8; 16] = b"0123456789*#ABCD";

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TelephoneEvent {
    pub code: u8,
    pub end: bool,
    pub volume: u8,
    pub duration: u16,
}

impl TelephoneEvent {
    /// The first event of a payload; `None` when it is too short.
    pub fn parse(payload: &[u8]) -> Option<Self> {
        let bytes: [u8; PAYLOAD_LEN] = payload.get(..PAYLOAD_LEN)?.try_into().ok()?;
        Some(Self {
            code: bytes[0],
            end: bytes[1] & 0x80 != 0,
            volume: bytes[1] & 0x3f,
            duration: u16::from_be_bytes([bytes[2], bytes[3]]),
        })
    }

    pub fn to_bytes(self) -> [u8; PAYLOAD_LEN] {
        let [high, low] = self.duration.to_be_bytes();
        [self.code, (u8::from(self.end) << 7) | (self.volume & 0x3f), high, low]
    }
}

/// The key of an event code; `None` for events that are no keys (flash, tones).
pub fn key_of(code: u8) -> Option<char> {
    KEYS.get(usize::from(code)).map(|&key| char::from(key))
}

/// The event code of a key; letters in either case.
pub fn code_of(key: u8) -> Option<u8> {
    let upper = key.to_ascii_uppercase();
    KEYS.iter().position(|&known| known == upper).map(|code| code as u8)
}

/// Tells each key once, whichever of its packets arrive: all packets of one key press share a timestamp.
#[derive(Debug, Default)]
pub struct KeyListener {
    last: Option<(u32, TelephoneEvent)>,
}

impl KeyListener {
    /// The key, when this packet is the first one seen of its press.
    pub fn hear(&mut self, event: TelephoneEvent, timestamp: u32) -> Option<char> {
        if let Some((last_timestamp, last)) = self.last {
            let step = timestamp.wrapping_sub(last_timestamp);
            if step as i32 <= 0 {
                if step == 0 && event.duration >= last.duration {
                    self.last = Some((timestamp, event));
                }
                return None;
            }
            // A key held longer than a duration can say goes on in a new segment (RFC 4733 §2.5.1.3).
            if step == 0xffff && last.code == event.code && !last.end {
                self.last = Some((timestamp, event));
                return None;
            }
        }
        self.last = Some((timestamp, event));
        key_of(event.code)
    }

    /// Another source, or another stream of it: timestamps start anew.
    pub fn reset(&mut self) {
        self.last = None;
    }
}

/// What to send in one 20 ms frame of a press.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Press {
    pub event: TelephoneEvent,
    /// The first packet of this press: carries the marker and fixes the timestamp of all of them.
    pub first: bool,
}

/// Presses keys one after the other, one packet per 20 ms frame.
#[derive(Debug, Default)]
pub struct KeyPresser {
    codes: std::collections::VecDeque<u8>,
    duration: u16,
    ends_sent: u8,
    pause: u8,
}

impl KeyPresser {
    /// Appends keys; what is no key is left out.
    pub fn press(&mut self, keys: &[u8]) {
        self.codes.extend(keys.iter().filter_map(|&key| code_of(key)));
    }

    /// A press is under way: audio waits.
    pub fn is_pressing(&self) -> bool {
        !self.codes.is_empty() && self.pause == 0
    }

    /// The packet of this frame, or `None` when audio may be sent.
    pub fn next_frame(&mut self) -> Option<Press> {
        if self.pause > 0 {
            self.pause -= 1;
            return None;
        }
        let code = *self.codes.front()?;
        let first = self.duration == 0;
        self.duration = (self.duration + FRAME_SAMPLES).min(PRESS_SAMPLES);
        let end = self.duration == PRESS_SAMPLES;
        let event = TelephoneEvent { code, end, volume: VOLUME, duration: self.duration };
        if end {
            self.ends_sent += 1;
            if self.ends_sent == END_PACKETS {
                self.codes.pop_front();
                *self = Self { codes: std::mem::take(&mut self.codes), pause: PAUSE_FRAMES, ..Self::default() };
            }
        }
        Some(Press { event, first })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn event(code: u8, end: bool, duration: u16) -> TelephoneEvent {
        TelephoneEvent { code, end, volume: 10, duration }
    }

    #[test]
    fn what_is_written_is_read() {
        let original = event(11, true, 0x1234);
        assert_eq!(TelephoneEvent::parse(&original.to_bytes()), Some(original));
        assert_eq!(TelephoneEvent::parse(&[1, 2, 3]), None);
    }

    #[test]
    fn keys_and_codes_agree() {
        for code in 0..16 {
            assert_eq!(code_of(key_of(code).unwrap() as u8), Some(code));
        }
        assert_eq!(key_of(16), None);
        assert_eq!(code_of(b'd'), Some(15));
        assert_eq!(code_of(b'x'), None);
    }

    #[test]
    fn a_press_is_told_once_however_many_packets_arrive() {
        let mut listener = KeyListener::default();
        assert_eq!(listener.hear(event(5, false, 160), 1000), Some('5'));
        assert_eq!(listener.hear(event(5, false, 320), 1000), None);
        assert_eq!(listener.hear(event(5, true, 800), 1000), None);
        assert_eq!(listener.hear(event(5, true, 800), 1000), None);
        assert_eq!(listener.hear(event(5, false, 160), 3000), Some('5')); // the same key again
        assert_eq!(listener.hear(event(5, true, 800), 1000), None); // a late repetition of the first
    }

    #[test]
    fn only_the_last_end_packet_arriving_is_enough() {
        let mut listener = KeyListener::default();
        assert_eq!(listener.hear(event(9, true, 800), u32::MAX - 5), Some('9'));
        assert_eq!(listener.hear(event(1, true, 800), 900), Some('1')); // over the wrap
    }

    #[test]
    fn a_key_held_very_long_is_one_press() {
        let mut listener = KeyListener::default();
        assert_eq!(listener.hear(event(3, false, 0xffff), 50), Some('3'));
        assert_eq!(listener.hear(event(3, false, 160), 50 + 0xffff), None);
        assert_eq!(listener.hear(event(3, true, 320), 50 + 0xffff), None);
        assert_eq!(listener.hear(event(3, false, 160), 50 + 0xffff + 4000), Some('3'));
    }

    #[test]
    fn a_press_has_one_marker_growing_durations_and_three_ends() {
        let mut presser = KeyPresser::default();
        presser.press(b"1x#");
        let frames: Vec<_> = std::iter::from_fn(|| presser.next_frame()).collect();
        assert_eq!(frames.iter().filter(|frame| frame.first).count(), 1);
        let durations: Vec<_> = frames.iter().map(|frame| frame.event.duration).collect();
        assert_eq!(durations, [160, 320, 480, 640, 800, 800, 800]);
        assert_eq!(frames.iter().filter(|frame| frame.event.end).count(), usize::from(END_PACKETS));
        assert!((1..PAUSE_FRAMES).all(|_| presser.next_frame().is_none()));
        assert_eq!(presser.next_frame().unwrap().event.code, code_of(b'#').unwrap());
    }
}
