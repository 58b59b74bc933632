//! Any datagram: no panic, the payload lies inside it and leaves room for a header before it; a rewritten header reads
//! back.
#![no_main]

use dialer_native::wire::rtp::{parse, write_header, HEADER_LEN};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    let Some(packet) = parse(data) else { return };
    assert!(packet.payload.start >= HEADER_LEN && packet.payload.end <= data.len());
    let mut again = data.to_vec();
    let start = packet.payload.start - HEADER_LEN;
    write_header(&packet.header, &mut again[start..]);
    let reread = parse(&again[start..packet.payload.end]).expect("what is written is valid");
    assert_eq!(reread.header, packet.header);
    assert_eq!(reread.payload.len(), packet.payload.len());
});
