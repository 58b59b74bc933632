//! What a leg says: the partner's packets, keys, a play, silence; and the work that comes every 20 ms.
#![forbid(unsafe_code)]

use super::listening::is_after_loss;
use super::{ntp_now, Leg, Moment, Play, Relay, Way, FRAME_SAMPLES};
use crate::events::Kind;
use crate::g711::{transcode, Codec};
use crate::listening::Source;
use crate::outgoing::Turn;
use crate::wire::rtcp;
use crate::wire::rtp::{self, HEADER_LEN};
use std::sync::atomic::Ordering::Relaxed;

const BRIDGE_QUIET: i64 = 1600; // 200 ms
/// A guest speaks in the partner's packets; where the partner is quiet it must not wait for long: 60 ms.
const GUEST_QUIET: i64 = 480;
/// When a wake-up was late by more than this, missed frames are given up instead of sent in a burst.
const MAX_CATCH_UP: i64 = 5 * FRAME_SAMPLES;
const APPEND_SAMPLES: i64 = 1600; // 200 ms

impl Leg {
    /// Sends on what the partner heard; the packet's bytes are rewritten in place.
    pub fn relay(&mut self, relay: &Relay, datagram: &mut [u8], moment: &Moment<'_>) {
        self.peer_heard_at = moment.now;
        let Some(far) = &self.far else { return };
        if self.play.is_some() || self.presser.is_pressing() || self.has_ear() {
            return;
        }
        let (own_codec, own_key_type) = (far.codec, far.key_type);
        let payload_type = match (relay.codec, own_key_type) {
            (Some(_), _) => own_codec.payload_type(),
            (None, Some(key_type)) => key_type,
            (None, None) => return,
        };
        let length = if relay.codec.is_some() { relay.payload.len() } else { 0 };
        let outgoing = self.outgoing.relay(&relay.header, payload_type, length as u32, relay.order, moment.now);
        let Some(header) = outgoing else { return };
        if let Some(codec) = relay.codec {
            let payload = &mut datagram[relay.payload.clone()];
            transcode(payload, codec, own_codec);
            let source = Source::Partner { is_after_loss: is_after_loss(relay.order) };
            self.pass(source, own_codec, header.timestamp, payload, moment.now);
        }
        let start = relay.payload.start - HEADER_LEN;
        rtp::write_header(&header, &mut datagram[start..]);
        self.send(&datagram[start..relay.payload.end], moment);
    }

    pub(super) fn send(&mut self, packet: &[u8], moment: &Moment<'_>) {
        let Some(far) = &mut self.far else { return };
        self.outgoing.bytes += (packet.len() - HEADER_LEN) as u64;
        // UDP: what cannot be sent now (far end gone, buffer full) is lost like any packet.
        let _ = match &mut far.way {
            Way::Plain { is_connected: true, .. } => self.rtp.send(packet),
            Way::Plain { lock, .. } => self.rtp.send_to(packet, lock.target()),
            Way::Browser(link) => return link.send(packet, &self.rtp, moment.at_ns),
        };
    }

    /// The work of every 20 ms.
    pub fn tick(&mut self, moment: &Moment<'_>) {
        if self.is_up() {
            self.speak_until(moment);
            self.tend_browser(moment);
            self.watch_timeout(moment);
            if self.reports.is_due(moment.now) {
                self.report(false, moment);
            }
        }
        self.serve_consumers(moment);
        self.publish();
    }

    fn speak_until(&mut self, moment: &Moment<'_>) {
        if moment.now - self.speak_at > MAX_CATCH_UP {
            self.speak_at = moment.now;
        }
        while self.speak_at <= moment.now {
            self.speak_at += FRAME_SAMPLES;
            self.speak(moment);
        }
    }

    fn speak(&mut self, moment: &Moment<'_>) {
        let Some(far) = &self.far else { return };
        let (codec, key_type) = (far.codec, far.key_type);
        let mut packet = [codec.silence(); HEADER_LEN + FRAME_SAMPLES as usize];
        let press = self.presser.next_frame();
        if let (Some(press), Some(key_type)) = (press, key_type) {
            let header = self.outgoing.key(press.first, key_type, moment.now);
            rtp::write_header(&header, &mut packet);
            packet[HEADER_LEN..HEADER_LEN + 4].copy_from_slice(&press.event.to_bytes());
            self.send(&packet[..HEADER_LEN + 4], moment);
        } else if self.play.is_some() {
            self.speak_play(codec, &mut packet, moment);
        } else if self.has_ear() {
            self.speak_ear(codec, &mut packet, moment);
        } else if !self.has_partner() || moment.now - self.peer_heard_at > self.quiet_limit() {
            let header = self.outgoing.local(Turn::Silence, codec.payload_type(), FRAME_SAMPLES as u32, moment.now);
            if self.has_guests() {
                self.pass(Source::Silence, codec, header.timestamp, &mut packet[HEADER_LEN..], moment.now);
            }
            rtp::write_header(&header, &mut packet);
            self.send(&packet, moment);
        }
    }

