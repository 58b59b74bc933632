//! A supervisor's browser listens in on a call, goes away and comes back, and whispers.

mod support;

use dialer_native::g711::Codec;
use dialer_native::listening::Mode;
use std::net::UdpSocket;
use std::time::Instant;
use support::{plain_packet, plain_parts, Browser, House, PATIENCE};

const AGENT: i16 = 1000;
const CALLED: i16 = 3000;
const LISTENER: i16 = 9000;

/// A call of two plain far ends and a browser that may listen.
struct Scene {
    house: House,
    agent: UdpSocket,
    called: UdpSocket,
    sequence: u16,
}

impl Scene {
    /// Everybody says a level of their own until the browser, and then the agent, hear what they should.
    fn until_heard(&mut self, browser: &mut Browser, by_listener: i16, by_agent: i16) {
        let until = Instant::now() + PATIENCE;
        browser.heard.clear();
        let (mut is_heard, mut levels) = (false, Vec::new());
        while !is_heard || !levels.iter().any(|&level| near(level, by_listener)) {
            assert!(Instant::now() < until, "the listener hears {levels:?}, the agent what it should: {is_heard}");
            browser.pump();
            if browser.say(Some(Codec::Pcma.encode(LISTENER))) {
                for (socket, level) in [(&self.agent, AGENT), (&self.called, CALLED)] {
                    socket.send(&plain_packet(self.sequence, Codec::Pcma.encode(level))).unwrap();
                }
                self.sequence += 1;
            }
            is_heard |= heard_by(&self.agent).iter().any(|&level| near(level, by_agent));
            let called = heard_by(&self.called);
            assert!(called.iter().all(|&level| level < 2 * AGENT), "nobody whispers to the called: {called:?}");
            levels = browser.values().into_iter().map(|code| Codec::Pcma.decode(code)).collect();
            support::moment();
        }
    }
}

fn near(level: i16, wanted: i16) -> bool {
    (i32::from(level) - i32::from(wanted)).abs() <= 64 + i32::from(wanted) / 16
}

fn heard_by(socket: &UdpSocket) -> Vec<i16> {
    let mut buffer = [0; 2048];
    let mut levels = Vec::new();
    while let Ok(length) = socket.recv(&mut buffer) {
        levels.push(Codec::Pcma.decode(plain_parts(&buffer[..length]).1));
    }
    levels
}

#[test]
fn a_browser_hears_a_call_and_whispers_also_after_it_came_back() {
    let house = House::new("listening", 18_300);
    let (listener, _) = house.engine.open_browser().unwrap();
    let ((agent_leg, agent), (called_leg, called)) = (house.plain(), house.plain());
    house.engine.bridge(called_leg, agent_leg);
    house.engine.listen_in(listener, agent_leg, Mode::Monitor).unwrap();
    house.engine.set_echo(listener, true); // a self-test that goes on does not hide the call
    let mut first = Browser::new(Codec::Pcma);
    house.connect(listener, &mut first);
    let mut scene = Scene { house, agent, called, sequence: 0 };
    scene.until_heard(&mut first, AGENT + CALLED, CALLED);
    let mut second = Browser::new(Codec::Pcma);
    scene.house.connect(listener, &mut second);
    scene.house.engine.listen_in(listener, agent_leg, Mode::Whisper).unwrap();
    scene.until_heard(&mut second, AGENT + CALLED, CALLED + LISTENER);
}
