//! The spool format of a recording (docs/architecture.md), and the take: one recording's stream of records.
//!
//! Everything is little-endian; every record carries a CRC-32, so that a reader accepts any prefix of the file.
#![forbid(unsafe_code)]

use crate::g711::Codec;

pub const MAGIC: &[u8; 8] = b"DLRSPOOL";
pub const HEADER_LEN: usize = 32;
const VERSION: u16 = 1;
const RATE_HZ: u32 = 8000;
const SYNC: u16 = 0x5AA5;
const RECORD_HEADER_LEN: usize = 12;
const AUDIO: u8 = 1;
const LOST: u8 = 2;
const END: u8 = 3;

/// The far end is channel 0, what we send it channel 1.
pub const FAR_END: u8 = 0;
pub const NEAR_END: u8 = 1;

/// The file header; `started_unix_us` is when position 0 was.
pub fn header(started_unix_us: u64) -> [u8; HEADER_LEN] {
    let mut out = [0; HEADER_LEN];
    out[..8].copy_from_slice(MAGIC);
    out[8..10].copy_from_slice(&VERSION.to_le_bytes());
    out[10..12].copy_from_slice(&(HEADER_LEN as u16).to_le_bytes());
    out[12..16].copy_from_slice(&RATE_HZ.to_le_bytes());
    out[16..24].copy_from_slice(&started_unix_us.to_le_bytes());
    let crc = crc32fast::hash(&out[..28]);
    out[28..].copy_from_slice(&crc.to_le_bytes());
    out
}

fn push_record(out: &mut Vec<u8>, kind: u8, channel: u8, position: u32, codec: u8, payload: &[u8]) {
    let start = out.len();
    let mut head = [0; RECORD_HEADER_LEN];
    head[..2].copy_from_slice(&SYNC.to_le_bytes());
    head[2] = kind;
    head[3] = channel;
    head[4..8].copy_from_slice(&position.to_le_bytes());
    head[8..10].copy_from_slice(&(payload.len() as u16).to_le_bytes());
    head[10] = codec;
    out.extend_from_slice(&head);
    out.extend_from_slice(payload);
    let crc = crc32fast::hash(&out[start..]);
    out.extend_from_slice(&crc.to_le_bytes());
}

/// The records of one recording, collected until the writer takes them.
pub struct Take {
    origin: i64,
    ends: [u32; 2],
    buffer: Vec<u8>,
}

impl Take {
    /// A recording that starts at `origin` on the engine's sample clock.
    pub fn new(origin: i64, started_unix_us: u64) -> Self {
        let mut buffer = Vec::with_capacity(Self::BATCH);
        buffer.extend_from_slice(&header(started_unix_us));
        Self { origin, ends: [0; 2], buffer }
    }

    const BATCH: usize = 6 * 1024;

    /// Adds audio at `position` on the engine's clock; what overlaps audio already written is left out.
    pub fn audio(&mut self, channel: u8, position: i64, codec: Codec, payload: &[u8]) {
        let end = &mut self.ends[usize::from(channel)];
        let offset = position - self.origin;
        let cut = (i64::from(*end) - offset).max(0);
        let (Ok(cut), Ok(at)) = (usize::try_from(cut), u32::try_from(offset.max(i64::from(*end)))) else { return };
        if cut >= payload.len() {
            return;
        }
        let payload = &payload[cut..];
        let Some(new_end) = at.checked_add(payload.len() as u32) else { return };
        *end = new_end;
        push_record(&mut self.buffer, AUDIO, channel, at, codec as u8, payload);
    }

    /// Says that up to `samples` before `until` (engine's clock) were lost on the network.
    pub fn lost(&mut self, channel: u8, samples: u32, until: i64) {
        let at = self.ends[usize::from(channel)];
        let gap = (until - self.origin - i64::from(at)).clamp(0, i64::from(samples)) as u32;
        if gap == 0 || at == 0 {
            return; // before the first audio there is nothing to conceal
        }
        self.ends[usize::from(channel)] = at.saturating_add(gap);
        push_record(&mut self.buffer, LOST, channel, at, 0, &gap.to_le_bytes());
    }

    /// Ends the recording in order at `now` (engine's clock).
    pub fn end(&mut self, now: i64) {
        let length = u32::try_from(now - self.origin).unwrap_or(0).max(self.ends[0]).max(self.ends[1]);
        push_record(&mut self.buffer, END, 0, length, 0, &[]);
    }

