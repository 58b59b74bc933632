//! RTCP (RFC 3550 §6): what we need of incoming compound packets, and our own reports.
#![forbid(unsafe_code)]

const VERSION: u8 = 2;
const SENDER_REPORT: u8 = 200;
const RECEIVER_REPORT: u8 = 201;
const SOURCE_DESCRIPTION: u8 = 202;
const GOODBYE: u8 = 203;
const CNAME: u8 = 1;
const BLOCK_LEN: usize = 24;
const SENDER_INFO_LEN: usize = 20;

/// Large enough for every packet that `write` makes.
pub const MAX_LEN: usize = 128;

/// One report block (RFC 3550 §6.4.1); times in 1/65536 s, jitter in samples.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct ReportBlock {
    pub ssrc: u32,
    pub fraction_lost: u8,
    pub cumulative_lost: i32,
    pub highest_sequence: u32,
    pub jitter: u32,
    pub last_sr: u32,
    pub delay_since_last_sr: u32,
}

/// The sender's part of an SR.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct SenderInfo {
    pub ntp: u64,
    pub rtp_timestamp: u32,
    pub packets: u32,
    pub bytes: u32,
}

/// What one compound packet told us.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Heard {
    /// The sender's SSRC and info, when there was an SR.
    pub sender: Option<(u32, SenderInfo)>,
    /// How the far end receives us, when it reported on our SSRC.
    pub about_us: Option<ReportBlock>,
    pub goodbye: bool,
}

fn u32_at(bytes: &[u8], at: usize) -> Option<u32> {
    Some(u32::from_be_bytes(bytes.get(at..at + 4)?.try_into().ok()?))
}

fn parse_block(bytes: &[u8]) -> Option<ReportBlock> {
    let loss = u32_at(bytes, 4)?;
    Some(ReportBlock {
        ssrc: u32_at(bytes, 0)?,
        fraction_lost: (loss >> 24) as u8,
        cumulative_lost: ((loss << 8) as i32) >> 8,
        highest_sequence: u32_at(bytes, 8)?,
        jitter: u32_at(bytes, 12)?,
        last_sr: u32_at(bytes, 16)?,
        delay_since_last_sr: u32_at(bytes, 20)?,
    })
}

fn parse_sender_info(body: &[u8]) -> Option<SenderInfo> {
    Some(SenderInfo {
        ntp: (u64::from(u32_at(body, 4)?) << 32) | u64::from(u32_at(body, 8)?),
        rtp_timestamp: u32_at(body, 12)?,
        packets: u32_at(body, 16)?,
        bytes: u32_at(body, 20)?,
    })
}

/// Parses a compound packet as seen by the owner of `our_ssrc`; `None` when it is not valid (RFC 3550 A.2).
pub fn parse(bytes: &[u8], our_ssrc: u32) -> Option<Heard> {
    let mut heard = Heard::default();
    let mut rest = bytes;
    let mut is_first = true;
    while !rest.is_empty() {
        let (first, kind) = (*rest.first()?, *rest.get(1)?);
        let length = 4 + 4 * usize::from(u16::from_be_bytes([*rest.get(2)?, *rest.get(3)?]));
        if first >> 6 != VERSION || length > rest.len() {
            return None;
        }
        if is_first && kind != SENDER_REPORT && kind != RECEIVER_REPORT {
            return None;
        }
        parse_one(&rest[..length], first & 0x1f, kind, our_ssrc, &mut heard)?;
        rest = &rest[length..];
        is_first = false;
    }
    (!is_first).then_some(heard)
}

fn parse_one(packet: &[u8], count: u8, kind: u8, our_ssrc: u32, heard: &mut Heard) -> Option<()> {
    let body = &packet[4..];
    let blocks_at = match kind {
        SENDER_REPORT => {
            heard.sender = Some((u32_at(body, 0)?, parse_sender_info(body)?));
            4 + SENDER_INFO_LEN
        }
        RECEIVER_REPORT => {
            u32_at(body, 0)?;
            4
        }
        GOODBYE => {
            heard.goodbye = true;
            return Some(());
        }
        _ => return Some(()),
    };
    for index in 0..usize::from(count) {
        let block = parse_block(body.get(blocks_at + index * BLOCK_LEN..)?)?;
        if block.ssrc == our_ssrc {
            heard.about_us = Some(block);
        }
    }
    Some(())
}

/// What we report.
#[derive(Debug, Clone, Copy)]
pub struct Report<'a> {
    pub ssrc: u32,
    pub sender: Option<SenderInfo>,
    pub block: Option<ReportBlock>,
    pub cname: &'a str,
    pub goodbye: bool,
}

