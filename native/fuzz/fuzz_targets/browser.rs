//! Any datagrams to a browser's connection, as a stranger before it is up and under the browser's own address after: no
//! panic, and what is not sealed by the browser is never heard.
#![no_main]

#[path = "../../tests/support/browser.rs"]
mod browser;

use browser::Browser;
use dialer_native::browser::{Answerer, Change, Link};
use dialer_native::g711::Codec;
use dialer_native::sys::monotonic_ns;
use libfuzzer_sys::fuzz_target;
use std::cell::RefCell;
use std::net::{Ipv4Addr, SocketAddr, UdpSocket};
use std::sync::LazyLock;

static ANSWERER: LazyLock<Answerer> = LazyLock::new(|| Answerer::new().expect("a certificate"));

struct Pair {
    browser: Browser,
    link: Link,
    socket: UdpSocket,
    is_up: bool,
}

impl Pair {
    fn new() -> Self {
        let socket = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        socket.set_nonblocking(true).unwrap();
        let mut browser = Browser::new(Codec::Pcma);
        let (link, answer) = ANSWERER.answer(&browser.offer(), socket.local_addr().unwrap()).unwrap();
        browser.take(&answer);
        Self { browser, link, socket, is_up: false }
    }

    fn connected() -> Self {
        let mut pair = Self::new();
        while !(pair.is_up && pair.browser.rtc.is_connected()) {
            pair.browser.pump();
            pair.exchange();
        }
        pair
    }

    /// What really came from the browser, and the time that passed.
    fn exchange(&mut self) {
        let mut buffer = [0; 2048];
        while let Ok((length, from)) = self.socket.recv_from(&mut buffer) {
            let _ = self.link.receive(&mut buffer[..length], from, &self.socket, monotonic_ns());
        }
        match self.link.tick(&self.socket, monotonic_ns()) {
            Some(Change::Connected) => self.is_up = true,
            Some(Change::Lost) => self.is_up = false,
            None => {}
        }
    }

    fn attack(&mut self, datagrams: Vec<Vec<u8>>, from: SocketAddr) {
        for mut datagram in datagrams {
            let heard = self.link.receive(&mut datagram, from, &self.socket, monotonic_ns());
            assert!(!matches!(heard, Ok(Some(_))), "heard what the browser did not say");
        }
        self.exchange();
    }
}

thread_local! {
    static UP: RefCell<Option<Pair>> = const { RefCell::new(None) };
}

fuzz_target!(|datagrams: (bool, Vec<Vec<u8>>)| {
    let (is_up, datagrams) = datagrams;
    if !is_up {
        let mut pair = Pair::new();
        let stranger = SocketAddr::from(([192, 0, 2, 1], 9));
        return pair.attack(datagrams, stranger);
    }
    UP.with_borrow_mut(|up| {
        let pair = up.get_or_insert_with(Pair::connected);
        let from = pair.browser.socket.local_addr().unwrap();
        pair.browser.pump();
        pair.attack(datagrams, from);
        if !pair.is_up {
            *up = None; // a datagram ended it, as DTLS alerts may
        }
    });
});
