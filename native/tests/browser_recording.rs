//! A call's recording while its collector's page is loaded again: a gap, no damage.

mod support;

use dialer_native::events::Kind;
use dialer_native::g711::Codec;
use support::{plain_packet, Browser, House, PAYLOAD};

const HEADER: usize = 32;
const SYNC: [u8; 2] = 0x5AA5_u16.to_le_bytes();
const AUDIO: u8 = 1;
const END: u8 = 3;
const NEAR_END: u8 = 1;

struct Record {
    kind: u8,
    channel: u8,
    position: usize,
    payload: Vec<u8>,
}

/// Every record of a spool, each with its check-sum right.
fn records(bytes: &[u8]) -> Vec<Record> {
    let mut rest = &bytes[HEADER..];
    let mut found = Vec::new();
    while !rest.is_empty() {
        let length = usize::from(u16::from_le_bytes([rest[8], rest[9]]));
        let (record, after) = rest.split_at(12 + length + 4);
        let (body, sum) = record.split_at(12 + length);
        assert_eq!(body[..2], SYNC);
        assert_eq!(crc32fast::hash(body).to_le_bytes(), sum);
        let position = u32::from_le_bytes([body[4], body[5], body[6], body[7]]) as usize;
        found.push(Record { kind: body[2], channel: body[3], position, payload: body[12..].to_vec() });
        rest = after;
    }
    found
}

/// Speaks both ways until this many frames were said and heard.
fn speak(house: &House, leg: u64, browser: &mut Browser, socket: &std::net::UdpSocket, value: u8, count: u16) {
    let before = house.engine.figures(leg).unwrap().received;
    let mut said = 0;
    house.run_until(|| {
        browser.pump();
        if browser.say(Some(value)) {
            socket.send(&plain_packet(said, 0x70)).unwrap();
            said += 1;
        }
        said >= count && house.engine.figures(leg).unwrap().received >= before + u64::from(count)
    });
}

#[test]
fn a_reload_leaves_a_gap_in_the_recording_and_no_damage() {
    let house = House::new("recording", 18_320);
    let (leg, _) = house.engine.open_browser().unwrap();
    let (trunk, socket) = house.plain();
    house.engine.start_recording(trunk, "reload");
    house.engine.bridge(leg, trunk);
    let mut first = Browser::new(Codec::Pcma);
    house.connect(leg, &mut first);
    speak(&house, leg, &mut first, &socket, 0x51, 20);
    let mut second = Browser::new(Codec::Pcma);
    house.connect(leg, &mut second);
    assert!(house.saw(leg, &Kind::BrowserLost));
    speak(&house, leg, &mut second, &socket, 0x52, 20);
    house.engine.close(trunk);
    house.engine.stop();

    let found = records(&std::fs::read(house.spool("reload")).unwrap());
    assert_eq!(found.last().unwrap().kind, END);
    let said: Vec<&Record> = found.iter().filter(|r| (r.kind, r.channel) == (AUDIO, NEAR_END)).collect();
    for pair in said.windows(2) {
        assert!(pair[0].position + pair[0].payload.len() <= pair[1].position);
    }
    let amount = |value: u8| said.iter().flat_map(|r| &r.payload).filter(|byte| **byte == value).count();
    assert!(amount(0x51) >= 15 * PAYLOAD && amount(0x52) >= 15 * PAYLOAD);
}
