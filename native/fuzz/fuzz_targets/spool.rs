//! Any file: the reader does not panic. Any sequence of calls: what a take writes is read back whole, and no channel
//! overlaps itself.
#![no_main]

use dialer_native::g711::Codec;
use dialer_native::spool::{read, Record, Take};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: (&[u8], Vec<(bool, bool, i32, u8)>)| {
    let (file, calls) = data;
    let _ = read(file);
    let mut take = Take::new(0, 0);
    for &(is_audio, channel, position, length) in &calls {
        if is_audio {
            take.audio(u8::from(channel), i64::from(position), Codec::Pcma, &vec![1; usize::from(length)]);
        } else {
            take.lost(u8::from(channel), u32::from(length) * 160, i64::from(position));
        }
    }
    take.end(0);
    let written = take.collect();
    let records = read(&written).expect("a take begins with a header");
    let mut ends = [0u64; 2];
    for record in &records {
        let (channel, position, samples) = match record {
            Record::Audio { channel, position, payload, .. } => (*channel, *position, payload.len() as u64),
            Record::Lost { channel, position, samples } => (*channel, *position, u64::from(*samples)),
            Record::End { length } => {
                assert!(u64::from(*length) >= ends[0].max(ends[1]));
                continue;
            }
        };
        let end = &mut ends[usize::from(channel)];
        assert!(u64::from(position) >= *end);
        *end = u64::from(position) + samples;
    }
    assert!(matches!(records.last(), Some(Record::End { .. })));
});
