//! Types of attributes, and their encodings.

use crate::clock::UnixNanos;
use crate::pairs::Pairs;
use std::time::Duration;

/// A type in which Envoy encodes attributes (`serializeValue` in `source/extensions/common/wasm/context.cc`).
pub trait Value: Sized {
    /// Decodes the encoding of the host. Returns `None` if the bytes are not a valid encoding.
    fn decode(bytes: Vec<u8>) -> Option<Self>;
}

impl Value for Vec<u8> {
    fn decode(bytes: Vec<u8>) -> Option<Self> {
        Some(bytes)
    }
}

impl Value for i64 {
    fn decode(bytes: Vec<u8>) -> Option<Self> {
        bytes.try_into().ok().map(Self::from_le_bytes)
    }
}

impl Value for u64 {
    fn decode(bytes: Vec<u8>) -> Option<Self> {
        bytes.try_into().ok().map(Self::from_le_bytes)
    }
}

impl Value for bool {
    fn decode(bytes: Vec<u8>) -> Option<Self> {
        match bytes.as_slice() {
            [0] => Some(false),
            [1] => Some(true),
            _ => None,
        }
    }
}

impl Value for String {
    fn decode(bytes: Vec<u8>) -> Option<Self> {
        Self::from_utf8(bytes).ok()
    }
}

/// Nanoseconds. Envoy's durations have a sign, but none of these attributes is negative.
impl Value for Duration {
    fn decode(bytes: Vec<u8>) -> Option<Self> {
        i64::decode(bytes)?.try_into().ok().map(Self::from_nanos)
    }
}

impl Value for f64 {
    fn decode(bytes: Vec<u8>) -> Option<Self> {
        bytes.try_into().ok().map(Self::from_le_bytes)
    }
}

impl Value for Pairs {
    fn decode(bytes: Vec<u8>) -> Option<Self> {
        Self::parse(bytes).ok()
    }
}

/// A protobuf message in its binary encoding. [`Property::get_in`](super::Property::get_in) reads one of its
/// fields.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Message(pub Vec<u8>);

impl Value for Message {
    fn decode(bytes: Vec<u8>) -> Option<Self> {
        Some(Self(bytes))
    }
}

/// Stands for the type of an attribute that can only be read in parts, with
/// [`Property::get_in`](super::Property::get_in).
#[derive(Clone, Copy, Debug)]
pub struct Nested;

impl Value for UnixNanos {
    fn decode(bytes: Vec<u8>) -> Option<Self> {
        u64::decode(bytes).map(Self)
    }
}

/// A SHA-256 digest, which Envoy encodes as 64 hexadecimal digits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sha256(pub [u8; 32]);

impl Value for Sha256 {
    fn decode(bytes: Vec<u8>) -> Option<Self> {
        let mut digest = [0; 32];
        if bytes.len() != 2 * digest.len() {
            return None;
        }
        for (byte, pair) in digest.iter_mut().zip(bytes.as_chunks::<2>().0) {
            let [high, low] = pair.map(|digit| char::from(digit).to_digit(16));
            *byte = u8::try_from(high? << 4 | low?).ok()?;
        }
        Some(Self(digest))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rejects_a_value_of_the_wrong_length() {
        assert_eq!(i64::decode(vec![1, 0, 0, 0, 0, 0, 0, 0]), Some(1));
        assert_eq!(i64::decode(vec![1, 0]), None);
        assert_eq!(u64::decode(Vec::new()), None);
        assert_eq!(bool::decode(vec![2]), None);
        assert_eq!(bool::decode(vec![1]), Some(true));
    }

    #[test]
    fn decodes_each_type_and_no_other_bytes() {
        assert_eq!(String::decode(b"v\xc3\xa9".to_vec()).as_deref(), Some("v\u{e9}"));
        assert_eq!(String::decode(b"\xff".to_vec()), None);
        assert_eq!(Duration::decode(1500_u64.to_le_bytes().to_vec()), Some(Duration::from_nanos(1500)));
        assert_eq!(Duration::decode((-1_i64).to_le_bytes().to_vec()), None);
        assert_eq!(f64::decode(1.5_f64.to_le_bytes().to_vec()), Some(1.5));
        let pairs = b"\x01\0\0\0\x01\0\0\0\x01\0\0\0a\0b\0";
        let pairs = Pairs::decode(pairs.to_vec()).map(|pairs| pairs.get_all("a").next().map(<[u8]>::to_vec));
        assert_eq!(pairs, Some(Some(b"b".to_vec())));
        assert!(Pairs::decode(vec![1, 0, 0, 0]).is_none());
    }

    #[test]
    fn a_digest_is_64_hexadecimal_digits() {
        let text = "6f070AD1eb1cdc0082dc3076639fe5112b1713ca3d96d734e4ef3d8dd37e760d";
        let digest = Sha256::decode(text.into()).unwrap();
        assert_eq!((digest.0[..4].to_vec(), digest.0[31]), (vec![0x6f, 0x07, 0x0a, 0xd1], 0x0d));
        for bad in [
            "",
            text.get(..63).unwrap(),
            text.get(..62).unwrap(),
            &format!("{text}00"),
            &text.replace('6', "g"),
        ] {
            assert_eq!(Sha256::decode(bad.into()), None, "{bad}");
        }
    }
}
