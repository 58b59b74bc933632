//! Any file: the reader does not panic. Any sequence of calls: what a take writes is read back whole, and no channel
//! overlaps itself or is written in a pause.
#![no_main]

use dialer_native::g711::Codec;
use dialer_native::spool::{read, Record, Take};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: (&[u8], Vec<(u8, bool, i32, u8)>)| {
    let (file, calls) = data;
    let _ = read(file);
    let mut take = Take::new(0, 0);
    for &(call, channel, position, length) in &calls {
        let (channel, position) = (u8::from(channel), i64::from(position));
        match call % 8 {
            0 => drop(take.pause(position)),
            1 => drop(take.resume(position)),
            2 => take.lost(channel, u32::from(length) * 160, position),
            3 => take.audio(channel, position, Codec::Pcmu, &vec![1; usize::from(length)]),
            _ => take.audio(channel, position, Codec::Pcma, &vec![1; usize::from(length)]),
        }
    }
    take.end(0);
    let written = take.collect();
    let records = read(&written).expect("a take begins with a header");
    let (mut ends, mut is_paused) = ([0u64; 2], false);
    for record in &records {
        let (channel, position, samples) = match record {
            Record::Audio { channel, position, payload, .. } => (*channel, *position, payload.len() as u64),
            Record::Lost { channel, position, samples } => (*channel, *position, u64::from(*samples)),
            Record::End { length } => {
                assert!(u64::from(*length) >= ends[0].max(ends[1]));
                continue;
            }
            Record::Paused { position } | Record::Resumed { position } => {
                assert!(u64::from(*position) >= ends[0].max(ends[1]));
                ends = [u64::from(*position); 2];
                is_paused = matches!(record, Record::Paused { .. });
                continue;
            }
        };
        assert!(!is_paused);
        let end = &mut ends[usize::from(channel)];
        assert!(u64::from(position) >= *end);
        *end = u64::from(position) + samples;
    }
    assert!(matches!(records.last(), Some(Record::End { .. })));
});
