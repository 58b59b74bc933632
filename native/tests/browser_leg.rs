//! A leg with a browser over real sockets: full ICE, DTLS and SRTP on the other side.

mod support;

use dialer_native::events::Kind;
use dialer_native::g711::Codec;
use std::time::Instant;
use support::{plain_packet, plain_parts, Browser, House, PATIENCE};

const SILENCE: u8 = 0xD5;

/// Lets both ends of a bridge speak until both have heard the other's value.
fn talk(house: &House, browser: &mut Browser, socket: &std::net::UdpSocket, said: u8, answered: u8) {
    let _ = house;
    socket.set_nonblocking(true).unwrap();
    let until = Instant::now() + PATIENCE;
    let (mut sequence, mut is_heard) = (0, false);
    browser.heard.clear();
    while !is_heard || !browser.values().contains(&answered) {
        assert!(Instant::now() < until, "no audio: {is_heard}, {:?}", browser.values());
        browser.pump();
        if browser.say(Some(said)) {
            socket.send(&plain_packet(sequence, answered)).unwrap();
            sequence += 1;
        }
        let mut buffer = [0; 2048];
        while let Ok(length) = socket.recv(&mut buffer) {
            is_heard |= plain_parts(&buffer[..length]).1 == said;
        }
    }
}

#[test]
fn audio_goes_both_ways_and_on_after_the_browser_came_back() {
    let mut house = House::new("both-ways", 47_100);
    let (leg, _) = house.engine.open_browser().unwrap();
    let (trunk, socket) = house.plain();
    house.engine.bridge(leg, trunk);
    let mut first = Browser::new(Codec::Pcma);
    let answer = first.connect(&house.engine, leg);
    assert!(answer.contains("a=ice-lite") && answer.contains("a=setup:passive"), "{answer}");
    house.wait_for(leg, &Kind::BrowserConnected, &mut first);
    talk(&house, &mut first, &socket, 0x11, 0x22);

    let mut second = Browser::new(Codec::Pcma); // the page was loaded again
    second.connect(&house.engine, leg);
    house.wait_for(leg, &Kind::BrowserLost, &mut second);
    house.wait_for(leg, &Kind::BrowserConnected, &mut second);
    talk(&house, &mut second, &socket, 0x33, 0x44);
}

#[test]
fn a_browser_with_the_other_law_is_converted() {
    let mut house = House::new("other-law", 47_120);
    let (leg, _) = house.engine.open_browser().unwrap();
    let (trunk, socket) = house.plain();
    house.engine.bridge(leg, trunk);
    let mut browser = Browser::new(Codec::Pcmu);
    browser.connect(&house.engine, leg);
    house.wait_for(leg, &Kind::BrowserConnected, &mut browser);
    socket.set_nonblocking(true).unwrap();
    let until = Instant::now() + PATIENCE;
    let mut heard = Vec::new();
    while !heard.contains(&SILENCE) || browser.heard.is_empty() {
        assert!(Instant::now() < until, "{heard:?}");
        browser.pump();
        browser.say(Some(0xFF)); // silence in PCMU
        let mut buffer = [0; 2048];
        while let Ok(length) = socket.recv(&mut buffer) {
            heard.push(plain_parts(&buffer[..length]).1);
        }
    }
    assert_eq!(*browser.heard[0].header.payload_type, Codec::Pcmu.payload_type());
}
