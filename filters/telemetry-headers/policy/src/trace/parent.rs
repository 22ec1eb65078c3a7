//! `traceparent` (level 1, with the random flag of level 2).

/// A parsed `traceparent`: `00-<trace id>-<parent id>-<flags>`. Neither id is all zeros.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TraceParent {
    trace_id: [u8; 16],
    parent_id: [u8; 8],
    flags: u8,
}

const SAMPLED: u8 = 1;
const RANDOM: u8 = 2;

impl TraceParent {
    /// Length of a header value of version 00.
    pub const LEN: usize = 55;

    /// Parses a header value. For a later version, reads the fields that version 00 defines. Clears unknown
    /// flags, which must be set to zero (section "Other flags").
    pub fn parse(value: &[u8]) -> Option<Self> {
        let (known, rest) = value.split_at_checked(Self::LEN)?;
        let mut fields = known.split(|byte| *byte == b'-');
        let mut field = || fields.next();
        let [version] = hex(field()?)?;
        match (version, rest) {
            (0xff, _) => return None,
            (_, []) => {}
            (1.., [b'-', ..]) => {}
            _ => return None,
        }
        let parsed =
            Self { trace_id: hex(field()?)?, parent_id: hex(field()?)?, flags: hex::<1>(field()?)?[0] };
        let valid = parsed.trace_id != [0; 16] && parsed.parent_id != [0; 8] && field().is_none();
        valid.then_some(Self { flags: parsed.flags & (SAMPLED | RANDOM), ..parsed })
    }

    /// Returns a new context with these random bytes as its ids.
    pub fn random(trace_id: [u8; 16], parent_id: [u8; 8], sampled: bool) -> Self {
        let flags = RANDOM | if sampled { SAMPLED } else { 0 };
        Self { trace_id: not_zero(trace_id), parent_id: not_zero(parent_id), flags }
    }

    /// Returns the same trace with another parent id.
    pub fn with_parent_id(self, parent_id: [u8; 8]) -> Self {
        Self { parent_id: not_zero(parent_id), ..self }
    }

    /// Returns whether the sampled flag is set: the caller may have recorded the trace.
    pub fn is_sampled(&self) -> bool {
        self.flags & SAMPLED != 0
    }

    /// Returns whether the random flag of level 2 is set: the trace id is random.
    pub fn is_random(&self) -> bool {
        self.flags & RANDOM != 0
    }

    /// Returns the trace id in hexadecimal digits.
    pub fn trace_id(&self) -> [u8; 32] {
        digits(&self.trace_id)
    }

    /// Returns the parent id in hexadecimal digits.
    pub fn parent_id(&self) -> [u8; 16] {
        digits(&self.parent_id)
    }

    /// Returns the header value, in version 00.
    pub fn encode(&self) -> [u8; Self::LEN] {
        let mut out = [b'-'; Self::LEN];
        let mut put = |start: usize, bytes: &[u8]| {
            if let Some(rest) = out.get_mut(start..) {
                write_digits(bytes, rest);
            }
        };
        put(0, &[0]);
        put(3, &self.trace_id);
        put(36, &self.parent_id);
        put(53, &[self.flags]);
        out
    }
}

/// Replaces an id of all zeros, which is invalid, and which occurs once in 2^64 draws.
fn not_zero<const N: usize>(mut id: [u8; N]) -> [u8; N] {
    if id == [0; N] {
        id.fill(1);
    }
    id
}

/// Returns the lowest four bits as a hexadecimal digit.
pub(crate) fn hex_digit(value: u8) -> u8 {
    match value & 0xf {
        low @ 0..=9 => b'0' + low,
        high => b'a' + (high - 10),
    }
}

fn digits<const N: usize>(bytes: &[u8]) -> [u8; N] {
    let mut out = [b'0'; N];
    write_digits(bytes, &mut out);
    out
}

/// Writes two hexadecimal digits for each byte, as far as there is room.
fn write_digits(bytes: &[u8], out: &mut [u8]) {
    for (pair, byte) in out.as_chunks_mut().0.iter_mut().zip(bytes) {
        *pair = [hex_digit(byte >> 4), hex_digit(*byte)];
    }
}

/// Parses exactly `2 * N` hexadecimal digits. Upper-case digits are invalid.
fn hex<const N: usize>(text: &[u8]) -> Option<[u8; N]> {
    if text.len() != 2 * N {
        return None;
    }
    let mut out = [0; N];
    for (byte, pair) in out.iter_mut().zip(text.chunks_exact(2)) {
        let [high, low] = *pair else { return None };
        *byte = value_of(high)? << 4 | value_of(low)?;
    }
    Some(out)
}

fn value_of(digit: u8) -> Option<u8> {
    match digit {
        b'0'..=b'9' => Some(digit - b'0'),
        b'a'..=b'f' => Some(digit - b'a' + 10),
        _ => None,
    }
}
