//! A leg with a browser over real sockets: full ICE, DTLS and SRTP on the other side.

mod support;

use dialer_native::browser::MAX_OFFER;
use dialer_native::events::Kind;
use dialer_native::g711::Codec;
use std::net::{IpAddr, Ipv4Addr, UdpSocket};
use std::time::Instant;
use support::{plain_packet, plain_parts, Browser, House, Settings, PATIENCE};

/// PCMU for the quietest sound there is, and PCMA for what it is converted to.
const QUIET_PCMU: u8 = 0xFF;
const QUIET_PCMA: u8 = 0xD5;

/// Frames of the plain far end: sequence numbers and first bytes.
fn arrived(socket: &UdpSocket) -> Vec<(u16, u8)> {
    let mut buffer = [0; 2048];
    std::iter::from_fn(|| socket.recv(&mut buffer).ok().map(|length| plain_parts(&buffer[..length]))).collect()
}

/// Lets both ends of a bridge speak until each has heard the other.
fn talk(browser: &mut Browser, socket: &UdpSocket, said: u8, answered: u8) {
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
        is_heard |= arrived(socket).iter().any(|(_, value)| *value == said);
        support::moment();
    }
}

/// A browser's leg and a plain one, bridged, and the plain far end.
fn bridged(house: &House) -> (u64, u64, UdpSocket) {
    let (leg, _) = house.engine.open_browser().unwrap();
    let (trunk, socket) = house.plain();
    house.engine.bridge(leg, trunk);
    (leg, trunk, socket)
}

#[test]
fn audio_goes_both_ways_and_on_after_a_reload() {
    let house = House::new("both-ways", 18_000);
    let (leg, _, socket) = bridged(&house);
    let mut first = Browser::new(Codec::Pcma);
    let answer = house.connect(leg, &mut first);
    assert!(answer.contains("a=ice-lite") && answer.contains("a=setup:passive"), "{answer}");
    talk(&mut first, &socket, 0x11, 0x22);

    let mut second = Browser::new(Codec::Pcma);
    house.connect(leg, &mut second);
    assert!(house.saw(leg, &Kind::BrowserLost));
    talk(&mut second, &socket, 0x33, 0x44);
    first.pump();
    assert!(first.is_closed, "the page that was left hears of it");
}

#[test]
fn a_browser_without_pcma_is_converted() {
    let house = House::new("other-law", 18_020);
    let (leg, _, socket) = bridged(&house);
    let mut browser = Browser::new(Codec::Pcmu);
    house.connect(leg, &mut browser);
    house.run_until(|| {
        browser.pump();
        browser.say(Some(QUIET_PCMU));
        arrived(&socket).iter().any(|(_, value)| *value == QUIET_PCMA) && !browser.heard.is_empty()
    });
    assert_eq!(*browser.heard[0].header.payload_type, Codec::Pcmu.payload_type());
}

#[test]
fn what_is_lost_before_us_is_counted_and_stays_visible_behind_us() {
    let house = House::new("loss", 18_040);
    let (leg, _, socket) = bridged(&house);
    let mut browser = Browser::new(Codec::Pcma);
    house.connect(leg, &mut browser);
    let (mut said, mut numbers) = (0, Vec::new());
    house.run_until(|| {
        browser.pump();
        let is_lost = said % 10 == 5;
        said += usize::from(said < 40 && browser.say((!is_lost).then_some(0x55)));
        numbers.extend(arrived(&socket).iter().filter(|(_, value)| *value == 0x55).map(|(number, _)| *number));
        numbers.len() == 36
    });
    assert_eq!(numbers[35].wrapping_sub(numbers[0]), 39);
    house.run_until(|| house.engine.figures(leg).is_some_and(|figures| figures.lost == 4));
}

#[test]
fn the_echo_comes_instead_of_the_partner() {
    let house = House::new("echo", 18_060);
    let (leg, _, socket) = bridged(&house);
    let mut browser = Browser::new(Codec::Pcma);
    house.connect(leg, &mut browser);
    house.engine.set_echo(leg, true);
    house.run_until(|| {
        browser.pump();
        browser.say(Some(0x66));
        browser.values().contains(&0x66)
    });
    assert!(arrived(&socket).iter().all(|(_, value)| *value != 0x66));
    house.engine.set_echo(leg, false);
    talk(&mut browser, &socket, 0x12, 0x21);
}

