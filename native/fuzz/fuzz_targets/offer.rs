//! Any text as a browser's offer: an answer or a refusal in words, no panic. Half of the inputs are changes of a real one.
#![no_main]

use dialer_native::browser::Answerer;
use libfuzzer_sys::fuzz_target;
use std::net::SocketAddr;
use std::sync::LazyLock;

const REAL: &str = include_str!("../offer.sdp");

static ANSWERER: LazyLock<Answerer> = LazyLock::new(|| Answerer::new().expect("a certificate"));

fuzz_target!(|input: (Vec<(u16, u16, String)>, String)| {
    let (changes, text) = input;
    let mut offer = REAL.to_owned();
    for (at, length, put) in changes {
        let (from, to) = (usize::from(at) % offer.len().max(1), usize::from(length % 64));
        if offer.get(from..from + to).is_some() {
            offer.replace_range(from..from + to, &put);
        }
    }
    let local = SocketAddr::from(([127, 0, 0, 1], 9));
    for offer in [offer, text] {
        match ANSWERER.answer(&offer, local) {
            Ok((_, answer)) => assert!(answer.contains("a=ice-lite")),
            Err(words) => assert!(!words.is_empty()),
        }
    }
});