    /// Somebody else speaks to the far end: its partner, or its own echo.
    fn has_partner(&self) -> bool {
        self.peer.is_some() || self.is_echoing
    }

    fn quiet_limit(&self) -> i64 {
        if self.has_guests() {
            GUEST_QUIET
        } else {
            BRIDGE_QUIET
        }
    }

    fn speak_play(&mut self, codec: Codec, packet: &mut [u8], moment: &Moment<'_>) {
        let Some(play) = &mut self.play else { return };
        let id = play.id;
        let is_over = play.fill(codec, &mut packet[HEADER_LEN..]);
        let header = self.outgoing.local(Turn::Play(id), codec.payload_type(), FRAME_SAMPLES as u32, moment.now);
        rtp::write_header(&header, packet);
        self.pass(Source::Play, codec, header.timestamp, &mut packet[HEADER_LEN..], moment.now);
        self.send(packet, moment);
        if is_over {
            self.play = None;
            self.tell(Kind::PlayFinished { play_id: id, completed: true }, moment);
        }
    }

    fn watch_timeout(&mut self, moment: &Moment<'_>) {
        let is_excused = self.far.as_ref().is_some_and(|far| !far.sends);
        // A far end that suppresses silence may say nothing through a whole announcement; endless music excuses nobody.
        if is_excused || self.play.as_ref().is_some_and(|play| !play.is_loop) {
            self.heard_at = self.heard_at.max(moment.now - self.timeout_samples / 2);
        }
        if !self.is_timed_out && moment.now - self.heard_at >= self.timeout_samples {
            self.is_timed_out = true;
            self.tell(Kind::RtpTimeout, moment);
        }
    }

    pub(super) fn report(&mut self, goodbye: bool, moment: &Moment<'_>) {
        let Some(Way::Plain { lock, .. }) = self.far.as_ref().map(|far| &far.way) else { return };
        let mut target = lock.target();
        let Some(port) = target.port().checked_add(1) else { return };
        target.set_port(port);
        let mut out = [0; rtcp::MAX_LEN];
        let heard = self.ssrc.map(|ssrc| (ssrc, &mut self.receiver));
        let length = self.reports.write(&self.outgoing, heard, moment.now, ntp_now(), "dialer", goodbye, &mut out);
        if let Some(rtcp) = &self.rtcp {
            let _ = rtcp.send_to(&out[..length], target); // lost like any packet
        }
    }

    fn serve_consumers(&mut self, moment: &Moment<'_>) {
        if self.tap.is_none() && self.recording.is_none() {
            return;
        }
        self.in_order(moment, |reorder, out| reorder.poll(moment.now, out));
        let id = self.id;
        if let Some(tap) = self.tap.as_mut().filter(|_| !self.reorder.is_waiting()) {
            tap.clock(moment.now, &mut |block| moment.tell_block(id, &block));
        }
        let Some(recording) = &mut self.recording else { return };
        if recording.spool.has_failed() {
            self.recording = None;
        } else if moment.now >= recording.append_at {
            recording.append_at = moment.now + APPEND_SAMPLES;
            let since_ns = std::mem::replace(&mut recording.since_ns, moment.at_ns);
            if !recording.take.is_empty() {
                moment.writer.append(&mut recording.spool, recording.take.collect(), since_ns);
            }
        }
    }

    fn publish(&self) {
        let stats = &self.stats;
        stats.sent.store(self.outgoing.packets, Relaxed);
        stats.received.store(self.receiver.total_received(), Relaxed);
        stats.lost.store(self.receiver.total_lost(), Relaxed);
        stats.duplicates.store(self.receiver.duplicates, Relaxed);
        stats.ignored.store(self.ignored, Relaxed);
        stats.jitter_samples.store(u64::from(self.receiver.jitter()), Relaxed);
    }
}

impl Play {
    /// Fills one frame with the next audio in `codec`, silence after the end; true when the play is over.
    fn fill(&mut self, codec: Codec, frame: &mut [u8]) -> bool {
        let mut filled = 0;
        while filled < frame.len() && self.position < self.audio.len() {
            let count = (frame.len() - filled).min(self.audio.len() - self.position);
            frame[filled..filled + count].copy_from_slice(&self.audio[self.position..self.position + count]);
            filled += count;
            self.position += count;
            if self.is_loop && self.position == self.audio.len() {
                self.position = 0;
            }
        }
        transcode(&mut frame[..filled], self.codec, codec);
        self.position == self.audio.len()
    }
}