/// Writes SR or RR, SDES with the CNAME, and BYE if asked; returns the length. The CNAME is cut at 32 bytes.
pub fn write(report: &Report<'_>, out: &mut [u8; MAX_LEN]) -> usize {
    let mut writer = Writer { out, at: 0 };
    let kind = if report.sender.is_some() { SENDER_REPORT } else { RECEIVER_REPORT };
    let start = writer.begin(u8::from(report.block.is_some()), kind, report.ssrc);
    if let Some(info) = report.sender {
        writer.u32((info.ntp >> 32) as u32);
        writer.u32(info.ntp as u32);
        writer.u32(info.rtp_timestamp);
        writer.u32(info.packets);
        writer.u32(info.bytes);
    }
    if let Some(block) = report.block {
        writer.u32(block.ssrc);
        let lost = block.cumulative_lost.clamp(-0x80_0000, 0x7f_ffff) as u32 & 0xff_ffff;
        writer.u32((u32::from(block.fraction_lost) << 24) | lost);
        writer.u32(block.highest_sequence);
        writer.u32(block.jitter);
        writer.u32(block.last_sr);
        writer.u32(block.delay_since_last_sr);
    }
    writer.finish(start);
    let start = writer.begin(1, SOURCE_DESCRIPTION, report.ssrc);
    let cname = &report.cname.as_bytes()[..report.cname.len().min(32)];
    writer.bytes(&[CNAME, cname.len() as u8]);
    writer.bytes(cname);
    writer.bytes(&[0; 4][..4 - writer.at % 4]); // at least one zero ends the list, then up to the word
    writer.finish(start);
    if report.goodbye {
        let start = writer.begin(1, GOODBYE, report.ssrc);
        writer.finish(start);
    }
    writer.at
}

struct Writer<'a> {
    out: &'a mut [u8; MAX_LEN],
    at: usize,
}

impl Writer<'_> {
    fn bytes(&mut self, bytes: &[u8]) {
        self.out[self.at..self.at + bytes.len()].copy_from_slice(bytes);
        self.at += bytes.len();
    }

    fn u32(&mut self, value: u32) {
        self.bytes(&value.to_be_bytes());
    }

    fn begin(&mut self, count: u8, kind: u8, ssrc: u32) -> usize {
        let start = self.at;
        self.bytes(&[(VERSION << 6) | count, kind, 0, 0]);
        self.u32(ssrc);
        start
    }

    fn finish(&mut self, start: usize) {
        let words = ((self.at - start) / 4 - 1) as u16;
        self.out[start + 2..start + 4].copy_from_slice(&words.to_be_bytes());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const BLOCK: ReportBlock = ReportBlock {
        ssrc: 7,
        fraction_lost: 25,
        cumulative_lost: -3,
        highest_sequence: 0x1_0002,
        jitter: 44,
        last_sr: 0x1234_5678,
        delay_since_last_sr: 0x8000,
    };
    const INFO: SenderInfo = SenderInfo { ntp: 0xe000_0000_8000_0000, rtp_timestamp: 5, packets: 6, bytes: 7 };

    fn written(report: &Report<'_>) -> Vec<u8> {
        let mut out = [0; MAX_LEN];
        let length = write(report, &mut out);
        out[..length].to_vec()
    }

    #[test]
    fn what_is_written_is_read() {
        let report = Report { ssrc: 9, sender: Some(INFO), block: Some(BLOCK), cname: "leg@127.0.0.1", goodbye: true };
        let heard = parse(&written(&report), 7).unwrap();
        assert_eq!(heard, Heard { sender: Some((9, INFO)), about_us: Some(BLOCK), goodbye: true });
    }

    #[test]
    fn a_report_about_others_is_not_about_us() {
        let report = Report { ssrc: 9, sender: None, block: Some(BLOCK), cname: "abc", goodbye: false };
        assert_eq!(parse(&written(&report), 8), Some(Heard::default()));
    }

    #[test]
    fn every_cname_length_fills_whole_words() {
        for length in 0..40 {
            let cname = "x".repeat(length);
            let report = Report { ssrc: 9, sender: None, block: None, cname: &cname, goodbye: true };
            let bytes = written(&report);
            assert_eq!(bytes.len() % 4, 0);
            assert!(parse(&bytes, 1).unwrap().goodbye, "{length}");
        }
    }

    #[test]
    fn truncated_packets_are_refused() {
        let report = Report { ssrc: 9, sender: Some(INFO), block: Some(BLOCK), cname: "abc", goodbye: false };
        let bytes = written(&report);
        for length in 0..52 {
            assert_eq!(parse(&bytes[..length], 7), None, "{length}");
        }
    }

    #[test]
    fn a_compound_packet_begins_with_a_report() {
        let bytes = written(&Report { ssrc: 9, sender: None, block: None, cname: "abc", goodbye: false });
        assert_eq!(parse(&bytes[8..], 9), None);
    }

    #[test]
    fn a_count_larger_than_the_packet_is_refused() {
        let mut bytes = written(&Report { ssrc: 9, sender: None, block: Some(BLOCK), cname: "", goodbye: false });
        bytes[0] |= 0x1f;
        assert_eq!(parse(&bytes, 7), None);
    }
}
