//! Any series of telephone events: no panic, no more keys than distinct timestamps, what is written reads back.
#![no_main]

use dialer_native::wire::dtmf::{code_of, KeyListener, KeyPresser, TelephoneEvent};
use libfuzzer_sys::fuzz_target;
use std::collections::HashSet;

fuzz_target!(|data: (Vec<(u32, [u8; 5])>, Vec<u8>)| {
    let (packets, keys) = data;
    let mut listener = KeyListener::default();
    let mut timestamps = HashSet::new();
    let mut heard = 0;
    for (timestamp, payload) in &packets {
        let length = usize::from(payload[4] % 6).min(5);
        let Some(event) = TelephoneEvent::parse(&payload[..length]) else { continue };
        assert_eq!(TelephoneEvent::parse(&event.to_bytes()), Some(event));
        timestamps.insert(*timestamp);
        if let Some(key) = listener.hear(event, *timestamp) {
            assert_eq!(code_of(key as u8), Some(event.code));
            heard += 1;
        }
    }
    // Timestamps that go round the circle may come back; a listener never tells more than it was given.
    assert!(heard <= packets.len() && (heard == 0 || !timestamps.is_empty()));
    let mut presser = KeyPresser::default();
    presser.press(&keys);
    let wanted = keys.iter().filter(|&&key| code_of(key).is_some()).count();
    let firsts = (0..keys.len() * 12).filter_map(|_| presser.next_frame()).filter(|press| press.first).count();
    assert_eq!(firsts, wanted);
});
