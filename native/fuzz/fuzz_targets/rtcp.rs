//! Any compound packet: no panic; a report block read from it survives being written and read again.
#![no_main]

use dialer_native::wire::rtcp::{parse, write, Report, MAX_LEN};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: (u32, &[u8])| {
    let (our_ssrc, bytes) = data;
    let Some(heard) = parse(bytes, our_ssrc) else { return };
    let (ssrc, sender) = heard.sender.map_or((1, None), |(ssrc, info)| (ssrc, Some(info)));
    let report = Report { ssrc, sender, block: heard.about_us, cname: "fuzz", goodbye: heard.goodbye };
    let mut out = [0; MAX_LEN];
    let length = write(&report, &mut out);
    let again = parse(&out[..length], our_ssrc).expect("what is written is valid");
    assert_eq!(again, heard);
});
