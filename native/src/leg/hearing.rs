//! What a leg hears: packets, keys, reports; from the locked source only, counted, put in order, handed to tap and
//! recording.
#![forbid(unsafe_code)]

use super::{ntp_now, FarEnd, Leg, Moment, Relay, Way, KEY_INTERVAL, MAX_DATAGRAM};
use crate::events::Kind;
use crate::g711::Codec;
use crate::receive::Order;
use crate::reorder::{Frame, Reorder, Step, MAX_AUDIO};
use crate::source::Admission;
use crate::spool::FAR_END;
use crate::tap::Block;
use crate::wire::dtmf::TelephoneEvent;
use crate::wire::rtp::{self, Header, Parsed};
use std::collections::VecDeque;
use std::net::SocketAddr;

const COMFORT_NOISE: u8 = 13; // RFC 3389
/// Packets that waited in the socket before the far end was named; the newest are kept: 100 ms.
const MAX_EARLY: usize = 5;

impl Leg {
    /// Takes what waits in the socket, the newest `MAX_EARLY` packets of it.
    pub fn early_packets(&self) -> VecDeque<(Vec<u8>, SocketAddr)> {
        let mut waiting = VecDeque::new();
        let mut buffer = [0; MAX_DATAGRAM];
        while let Ok((length, from)) = self.rtp.recv_from(&mut buffer) {
            if waiting.len() == MAX_EARLY {
                waiting.pop_front();
            }
            waiting.push_back((buffer[..length].to_vec(), from));
        }
        waiting
    }

    /// Reads one datagram into `buffer`, if one waits, and takes it in; what it means for the partner comes back.
    pub fn receive(&mut self, buffer: &mut [u8], moment: &Moment<'_>) -> Option<Relay> {
        let (length, from) = self.rtp.recv_from(buffer).ok()?;
        self.hear(&mut buffer[..length], from, moment)
    }

    /// Takes in one datagram; what it means for the partner comes back.
    pub fn hear(&mut self, datagram: &mut [u8], from: SocketAddr, moment: &Moment<'_>) -> Option<Relay> {
        let packet = match &self.far {
            Some(FarEnd { way: Way::Plain { .. }, .. }) => self.admitted(datagram, from),
            Some(FarEnd { way: Way::Browser(_), .. }) => self.unsealed(datagram, from, moment),
            None => None,
        };
        let packet = packet?;
        self.note_source(from, moment);
        self.take_in(packet, datagram, moment)
    }

    /// A packet of the locked source, or one that locks it.
    fn admitted(&mut self, datagram: &[u8], from: SocketAddr) -> Option<Parsed> {
        let packet = rtp::parse(datagram).filter(|packet| self.is_audible(packet));
        let Some(FarEnd { way: Way::Plain { lock, .. }, .. }) = &mut self.far else { return None };
        let admission = packet.as_ref().map_or(Admission::Ignored, |_| lock.admit(from));
        match admission {
            Admission::Ignored => {
                self.ignored += 1;
                return None;
            }
            Admission::Locked => self.ssrc = None, // another machine: its numbers start anew, whatever its SSRC
            Admission::Known => {}
        }
        packet
    }

    /// Audio in G.711, a key or comfort noise, and no longer than a packet may be.
    pub(super) fn is_audible(&self, packet: &Parsed) -> bool {
        let payload_type = packet.header.payload_type;
        let is_key = self.far.as_ref().is_some_and(|far| far.key_type == Some(payload_type));
        let is_known_type = Codec::from_payload_type(payload_type).is_some() || payload_type == COMFORT_NOISE;
        (is_key || is_known_type) && packet.payload.len() <= MAX_AUDIO
    }

    fn take_in(&mut self, packet: Parsed, datagram: &[u8], moment: &Moment<'_>) -> Option<Relay> {
        let header = packet.header;
        let codec = Codec::from_payload_type(header.payload_type);
        let is_key = self.far.as_ref().is_some_and(|far| far.key_type == Some(header.payload_type));
        let order = self.count(&header, codec.is_some(), moment.now);
        if order == Order::Duplicate {
            return None;
        }
        let payload = &datagram[packet.payload.clone()];
        if is_key {
            self.hear_key(payload, header.timestamp, moment);
        }
        self.consume(&header, codec, payload, order, moment);
        let is_listened = self.peer.is_some() || self.is_echoing;
        (header.payload_type != COMFORT_NOISE && is_listened).then_some(Relay {
            header,
            payload: packet.payload,
            codec,
            order,
        })
    }

