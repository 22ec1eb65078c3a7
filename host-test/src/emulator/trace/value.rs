//! Arguments and results of host calls, stored as bytes and read as values.

use crate::emulator::state::pairs;
use std::fmt;

/// Number of bytes of a value that a line shows.
const SHOWN: usize = 120;

/// An argument or a result of a host call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Value {
    /// A number.
    Number(u64),
    /// A signed 64-bit number.
    Signed(i64),
    /// Bytes in memory.
    Bytes(Vec<u8>),
    /// Pairs, for example headers or metadata.
    Pairs(Vec<(Vec<u8>, Vec<u8>)>),
    /// A pointer and a length outside of guest memory.
    Wild {
        /// The pointer.
        pointer: u32,
        /// The length in bytes.
        length: u32,
    },
}

impl fmt::Display for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Value::Number(number) => write!(f, "{number}"),
            Value::Signed(number) => write!(f, "{number}"),
            Value::Bytes(bytes) => f.write_str(&show(bytes)),
            Value::Pairs(pairs) => {
                let each: Vec<_> =
                    pairs.iter().map(|(k, v)| format!("{}: {}", k.escape_ascii(), show(v))).collect();
                write!(f, "{{{}}}", each.join(", "))
            }
            Value::Wild { pointer, length } => write!(f, "<{pointer:#x}+{length}>"),
        }
    }
}

/// Formats bytes as an escaped string, truncated if it is long.
fn show(bytes: &[u8]) -> String {
    match bytes.get(..SHOWN) {
        Some(start) if bytes.len() > SHOWN => format!("\"{}\"..{} bytes", start.escape_ascii(), bytes.len()),
        _ => format!("\"{}\"", bytes.escape_ascii()),
    }
}

const NUMBER: u8 = 0;
const SIGNED: u8 = 1;
const BYTES: u8 = 2;
const PAIRS: u8 = 3;
const WILD: u8 = 4;

/// Appends a number.
pub(crate) fn number(to: &mut Vec<u8>, value: u64) {
    to.push(NUMBER);
    to.extend_from_slice(&value.to_le_bytes());
}

/// Appends a signed number.
pub(crate) fn signed(to: &mut Vec<u8>, value: u64) {
    to.push(SIGNED);
    to.extend_from_slice(&value.to_le_bytes());
}

/// Appends bytes.
pub(crate) fn bytes(to: &mut Vec<u8>, value: &[u8]) {
    to.push(BYTES);
    to.extend_from_slice(&(value.len() as u32).to_le_bytes());
    to.extend_from_slice(value);
}

/// Appends serialised pairs.
pub(crate) fn serialised_pairs(to: &mut Vec<u8>, value: &[u8]) {
    let at = to.len();
    bytes(to, value);
    to[at] = PAIRS;
}

/// Appends a pointer and a length outside of guest memory.
pub(crate) fn wild(to: &mut Vec<u8>, pointer: u32, length: u32) {
    to.push(WILD);
    to.extend_from_slice(&pointer.to_le_bytes());
    to.extend_from_slice(&length.to_le_bytes());
}

/// Decodes the values that were appended.
pub(super) fn decode(mut data: &[u8]) -> impl Iterator<Item = Value> {
    fn word(data: &mut &[u8]) -> u32 {
        data.split_off(..4).map_or(0, |b| b.try_into().map_or(0, u32::from_le_bytes))
    }
    fn long(data: &mut &[u8]) -> u64 {
        let low = u64::from(word(data));
        low | u64::from(word(data)) << 32
    }
    std::iter::from_fn(move || {
        Some(match *data.split_off_first()? {
            NUMBER => Value::Number(long(&mut data)),
            SIGNED => Value::Signed(long(&mut data).cast_signed()),
            WILD => Value::Wild { pointer: word(&mut data), length: word(&mut data) },
            kind => {
                let length = word(&mut data) as usize;
                let value = data.split_off(..length)?;
                if kind == PAIRS { Value::Pairs(pairs::decode(value)) } else { Value::Bytes(value.to_vec()) }
            }
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_come_back_in_order() {
        let list = vec![(b"a".to_vec(), b"1".to_vec())];
        let mut data = Vec::new();
        number(&mut data, u64::from(u32::MAX));
        signed(&mut data, (-2i64).cast_unsigned());
        bytes(&mut data, b"x\0");
        serialised_pairs(&mut data, &pairs::encode(&list));
        wild(&mut data, u32::MAX, 3);
        bytes(&mut data, b"");
        let values: Vec<_> = decode(&data).collect();
        let wanted = [
            Value::Number(0xffff_ffff),
            Value::Signed(-2),
            Value::Bytes(b"x\0".to_vec()),
            Value::Pairs(list),
            Value::Wild { pointer: u32::MAX, length: 3 },
            Value::Bytes(Vec::new()),
        ];
        assert_eq!(values, wanted);
        let shown: Vec<_> = values.iter().map(ToString::to_string).collect();
        assert_eq!(shown, ["4294967295", "-2", "\"x\\x00\"", "{a: \"1\"}", "<0xffffffff+3>", "\"\""]);
    }

    #[test]
    fn long_bytes_are_shown_in_part() {
        assert!(Value::Bytes(vec![b'a'; 200]).to_string().ends_with("a\"..200 bytes"));
    }
}