    /// What was collected since the last call; an empty buffer takes its place.
    pub fn collect(&mut self) -> Vec<u8> {
        std::mem::replace(&mut self.buffer, Vec::with_capacity(Self::BATCH))
    }

    pub fn is_empty(&self) -> bool {
        self.buffer.is_empty()
    }
}

/// One record as read back.
#[derive(Debug, PartialEq, Eq)]
pub enum Record<'a> {
    Audio { channel: u8, position: u32, codec: Codec, payload: &'a [u8] },
    Lost { channel: u8, position: u32, samples: u32 },
    End { length: u32 },
}

/// Reads the records of any prefix of a spool; stops at the first that is torn or wrong. `None`: no valid header.
pub fn read(bytes: &[u8]) -> Option<Vec<Record<'_>>> {
    let head = bytes.get(..HEADER_LEN)?;
    let crc = u32::from_le_bytes(head[28..].try_into().ok()?);
    if !head.starts_with(MAGIC) || crc != crc32fast::hash(&head[..28]) {
        return None;
    }
    let mut rest = &bytes[HEADER_LEN..];
    let mut records = Vec::new();
    while let Some((record, length)) = read_record(rest) {
        records.push(record);
        rest = &rest[length..];
    }
    Some(records)
}

fn read_record(bytes: &[u8]) -> Option<(Record<'_>, usize)> {
    let head = bytes.get(..RECORD_HEADER_LEN)?;
    let payload_len = usize::from(u16::from_le_bytes([head[8], head[9]]));
    let body_len = RECORD_HEADER_LEN + payload_len;
    let crc = u32::from_le_bytes(bytes.get(body_len..body_len + 4)?.try_into().ok()?);
    if head[..2] != SYNC.to_le_bytes() || crc != crc32fast::hash(&bytes[..body_len]) {
        return None;
    }
    let payload = &bytes[RECORD_HEADER_LEN..body_len];
    let (channel, position) = (head[3], u32::from_le_bytes(head[4..8].try_into().ok()?));
    let record = match head[2] {
        AUDIO => Record::Audio { channel, position, codec: Codec::from_payload_type(head[10])?, payload },
        LOST => Record::Lost { channel, position, samples: u32::from_le_bytes(payload.try_into().ok()?) },
        END => Record::End { length: position },
        _ => return None,
    };
    Some((record, body_len + 4))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sample() -> Vec<u8> {
        let mut take = Take::new(1000, 77);
        take.audio(FAR_END, 1000, Codec::Pcma, &[1; 160]);
        take.audio(NEAR_END, 1200, Codec::Pcmu, &[2; 80]);
        take.lost(FAR_END, 160, 1400);
        take.audio(FAR_END, 1400, Codec::Pcma, &[3; 160]);
        take.end(1600);
        take.collect()
    }

    #[test]
    fn what_is_written_is_read() {
        let bytes = sample();
        let records = read(&bytes).unwrap();
        assert_eq!(records.len(), 5);
        assert_eq!(records[2], Record::Lost { channel: 0, position: 160, samples: 160 });
        assert_eq!(records[4], Record::End { length: 600 });
    }

    #[test]
    fn any_prefix_is_readable() {
        let bytes = sample();
        for length in HEADER_LEN..bytes.len() {
            assert!(read(&bytes[..length]).unwrap().len() < 5);
        }
        assert_eq!(read(&bytes[..HEADER_LEN - 1]), None);
    }

    #[test]
    fn a_changed_byte_ends_the_reading() {
        let mut bytes = sample();
        bytes[HEADER_LEN + 20] ^= 1;
        assert_eq!(read(&bytes).unwrap().len(), 0);
    }

    #[test]
    fn records_of_a_channel_never_overlap() {
        let mut take = Take::new(0, 0);
        take.audio(FAR_END, -80, Codec::Pcma, &[1; 160]); // began before the recording
        take.audio(FAR_END, 40, Codec::Pcma, &[2; 160]);
        take.audio(FAR_END, 0, Codec::Pcma, &[3; 160]);
        let bytes = take.collect();
        let spans: Vec<_> = read(&bytes)
            .unwrap()
            .iter()
            .map(|record| match record {
                Record::Audio { position, payload, .. } => (*position, payload.len()),
                other => panic!("{other:?}"),
            })
            .collect();
        assert_eq!(spans, [(0, 80), (80, 120)]);
    }
}
