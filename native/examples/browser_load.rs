//! What a browser's leg costs: browsers that hear their own echo, on one worker. The engine's threads alone are counted.
//!
//! `browser_load LEGS SECONDS` prints one JSON object: CPU ms per leg-second, per connection, and what was lost.

#[path = "../tests/support/browser.rs"]
mod browser;

use browser::Browser;
use dialer_native::engine::{Engine, Settings};
use dialer_native::g711::Codec;
use std::net::{IpAddr, Ipv4Addr};
use std::time::{Duration, Instant};

const PATIENCE: Duration = Duration::from_secs(60);
const PORT_MIN: u16 = 27_000;
/// How far apart the browsers' frames are spread, as people's are.
const SPREAD: Duration = Duration::from_millis(20);
const PAUSE: Duration = Duration::from_micros(500);

/// CPU seconds of the threads whose name begins so.
fn cpu_s(prefix: &str) -> f64 {
    let threads = std::fs::read_dir("/proc/self/task").unwrap().flatten();
    let named = threads.filter(|thread| {
        std::fs::read_to_string(thread.path().join("comm")).is_ok_and(|name| name.starts_with(prefix))
    });
    let spent = named.filter_map(|thread| std::fs::read_to_string(thread.path().join("schedstat")).ok());
    spent.filter_map(|line| line.split(' ').next()?.parse::<f64>().ok()).sum::<f64>() / 1e9
}

fn connect(engine: &Engine, count: usize) -> (Vec<Browser>, f64) {
    let mut browsers = Vec::new();
    let mut answering = Duration::ZERO;
    for _ in 0..count {
        let mut browser = Browser::new(Codec::Pcma);
        let offer = browser.offer();
        let (leg, _) = engine.open_browser().expect("a free port");
        engine.set_echo(leg, true);
        let asked_at = Instant::now();
        let answer = engine.accept(leg, &offer).expect("a leg").expect("an answer");
        answering += asked_at.elapsed();
        browser.take(&answer);
        browsers.push(browser);
    }
    let until = Instant::now() + PATIENCE;
    while browsers.iter().any(|browser| !browser.rtc.is_connected()) {
        assert!(Instant::now() < until, "not all browsers were connected");
        browsers.iter_mut().for_each(Browser::pump);
        std::thread::sleep(PAUSE);
    }
    (browsers, answering.as_secs_f64())
}

fn talk(browsers: &mut [Browser], duration: Duration) -> (usize, usize) {
    let began = Instant::now();
    let count = browsers.len() as u32;
    let mut said = 0;
    while began.elapsed() < duration {
        for (index, browser) in (0..).zip(&mut *browsers) {
            browser.pump();
            if began.elapsed() >= SPREAD * index / count {
                said += usize::from(browser.say(Some(0x2A)));
            }
        }
        std::thread::sleep(PAUSE);
    }
    let heard = browsers.iter().flat_map(|browser| &browser.heard).filter(|packet| packet.payload[0] == 0x2A);
    (said, heard.count())
}

fn main() {
    let arguments: Vec<f64> = std::env::args().skip(1).filter_map(|argument| argument.parse().ok()).collect();
    let [legs, seconds] = arguments[..] else { panic!("say how many legs, and for how many seconds") };
    let directory = std::env::temp_dir().join(format!("browser-load-{}", std::process::id()));
    std::fs::create_dir_all(&directory).unwrap();
    let engine = Engine::start(Settings {
        host: IpAddr::V4(Ipv4Addr::LOCALHOST),
        advertised: None,
        port_min: PORT_MIN,
        port_max: PORT_MIN + 1999,
        workers: 1,
        rtp_timeout_s: 60.0,
        spool_dir: directory.clone(),
        second_spool_dir: None,
    })
    .unwrap();
    let before = cpu_s("media-");
    let (mut browsers, answering_s) = connect(&engine, legs as usize);
    let connected = cpu_s("media-");
    let (said, heard) = talk(&mut browsers, Duration::from_secs_f64(seconds));
    let talked = cpu_s("media-");
    engine.stop();
    std::fs::remove_dir_all(&directory).unwrap();
    println!(
        "{{\"leg_second_ms\": {:.4}, \"connection_ms\": {:.4}, \"said\": {said}, \"heard\": {heard}}}",
        (talked - connected) * 1000.0 / (legs * seconds),
        (connected - before + answering_s) * 1000.0 / legs,
    );
}