    /// The far end gave a sign of life.
    fn note_source(&mut self, from: SocketAddr, moment: &Moment<'_>) {
        self.heard_at = moment.now;
        self.is_timed_out = false;
        let Some(far) = &mut self.far else { return };
        if let Way::Plain { lock, is_connected: is_connected @ false, .. } = &mut far.way {
            if let Some(source) = lock.settled() {
                *is_connected = self.rtp.connect(source).is_ok();
            }
        }
        if !std::mem::replace(&mut far.has_spoken, true) {
            self.tell(Kind::FirstPacket(from), moment);
        }
    }

    fn count(&mut self, header: &Header, is_audio: bool, now: i64) -> Order {
        if self.ssrc != Some(header.ssrc) {
            self.ssrc = Some(header.ssrc);
            self.receiver.restart(); // the next number starts anew
        }
        if !is_audio {
            self.receiver.forget_transit();
        }
        let order = self.receiver.packet(header.sequence, header.timestamp, now);
        if order == Order::Restart {
            self.heard_timeline.reset();
            self.keys.reset();
        }
        if !is_audio {
            self.receiver.forget_transit();
        }
        order
    }

    fn hear_key(&mut self, payload: &[u8], timestamp: u32, moment: &Moment<'_>) {
        let Some(event) = TelephoneEvent::parse(payload) else { return };
        let Some(key) = self.keys.hear(event, timestamp) else { return };
        if moment.now - self.key_at >= KEY_INTERVAL {
            self.key_at = moment.now;
            self.tell(Kind::Key(key), moment);
        }
    }

    /// Hands a packet to tap and recording, in order.
    fn consume(&mut self, header: &Header, codec: Option<Codec>, payload: &[u8], order: Order, moment: &Moment<'_>) {
        let is_wanted = self.tap.is_some() || self.recording.is_some() || self.listening.is_some();
        if !is_wanted && !self.beginning.is_open() {
            self.heard_timeline.reset(); // who asks for it later must not get places that are hours old
            return;
        }
        let expected_step = match order {
            Order::Ahead(step) => Some(i64::from(step) * payload.len() as i64),
            _ => None,
        };
        let position = match codec {
            Some(_) => self.heard_timeline.place(header.timestamp, expected_step, moment.now),
            None => moment.now,
        };
        if let Some(codec) = codec {
            self.keep_heard(position, codec, payload, order);
        }
        let frame = Frame { sequence: header.sequence, position, codec, payload };
        self.in_order(moment, |reorder, out| {
            if order == Order::Restart {
                reorder.flush(out);
            }
            reorder.push(frame, moment.now, out);
        });
    }

    /// Runs the reorder window; tap and recording get what comes out.
    pub(super) fn in_order(&mut self, moment: &Moment<'_>, run: impl FnOnce(&mut Reorder, &mut dyn FnMut(Step<'_>))) {
        let Self { reorder, tap, beginning, recording, lost, id, .. } = self;
        run(reorder, &mut |step| match step {
            Step::Lost(count) => *lost = lost.saturating_add(count),
            Step::Frame(Frame { codec: Some(codec), position, payload, .. }) => {
                let samples = u32::from(std::mem::take(lost)) * payload.len() as u32;
                if let Some(recording) = recording {
                    recording.take.lost(FAR_END, samples, position);
                    recording.take.audio(FAR_END, position, codec, payload);
                }
                if let Some(tap) = tap {
                    let mut emit = |block: Block<'_>| moment.tell_block(*id, &block);
                    tap.lost(i64::from(samples), position, &mut emit);
                    tap.audio(position, codec, payload, &mut emit);
                } else {
                    beginning.keep(position, codec, payload);
                }
            }
            Step::Frame(Frame { codec: None, position, .. }) => {
                if let Some(tap) = tap {
                    tap.quiet(position);
                }
            }
        });
    }

    /// Reads one RTCP datagram.
    pub fn receive_report(&mut self, buffer: &mut [u8], moment: &Moment<'_>) {
        let Some(rtcp) = &self.rtcp else { return };
        let Ok((length, from)) = rtcp.recv_from(buffer) else { return };
        let far = self.far.as_ref();
        let is_far_end =
            far.is_some_and(|far| matches!(&far.way, Way::Plain { lock, .. } if lock.target().ip() == from.ip()));
        let ssrc = self.outgoing.ssrc();
        if is_far_end && self.reports.hear(&buffer[..length], ssrc, moment.now, ntp_now(), &self.stats) {
            self.heard_at = moment.now; // a far end on hold reports: it is alive
        } else {
            self.ignored += 1;
        }
    }
}
