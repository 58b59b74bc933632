//! What is different on a leg with a browser: its packets come sealed, its reports with them, and it may leave and come
//! back while the leg stays.
#![forbid(unsafe_code)]

use super::{FarEnd, Leg, Moment, Way};
use crate::browser::{Change, Foreign, Link};
use crate::events::Kind;
use crate::wire::rtp::Parsed;
use std::net::SocketAddr;
use std::sync::atomic::Ordering::Relaxed;

impl Leg {
    /// Takes the connection that was promised to a browser, in place of an earlier one. Returns true when the leg came
    /// up by it: its socket then belongs into the worker's set.
    pub fn accept(&mut self, link: Box<Link>, moment: &Moment<'_>) -> bool {
        self.ssrc = None; // its numbers start anew
        self.heard_at = moment.now;
        let before = self.far.take();
        let came_up = before.is_none();
        if let Some(FarEnd { way: Way::Browser(mut earlier), .. }) = before {
            if earlier.close(&self.rtp) {
                self.tell(Kind::BrowserLost, moment);
            }
        }
        if came_up {
            self.speak_at = moment.now;
        }
        let codec = link.codec();
        self.far = Some(FarEnd { codec, key_type: None, sends: false, has_spoken: false, way: Way::Browser(link) });
        came_up
    }

    /// The audio in a browser's datagram, put where a plain one would be.
    pub(super) fn unsealed(&mut self, datagram: &mut [u8], from: SocketAddr, moment: &Moment<'_>) -> Option<Parsed> {
        let Some(FarEnd { way: Way::Browser(link), .. }) = &mut self.far else { return None };
        match link.receive(datagram, from, &self.rtp, moment.at_ns) {
            Ok(packet) => packet.filter(|packet| self.is_audible(packet)),
            Err(Foreign) => {
                self.ignored += 1;
                None
            }
        }
    }

    /// What a browser's connection has to do every 20 ms, and what it learned.
    pub(super) fn tend_browser(&mut self, moment: &Moment<'_>) {
        let Some(FarEnd { way: Way::Browser(link), .. }) = &mut self.far else { return };
        let change = link.tick(&self.rtp, moment.at_ns);
        if let Some(report) = link.take_report() {
            let stats = &self.stats;
            if let Some(loss) = report.loss {
                stats.remote_loss_256.store((loss * 256.0).round() as i64, Relaxed);
            }
            if let Some(round_trip) = report.round_trip {
                stats.round_trip_us.store(round_trip.as_micros() as i64, Relaxed);
            }
            if let Some(jitter) = report.jitter {
                stats.remote_jitter_samples.store(i64::from(jitter), Relaxed);
            }
        }
        match change {
            Some(Change::Connected) => self.tell(Kind::BrowserConnected, moment),
            Some(Change::Lost) => self.tell(Kind::BrowserLost, moment),
            None => {}
        }
    }

    /// Says good-bye to the far end.
    pub(super) fn part(&mut self, moment: &Moment<'_>) {
        match &mut self.far {
            Some(FarEnd { way: Way::Browser(link), .. }) => {
                link.close(&self.rtp);
            }
            Some(_) => self.report(true, moment),
            None => {}
        }
    }
}