#[test]
fn the_way_to_the_browser_is_measured() {
    let house = House::new("reports", 18_080);
    let (leg, _, _) = bridged(&house);
    let mut browser = Browser::new(Codec::Pcma);
    house.connect(leg, &mut browser);
    house.run_until(|| {
        browser.pump();
        browser.say(Some(0x77));
        let figures = house.engine.figures(leg).unwrap();
        let is_told = browser.told.as_ref().is_some_and(|told| told.rtt.is_some() && told.remote.is_some());
        is_told && figures.remote_loss == Some(0.0) && figures.round_trip_ms.is_some_and(|ms| ms < 1000.0)
    });
}

#[test]
fn a_browser_that_hangs_up_may_come_back() {
    let house = House::new("hang-up", 18_100);
    let (leg, _, socket) = bridged(&house);
    let mut browser = Browser::new(Codec::Pcma);
    house.connect(leg, &mut browser);
    browser.close();
    house.wait_for(leg, &Kind::BrowserLost, &mut browser);
    let mut again = Browser::new(Codec::Pcma);
    house.connect(leg, &mut again);
    talk(&mut again, &socket, 0x31, 0x13);
}

#[test]
fn a_silent_browser_is_lost_and_comes_back_by_itself() {
    let house = House::new("silence", 18_120);
    let (leg, _, socket) = bridged(&house);
    let mut browser = Browser::new(Codec::Pcma);
    house.connect(leg, &mut browser);
    talk(&mut browser, &socket, 0x14, 0x41);
    house.run_until(|| house.saw(leg, &Kind::BrowserLost)); // its network is away: nothing is pumped
    house.run_until(|| {
        browser.pump();
        browser.say(Some(0x15));
        house.saw(leg, &Kind::BrowserConnected)
    });
    talk(&mut browser, &socket, 0x16, 0x61);
}

#[test]
fn a_browser_whose_nat_changes_its_port_is_followed() {
    let house = House::new("rebinding", 18_260);
    let (leg, _, socket) = bridged(&house);
    let mut browser = Browser::new(Codec::Pcma);
    house.connect(leg, &mut browser);
    talk(&mut browser, &socket, 0x1A, 0xA1);
    browser.change_port();
    talk(&mut browser, &socket, 0x1B, 0xB1);
}

#[test]
fn behind_nat_the_answer_names_the_advertised_address() {
    let outside = IpAddr::V4(Ipv4Addr::new(192, 0, 2, 7));
    let house = House::with("nat", 18_140, |settings| Settings { advertised: Some(outside), ..settings });
    let (leg, _, socket) = bridged(&house);
    let mut browser = Browser::new(Codec::Pcma);
    let answer = house.engine.accept(leg, &browser.offer()).unwrap().unwrap();
    assert!(answer.contains(" 192.0.2.7 1814") && !answer.contains("127.0.0.1"), "{answer}");
    browser.take(&answer.replace("192.0.2.7", "127.0.0.1")); // what the NAT does to each packet
    house.wait_for(leg, &Kind::BrowserConnected, &mut browser);
    talk(&mut browser, &socket, 0x17, 0x71);
}

#[test]
fn strangers_are_ignored_before_and_after_the_browser_came() {
    let house = House::new("strangers", 18_160);
    let (leg, _, socket) = bridged(&house);
    let port = 18_160;
    let stranger = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let mut browser = Browser::new(Codec::Pcma);
    let answer = house.engine.accept(leg, &browser.offer()).unwrap().unwrap();
    let attack = |house: &House| {
        let before = house.engine.figures(leg).unwrap().ignored;
        for datagram in hostile() {
            stranger.send_to(&datagram, (Ipv4Addr::LOCALHOST, port)).unwrap();
        }
        let expected = before + hostile().len() as u64;
        house.run_until(|| house.engine.figures(leg).unwrap().ignored >= expected);
    };
    attack(&house);
    browser.take(&answer);
    house.wait_for(leg, &Kind::BrowserConnected, &mut browser);
    attack(&house);
    talk(&mut browser, &socket, 0x18, 0x81);
}

