//! G.711 (ITU-T): both laws to and from linear PCM, and between each other, by tables made at compile time.
#![forbid(unsafe_code)]

/// The two laws; the values are the static RTP payload types (RFC 3551 §6) and the codec numbers of the spool.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub enum Codec {
    Pcmu = 0,
    Pcma = 8,
}

impl Codec {
    pub fn from_payload_type(payload_type: u8) -> Option<Self> {
        match payload_type {
            0 => Some(Self::Pcmu),
            8 => Some(Self::Pcma),
            _ => None,
        }
    }

    pub fn payload_type(self) -> u8 {
        self as u8
    }

    /// The code of digital silence.
    pub fn silence(self) -> u8 {
        match self {
            Self::Pcmu => 0xff,
            Self::Pcma => 0xd5,
        }
    }

    pub fn decode(self, code: u8) -> i16 {
        match self {
            Self::Pcmu => ULAW_TO_LINEAR[usize::from(code)],
            Self::Pcma => ALAW_TO_LINEAR[usize::from(code)],
        }
    }

    pub fn encode(self, sample: i16) -> u8 {
        match self {
            Self::Pcmu => encode_ulaw(sample),
            Self::Pcma => encode_alaw(sample),
        }
    }
}

const ULAW_BIAS: i32 = 0x84;
const ULAW_CLIP: i32 = 32635;

const fn decode_ulaw(code: u8) -> i16 {
    let code = !code;
    let magnitude = ((((code & 0x0f) as i32) << 3) + ULAW_BIAS) << ((code & 0x70) >> 4);
    (if code & 0x80 != 0 { ULAW_BIAS - magnitude } else { magnitude - ULAW_BIAS }) as i16
}

const fn encode_ulaw(sample: i16) -> u8 {
    let sign = if sample < 0 { 0x80 } else { 0 };
    let magnitude = (sample as i32).abs();
    let magnitude = (if magnitude > ULAW_CLIP { ULAW_CLIP } else { magnitude }) + ULAW_BIAS;
    let segment = 24 - (magnitude as u32).leading_zeros() as i32; // 0..=7: bit 7 is the lowest leading one
    let mantissa = (magnitude >> (segment + 3)) & 0x0f;
    !(sign | ((segment as u8) << 4) | mantissa as u8)
}

const fn decode_alaw(code: u8) -> i16 {
    let code = code ^ 0x55;
    let mantissa = ((code & 0x0f) as i32) << 4;
    let segment = (code & 0x70) >> 4;
    let magnitude = if segment == 0 { mantissa + 8 } else { (mantissa + 0x108) << (segment - 1) };
    (if code & 0x80 != 0 { magnitude } else { -magnitude }) as i16
}

const fn encode_alaw(sample: i16) -> u8 {
    let (sign, magnitude) = if sample >= 0 { (0x80, sample as i32) } else { (0, -(sample as i32) - 1) };
    let code = if magnitude < 256 {
        (magnitude >> 4) as u8
    } else {
        let segment = 24 - (magnitude as u32).leading_zeros() as i32;
        ((segment as u8) << 4) | ((magnitude >> (segment + 3)) & 0x0f) as u8
    };
    (code | sign) ^ 0x55
}

const fn linear_table(is_alaw: bool) -> [i16; 256] {
    let mut table = [0; 256];
    let mut code = 0;
    while code < 256 {
        table[code] = if is_alaw { decode_alaw(code as u8) } else { decode_ulaw(code as u8) };
        code += 1;
    }
    table
}

const fn other_law_table(from_alaw: bool) -> [u8; 256] {
    let mut table = [0; 256];
    let mut code = 0;
    while code < 256 {
        table[code] =
            if from_alaw { encode_ulaw(decode_alaw(code as u8)) } else { encode_alaw(decode_ulaw(code as u8)) };
        code += 1;
    }
    table
}

static ULAW_TO_LINEAR: [i16; 256] = linear_table(false);
static ALAW_TO_LINEAR: [i16; 256] = linear_table(true);
static ULAW_TO_ALAW: [u8; 256] = other_law_table(false);
static ALAW_TO_ULAW: [u8; 256] = other_law_table(true);

/// Changes codes of one law into the other's, in place.
pub fn transcode(codes: &mut [u8], from: Codec, to: Codec) {
    let table = match (from, to) {
        (Codec::Pcma, Codec::Pcmu) => &ALAW_TO_ULAW,
        (Codec::Pcmu, Codec::Pcma) => &ULAW_TO_ALAW,
        _ => return,
    };
    for code in codes {
        *code = table[usize::from(*code)];
    }
}

/// Encodes little-endian 16-bit PCM; a trailing odd byte is left out.
pub fn encode_pcm(pcm: &[u8], codec: Codec) -> Vec<u8> {
    pcm.chunks_exact(2).map(|pair| codec.encode(i16::from_le_bytes([pair[0], pair[1]]))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn known_values() {
        // ITU-T G.711 tables 1a to 2b: the ends of the scale and the smallest steps.
        assert_eq!(Codec::Pcmu.decode(0x80), 32124);
        assert_eq!(Codec::Pcmu.decode(0x00), -32124);
        assert_eq!(Codec::Pcmu.decode(0xff), 0);
        assert_eq!(Codec::Pcma.decode(0xaa), 32256);
        assert_eq!(Codec::Pcma.decode(0x2a), -32256);
        assert_eq!(Codec::Pcma.decode(0xd5), 8);
        assert_eq!(Codec::Pcma.decode(0x55), -8);
    }

    #[test]
    fn every_code_survives_linear() {
        for codec in [Codec::Pcmu, Codec::Pcma] {
            for code in 0..=255 {
                let again = codec.encode(codec.decode(code));
                // µ-law has two zeros; the negative one becomes the positive.
                let negative_zero = codec == Codec::Pcmu && code == 0x7f;
                assert!(again == code || negative_zero, "{codec:?} {code:#x} {again:#x}");
            }
        }
    }

    #[test]
    fn every_sample_stays_within_its_step() {
        for codec in [Codec::Pcmu, Codec::Pcma] {
            for sample in i16::MIN..=i16::MAX {
                let error = (i32::from(codec.decode(codec.encode(sample))) - i32::from(sample)).abs();
                let allowed = (i32::from(sample).abs() >> 5) + 16;
                assert!(error <= allowed.max(700 * i32::from(sample.unsigned_abs() > 32000)), "{codec:?} {sample}");
            }
        }
    }

    #[test]
    fn laws_change_into_each_other() {
        let mut codes = [Codec::Pcma.encode(1000), Codec::Pcma.silence()];
        transcode(&mut codes, Codec::Pcma, Codec::Pcmu);
        assert!((i32::from(Codec::Pcmu.decode(codes[0])) - 1000).abs() < 50);
        assert!(Codec::Pcmu.decode(codes[1]).abs() <= 8);
        let before = codes;
        transcode(&mut codes, Codec::Pcmu, Codec::Pcmu);
        assert_eq!(codes, before);
    }
}
