//! From a browser's offer to our answer: one audio stream in G.711, ICE-lite, DTLS as the server (RFC 8829).
#![forbid(unsafe_code)]

use super::link::Link;
use crate::g711::Codec;
use std::net::SocketAddr;
use std::panic::{catch_unwind, AssertUnwindSafe};
use std::sync::Arc;
use std::time::{Duration, Instant};
use str0m::change::SdpOffer;
use str0m::config::{CryptoProvider, DtlsCert};
use str0m::crypto::from_feature_flags;
use str0m::media::{Mid, Pt};
use str0m::rtp::Extension;
use str0m::{Candidate, Rtc};

/// Longer offers are refused unread; a browser's with one audio stream has 2 to 6 kB.
pub const MAX_OFFER: usize = 16 * 1024;
/// How often both figures of the path and our RTCP reports are made.
const REPORT_INTERVAL: Duration = Duration::from_secs(1);
/// Where browsers expect the extension that names the stream of a packet; the offer's number counts.
const MID_EXTENSION: u8 = 4;

/// Makes answers; one per engine, so that its certificate is made once.
pub struct Answerer {
    certificate: DtlsCert,
    crypto: Arc<CryptoProvider>,
}

impl Answerer {
    pub fn new() -> std::io::Result<Self> {
        let crypto = Arc::new(from_feature_flags());
        let certificate = crypto.dtls_provider.generate_certificate();
        let certificate =
            certificate.ok_or_else(|| std::io::Error::other("no certificate for browsers can be made"))?;
        Ok(Self { certificate, crypto })
    }

    /// The connection that answers `offer` and the SDP of the answer; it is reached at `local`. The error says in words
    /// what is wrong with the offer.
    pub fn answer(&self, offer: &str, local: SocketAddr) -> Result<(Link, String), String> {
        let offer = relevant_lines(offer)?;
        for codec in [Codec::Pcma, Codec::Pcmu] {
            // A panic is a bug that this offer found: it must not cost the other calls.
            let attempt = catch_unwind(AssertUnwindSafe(|| self.answer_with(codec, &offer, local)));
            if let Some(answered) = attempt.map_err(|_| "the offer cannot be answered")?? {
                return Ok(answered);
            }
        }
        Err("the offer has neither PCMA nor PCMU in both directions".into())
    }

    fn answer_with(&self, codec: Codec, offer: &str, local: SocketAddr) -> Result<Option<(Link, String)>, String> {
        let offer = SdpOffer::from_sdp_string(offer).map_err(|_| "the offer is no SDP that can be read")?;
        let now = Instant::now();
        let mut rtc = self.connection(codec, now);
        let candidate = Candidate::host(local, "udp").map_err(|_| {
            format!("no browser can send to {}: set media.advertised_host to this node's address", local.ip())
        })?;
        rtc.add_local_candidate(candidate);
        let answer = rtc.sdp_api().accept_offer(offer).map_err(|error| format!("the offer is refused: {error}"))?;
        let answer = answer.to_sdp_string();
        let Some(mid) = answer.lines().find_map(|line| line.strip_prefix("a=mid:")).map(Mid::from) else {
            return Ok(None);
        };
        let payload_type = Pt::from(codec.payload_type());
        let is_taken = rtc.media(mid).is_some_and(|media| media.remote_pts().contains(&payload_type));
        let ssrc = rtc.direct_api().stream_tx_by_mid(mid, None).map(|stream| stream.ssrc());
        let (true, Some(ssrc)) = (is_taken, ssrc) else { return Ok(None) };
        Ok(Some((Link::new(rtc, codec, ssrc, local, now), answer)))
    }

    fn connection(&self, codec: Codec, now: Instant) -> Rtc {
        Rtc::builder()
            .set_crypto_provider(self.crypto.clone())
            .set_dtls_cert(self.certificate.clone())
            .set_ice_lite(true)
            .set_rtp_mode(true)
            .clear_codecs()
            .enable_pcma(codec == Codec::Pcma, false)
            .enable_pcmu(codec == Codec::Pcmu, false)
            .clear_extension_map()
            .set_extension(MID_EXTENSION, Extension::RtpMid)
            .set_stats_interval(Some(REPORT_INTERVAL))
            .set_rtcp_report_interval_audio(REPORT_INTERVAL)
            .build(now)
    }
}

/// The offer without its candidates (ICE-lite never calls them, and their names may be anything), when it is one audio
/// stream.
fn relevant_lines(offer: &str) -> Result<String, String> {
    if offer.len() > MAX_OFFER {
        return Err(format!("the offer is longer than {MAX_OFFER} bytes"));
    }
    let media: Vec<&str> = offer.lines().filter(|line| line.starts_with("m=")).collect();
    if !matches!(media[..], [only] if only.starts_with("m=audio ")) {
        return Err(format!("the offer has {} streams; one of audio is wanted", media.len()));
    }
    let is_candidate = |line: &str| line.starts_with("a=candidate") || line.starts_with("a=end-of-candidates");
    Ok(offer.lines().filter(|line| !is_candidate(line)).flat_map(|line| [line, "\r\n"]).collect())
}