/// Datagrams of somebody who knows the port and nothing else.
fn hostile() -> Vec<Vec<u8>> {
    let mut binding = vec![0, 1, 0, 16, 0x21, 0x12, 0xA4, 0x42]; // a STUN request …
    binding.extend([7; 12]);
    binding.extend([0, 6, 0, 3, b'a', b':', b'b', 0]); // … of USERNAME a:b …
    binding.extend([0, 6, 0, 1, b'a', 0, 0, 0]); // … and of one without a colon
    let mut hello = vec![22, 0xFE, 0xFD, 0, 0, 0, 0, 0, 0, 0, 0, 0, 60, 1]; // a DTLS ClientHello
    hello.resize(73, 0);
    vec![vec![0xFF], vec![1; 20], binding, hello, plain_packet(1, 2), vec![0x80, 201, 0, 1, 0, 0, 0, 1], vec![22; 2048]]
}

#[test]
fn wrong_offers_are_refused_in_words() {
    let house = House::new("offers", 18_180);
    let (leg, _) = house.engine.open_browser().unwrap();
    let good = Browser::new(Codec::Pcma).offer();
    let cases = [
        (String::new(), "0 streams"),
        ("m=audio 9 UDP/TLS/RTP/SAVPF 8".into(), "no SDP"),
        (format!("{good}m=video 9 UDP/TLS/RTP/SAVPF 96\r\n"), "2 streams"),
        (good.replace("m=audio", "m=video"), "1 streams"),
        (good.replace("a=fingerprint", "a=finger"), "fingerprint"),
        (good.replace("a=ice-pwd", "a=pwd"), "refused"),
        (good.replace(" PCMA/8000", " G722/8000").replace("SAVPF 8", "SAVPF 9").replace(":8 ", ":9 "), "neither PCMA"),
        (good.replace("a=sendrecv", "a=sendonly"), "neither PCMA"),
        (good.replace("t=0 0\r\n", "t=0 0\r\na=ice-lite\r\n"), "refused"),
        (format!("{good}{}", "a=x:y\r\n".repeat(MAX_OFFER)), "longer"),
    ];
    for (offer, words) in cases {
        let refused = house.engine.accept(leg, &offer).unwrap().unwrap_err();
        assert!(refused.contains(words), "{refused:?} instead of {words:?} for {offer}");
    }
    assert!(house.engine.accept(leg, &good).unwrap().is_ok());
    assert!(house.engine.accept(leg + 1, &good).is_none());
}

#[test]
fn a_wildcard_is_no_address_to_answer_with() {
    let everywhere = IpAddr::V4(Ipv4Addr::UNSPECIFIED);
    let house = House::with("wildcard", 18_280, |settings| Settings { host: everywhere, ..settings });
    let (leg, _) = house.engine.open_browser().unwrap();
    let refused = house.engine.accept(leg, &Browser::new(Codec::Pcma).offer()).unwrap().unwrap_err();
    assert!(refused.contains("media.advertised_host"), "{refused}");
}

#[test]
fn candidates_of_the_browser_do_not_matter() {
    let house = House::new("candidates", 18_200);
    let (leg, _) = house.engine.open_browser().unwrap();
    let hidden = "a=candidate:1 1 udp 2113937151 3f2a.local 54400 typ host generation 0\r\na=end-of-candidates\r\n";
    let offer = format!("{}{hidden}", Browser::new(Codec::Pcma).offer());
    assert!(house.engine.accept(leg, &offer).unwrap().is_ok());
}

#[test]
fn nothing_names_the_far_end_of_a_browser_but_its_offer() {
    let house = House::new("set-remote", 18_220);
    let (leg, _, socket) = bridged(&house);
    let mut browser = Browser::new(Codec::Pcma);
    house.connect(leg, &mut browser);
    assert!(!house.name_remote(leg, &socket));
    talk(&mut browser, &socket, 0x19, 0x91);
}

#[test]
fn a_play_reaches_its_end_without_a_browser() {
    let house = House::new("play", 18_240);
    let (leg, _) = house.engine.open_browser().unwrap();
    let mut browser = Browser::new(Codec::Pcma);
    house.engine.accept(leg, &browser.offer()).unwrap().unwrap();
    let play_id = house.engine.play(leg, &[0; 640], false).unwrap();
    house.wait_for(leg, &Kind::PlayFinished { play_id, completed: true }, &mut browser);
}
