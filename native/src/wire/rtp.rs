//! RTP packets (RFC 3550 §5.1): parsing without copying, and writing the fixed header.
#![forbid(unsafe_code)]

pub const HEADER_LEN: usize = 12;
const VERSION: u8 = 2;
/// What an RTCP packet's type looks like to an RTP parser that takes its top bit for the marker (RFC 5761 §4).
const RTCP_TYPES: std::ops::RangeInclusive<u8> = 64..=95;

/// The fixed header, without the counts that only matter for parsing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Header {
    pub marker: bool,
    pub payload_type: u8,
    pub sequence: u16,
    pub timestamp: u32,
    pub ssrc: u32,
}

/// A parsed packet: the header and where in the datagram the payload lies.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Parsed {
    pub header: Header,
    pub payload: std::ops::Range<usize>,
}

fn u16_at(bytes: &[u8], at: usize) -> Option<u16> {
    Some(u16::from_be_bytes(bytes.get(at..at + 2)?.try_into().ok()?))
}

fn u32_at(bytes: &[u8], at: usize) -> Option<u32> {
    Some(u32::from_be_bytes(bytes.get(at..at + 4)?.try_into().ok()?))
}

/// Parses one datagram; `None` when it is no valid RTP packet (or RTCP on the RTP port).
///
/// The payload's start is never below `HEADER_LEN`, so a new header can be written in place before it.
pub fn parse(bytes: &[u8]) -> Option<Parsed> {
    let first = *bytes.first()?;
    let second = *bytes.get(1)?;
    let payload_type = second & 0x7f;
    if first >> 6 != VERSION || RTCP_TYPES.contains(&payload_type) {
        return None;
    }
    let header = Header {
        marker: second & 0x80 != 0,
        payload_type,
        sequence: u16_at(bytes, 2)?,
        timestamp: u32_at(bytes, 4)?,
        ssrc: u32_at(bytes, 8)?,
    };
    let mut start = HEADER_LEN + 4 * usize::from(first & 0x0f);
    if first & 0x10 != 0 {
        let extension_words = u16_at(bytes, start + 2)?;
        start += 4 + 4 * usize::from(extension_words);
    }
    let mut end = bytes.len();
    if first & 0x20 != 0 {
        let padding = usize::from(*bytes.last()?);
        if padding == 0 {
            return None;
        }
        end = end.checked_sub(padding)?;
    }
    (start <= end).then_some(Parsed { header, payload: start..end })
}

/// Writes the fixed header into the first `HEADER_LEN` bytes of `out`: version 2, no padding, extension or CSRC.
pub fn write_header(header: &Header, out: &mut [u8]) {
    out[0] = VERSION << 6;
    out[1] = (u8::from(header.marker) << 7) | (header.payload_type & 0x7f);
    out[2..4].copy_from_slice(&header.sequence.to_be_bytes());
    out[4..8].copy_from_slice(&header.timestamp.to_be_bytes());
    out[8..12].copy_from_slice(&header.ssrc.to_be_bytes());
}

#[cfg(test)]
mod tests {
    use super::*;

    const HEADER: Header =
        Header { marker: true, payload_type: 8, sequence: 0xfffe, timestamp: 0xdead_beef, ssrc: 0x0102_0304 };

    fn packet(payload: &[u8]) -> Vec<u8> {
        let mut bytes = vec![0; HEADER_LEN];
        write_header(&HEADER, &mut bytes);
        bytes.extend_from_slice(payload);
        bytes
    }

    #[test]
    fn what_is_written_is_read() {
        let bytes = packet(&[0xd5; 160]);
        assert_eq!(parse(&bytes), Some(Parsed { header: HEADER, payload: 12..172 }));
    }

    #[test]
    fn csrc_extension_and_padding_are_no_payload() {
        let mut bytes = packet(&[]);
        bytes[0] |= 0x10 | 0x20 | 0x02;
        bytes.extend_from_slice(&[0; 8]); // two CSRC
        bytes.extend_from_slice(&[0xbe, 0xde, 0, 1, 1, 2, 3, 4]); // one word of extension
        bytes.extend_from_slice(&[7, 7, 7, 0, 0, 3]); // three bytes of payload, three of padding
        assert_eq!(parse(&bytes).unwrap().payload, 28..31);
    }

    #[test]
    fn every_truncation_is_refused_or_shorter() {
        let mut bytes = packet(&[]);
        bytes[0] |= 0x10 | 0x03;
        bytes.extend_from_slice(&[0; 12 + 8]);
        for length in 0..28 {
            assert_eq!(parse(&bytes[..length]), None, "{length}");
        }
    }

    #[test]
    fn foreign_packets_are_refused() {
        assert_eq!(parse(b"OPTIONS sip:nobody SIP/2.0\r\n"), None);
        let mut padded = packet(&[1, 2, 200]);
        padded[0] |= 0x20; // more padding than packet
        assert_eq!(parse(&padded), None);
        let mut none = packet(&[1, 0]);
        none[0] |= 0x20; // a padding count of zero
        assert_eq!(parse(&none), None);
        let mut rtcp = packet(&[0; 16]);
        rtcp[1] = 200;
        assert_eq!(parse(&rtcp), None);
    }
}
