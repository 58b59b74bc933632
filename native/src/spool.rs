//! The spool format of a recording (docs/architecture.md), and the take: one recording's stream of records.
//!
//! Everything is little-endian; every record carries a CRC-32, so that a reader accepts any prefix of the file. Audio of
//! one channel that follows on is one record a batch: packets one by one would cost every reader ten times the work.
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
const PAUSED: u8 = 4;
const RESUMED: u8 = 5;
/// Audio in one record at most, in samples: twice what a batch holds.
const MAX_RUN: usize = 3200;

/// The far end is channel 0, what we send it channel 1.
pub const FAR_END: u8 = 0;
pub const NEAR_END: u8 = 1;

/// The file header; `started_unix_us` is when position 0 was. `continues_at` is 0 where a recording begins; in the file it
/// went on in, the length of the first one up to which that one counts.
pub fn header(started_unix_us: u64, continues_at: u32) -> [u8; HEADER_LEN] {
    let mut out = [0; HEADER_LEN];
    out[..8].copy_from_slice(MAGIC);
    out[8..10].copy_from_slice(&VERSION.to_le_bytes());
    out[10..12].copy_from_slice(&(HEADER_LEN as u16).to_le_bytes());
    out[12..16].copy_from_slice(&RATE_HZ.to_le_bytes());
    out[16..24].copy_from_slice(&started_unix_us.to_le_bytes());
    out[24..28].copy_from_slice(&continues_at.to_le_bytes());
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

/// Audio of one channel that follows on, not written as a record yet.
struct Run {
    position: u32,
    codec: Codec,
    audio: Vec<u8>,
}

impl Run {
    fn new() -> Self {
        Self { position: 0, codec: Codec::Pcma, audio: Vec::with_capacity(MAX_RUN) }
    }

    fn takes(&self, position: u32, codec: Codec, count: usize) -> bool {
        let end = self.position as usize + self.audio.len();
        end == position as usize && self.codec == codec && self.audio.len() + count <= MAX_RUN
    }
}

/// The records of one recording, collected until the writer takes them.
pub struct Take {
    origin: i64,
    ends: [u32; 2],
    runs: [Run; 2],
    is_paused: bool,
    buffer: Vec<u8>,
}

impl Take {
    /// A recording that starts at `origin` on the engine's sample clock.
    pub fn new(origin: i64, started_unix_us: u64) -> Self {
        let mut buffer = Vec::with_capacity(Self::BATCH);
        buffer.extend_from_slice(&header(started_unix_us, 0));
        Self { origin, ends: [0; 2], runs: [Run::new(), Run::new()], is_paused: false, buffer }
    }

    const BATCH: usize = 4 * 1024;

    /// Adds audio at `position` on the engine's clock; what overlaps audio already written, or a pause, is left out.
    pub fn audio(&mut self, channel: u8, position: i64, codec: Codec, payload: &[u8]) {
        let end = self.ends[usize::from(channel)];
        let offset = position - self.origin;
        let cut = (i64::from(end) - offset).max(0);
        let (Ok(cut), Ok(at)) = (usize::try_from(cut), u32::try_from(offset.max(i64::from(end)))) else { return };
        if cut >= payload.len() || self.is_paused {
            return;
        }
        let payload = &payload[cut..];
        let Some(new_end) = at.checked_add(payload.len() as u32) else { return };
        self.ends[usize::from(channel)] = new_end;
        if !self.runs[usize::from(channel)].takes(at, codec, payload.len()) {
            self.end_run(channel);
        }
        let run = &mut self.runs[usize::from(channel)];
        if run.audio.is_empty() {
            (run.position, run.codec) = (at, codec);
        }
        run.audio.extend_from_slice(payload);
    }

    /// Says that up to `samples` before `until` (engine's clock) were lost on the network.
    pub fn lost(&mut self, channel: u8, samples: u32, until: i64) {
        let at = self.ends[usize::from(channel)];
        let gap = (until - self.origin - i64::from(at)).clamp(0, i64::from(samples)) as u32;
        if gap == 0 || at == 0 || self.is_paused {
            return; // before the first audio there is nothing to conceal
        }
        self.end_run(channel);
        self.ends[usize::from(channel)] = at.saturating_add(gap);
        push_record(&mut self.buffer, LOST, channel, at, 0, &gap.to_le_bytes());
    }

    /// Leaves out everything from `now` (engine's clock) on, of both channels; false: it does already.
    pub fn pause(&mut self, now: i64) -> bool {
        !std::mem::replace(&mut self.is_paused, true) && self.mark(PAUSED, now)
    }

    /// Goes on at `now`; what was heard or said before, and comes late, stays out. False: it was not paused.
    pub fn resume(&mut self, now: i64) -> bool {
        std::mem::take(&mut self.is_paused) && self.mark(RESUMED, now)
    }

    /// Ends the recording in order at `now` (engine's clock).
    pub fn end(&mut self, now: i64) {
        self.mark(END, now);
    }

    /// A record for both channels, which neither is written before any more.
    fn mark(&mut self, kind: u8, now: i64) -> bool {
        let position = u32::try_from(now - self.origin).unwrap_or(0).max(self.ends[0]).max(self.ends[1]);
        self.end_run(FAR_END);
        self.end_run(NEAR_END);
        self.ends = [position; 2];
        push_record(&mut self.buffer, kind, 0, position, 0, &[]);
        true
    }

    fn end_run(&mut self, channel: u8) {
        let run = &mut self.runs[usize::from(channel)];
        if !run.audio.is_empty() {
            push_record(&mut self.buffer, AUDIO, channel, run.position, run.codec as u8, &run.audio);
            run.audio.clear();
        }
    }

    /// What was collected since the last call; an empty buffer takes its place.
    pub fn collect(&mut self) -> Vec<u8> {
        self.end_run(FAR_END);
        self.end_run(NEAR_END);
        std::mem::replace(&mut self.buffer, Vec::with_capacity(Self::BATCH))
    }

    pub fn is_empty(&self) -> bool {
        self.buffer.is_empty() && self.runs.iter().all(|run| run.audio.is_empty())
    }
}

/// One record as read back.
#[derive(Debug, PartialEq, Eq)]
pub enum Record<'a> {
    Audio { channel: u8, position: u32, codec: Codec, payload: &'a [u8] },
    Lost { channel: u8, position: u32, samples: u32 },
    End { length: u32 },
    Paused { position: u32 },
    Resumed { position: u32 },
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
        PAUSED => Record::Paused { position },
        RESUMED => Record::Resumed { position },
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
        assert_eq!(records[1], Record::Lost { channel: 0, position: 160, samples: 160 });
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

    fn spans(bytes: &[u8]) -> Vec<(u8, u32, usize)> {
        let audio = |record: &Record<'_>| match record {
            Record::Audio { channel, position, payload, .. } => Some((*channel, *position, payload.len())),
            _ => None,
        };
        read(bytes).unwrap().iter().filter_map(audio).collect()
    }

    #[test]
    fn records_of_a_channel_never_overlap() {
        let mut take = Take::new(0, 0);
        take.audio(FAR_END, -80, Codec::Pcma, &[1; 160]); // began before the recording
        take.audio(FAR_END, 40, Codec::Pcma, &[2; 160]);
        take.audio(FAR_END, 0, Codec::Pcma, &[3; 160]);
        take.audio(FAR_END, 240, Codec::Pcma, &[4; 160]);
        assert_eq!(spans(&take.collect()), [(0, 0, 200), (0, 240, 160)]);
    }

    #[test]
    fn audio_that_follows_on_is_one_record() {
        let mut take = Take::new(0, 0);
        for packet in 0..10 {
            take.audio(FAR_END, 160 * packet, Codec::Pcma, &[packet as u8; 160]);
            take.audio(NEAR_END, 160 * packet, Codec::Pcma, &[7; 160]);
        }
        assert_eq!(spans(&take.collect()), [(0, 0, 1600), (1, 0, 1600)]);
        take.audio(FAR_END, 1600, Codec::Pcma, &[1; 160]);
        take.audio(FAR_END, 1760, Codec::Pcmu, &[1; 160]); // another codec
        take.lost(FAR_END, 160, 2080);
        take.audio(FAR_END, 2080, Codec::Pcmu, &[1; 160]);
        take.audio(FAR_END, 2400, Codec::Pcmu, &[1; 160]); // after a silence
        let bytes = take.collect();
        assert_eq!(
            spans(&[&header(0, 0)[..], &bytes].concat()),
            [(0, 1600, 160), (0, 1760, 160), (0, 2080, 160), (0, 2400, 160)]
        );
        assert!(take.is_empty());
    }

    #[test]
    fn a_record_has_its_bounds() {
        let mut take = Take::new(0, 0);
        (0..30).for_each(|packet| take.audio(NEAR_END, 160 * packet, Codec::Pcma, &[7; 160]));
        assert_eq!(spans(&take.collect()), [(1, 0, 3200), (1, 3200, 1600)]);
    }

    #[test]
    fn nothing_is_written_in_a_pause() {
        let mut take = Take::new(0, 0);
        take.audio(FAR_END, 0, Codec::Pcma, &[1; 160]);
        assert!(take.pause(160));
        assert!(!take.pause(200), "it is paused already");
        take.audio(FAR_END, 160, Codec::Pcma, &[2; 160]);
        take.audio(NEAR_END, 160, Codec::Pcma, &[2; 160]);
        take.lost(FAR_END, 160, 480);
        assert!(take.resume(480));
        assert!(!take.resume(500), "it is not paused");
        take.audio(FAR_END, 400, Codec::Pcma, &[3; 160]); // half of it was said in the pause
        take.lost(NEAR_END, 400, 600);
        take.end(640);
        let bytes = take.collect();
        let records = read(&bytes).unwrap();
        assert_eq!(records[1..3], [Record::Paused { position: 160 }, Record::Resumed { position: 480 }]);
        assert_eq!(spans(&bytes), [(0, 0, 160), (0, 480, 80)]);
        assert!(records.contains(&Record::Lost { channel: 1, position: 480, samples: 120 }));
        assert_eq!(records.last(), Some(&Record::End { length: 640 }));
    }

    #[test]
    fn a_pause_ends_with_the_recording() {
        let mut take = Take::new(0, 0);
        take.pause(100);
        take.audio(NEAR_END, 160, Codec::Pcma, &[2; 160]);
        take.end(900);
        let bytes = take.collect();
        assert_eq!(read(&bytes).unwrap(), [Record::Paused { position: 100 }, Record::End { length: 900 }]);
    }
}
