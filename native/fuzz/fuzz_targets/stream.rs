//! Any series of packets through all that a stream passes (counting, order, time, tap, recording, sending on): no
//! panic, sequence numbers come out of the window in order, tap positions without a hole.
#![no_main]

use dialer_native::g711::Codec;
use dialer_native::outgoing::{Outgoing, Turn};
use dialer_native::receive::{Order, Receiver};
use dialer_native::reorder::{Frame, Reorder, Step};
use dialer_native::spool::Take;
use dialer_native::tap::{Block, Tap};
use dialer_native::timeline::Timeline;
use dialer_native::wire::rtp::Header;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|packets: Vec<(u16, u32, u8, u16, bool)>| {
    let (mut receiver, mut timeline, mut reorder) = (Receiver::default(), Timeline::default(), Reorder::default());
    let (mut tap, mut take, mut outgoing) = (Tap::new(0, 160), Take::new(0, 0), Outgoing::new(77));
    let (mut now, mut tapped, mut lost) = (0i64, 0u64, 0u16);
    for (sequence, timestamp, length, wait, is_audio) in packets {
        now += i64::from(wait % 2000);
        let order = receiver.packet(sequence, timestamp, now);
        let _ = receiver.report();
        if order == Order::Duplicate {
            continue;
        }
        let header = Header { marker: false, payload_type: 8, sequence, timestamp, ssrc: 1 };
        let _ = outgoing.relay(&header, 8, u32::from(length), order, now);
        if length == 0 {
            let _ = outgoing.local(Turn::Silence, 8, 160, now);
        }
        let expected_step = match order {
            Order::Ahead(step) => Some(i64::from(step) * i64::from(length)),
            _ => None,
        };
        let position = timeline.place(timestamp, expected_step, now);
        assert!((now - position).abs() <= 1 << 32);
        let payload = vec![0x55; usize::from(length)];
        let frame = Frame { sequence, position, codec: is_audio.then_some(Codec::Pcma), payload: &payload };
        let mut last: Option<u16> = None;
        let mut consume = |step: Step<'_>| {
            let frame = match step {
                Step::Frame(frame) => frame,
                Step::Lost(count) => {
                    lost = lost.saturating_add(count);
                    return;
                }
            };
            let samples = i64::from(std::mem::take(&mut lost)) * frame.payload.len() as i64;
            assert!(last.is_none_or(|last| frame.sequence.wrapping_sub(last) < 0x8000 || order == Order::Restart));
            last = Some(frame.sequence);
            take.audio(0, frame.position, Codec::Pcma, frame.payload);
            // Far positions only cost silence here; the engine's timeline keeps them near.
            if frame.position < now + 32_000 {
                let mut emit = |block: Block<'_>| {
                    assert_eq!(block.position, tapped);
                    tapped += 160;
                };
                tap.lost(samples, frame.position, &mut emit);
                tap.audio(frame.position, Codec::Pcma, frame.payload, &mut emit);
            }
        };
        if order == Order::Restart {
            reorder.flush(&mut consume);
        }
        reorder.push(frame, now, &mut consume);
        reorder.poll(now, &mut consume);
    }
});
