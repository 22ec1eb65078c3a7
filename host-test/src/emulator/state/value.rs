//! Values of properties and expressions, and the bytes a module gets for them: Envoy,
//! `source/extensions/common/wasm/context.cc`, `serializeValue`.
//!
//! The bytes do not say their type: who asks must know it. Maps and lists have the form of header maps, a list with
//! its elements as keys, and whatever is inside is serialized by the same rules.

use super::{Status, pairs};

/// A value, with the distinctions that its bytes depend on.
#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    /// As it is, without a length or a NUL.
    Str(String),
    /// As they are.
    Bytes(Vec<u8>),
    /// Eight bytes, little-endian.
    Int(i64),
    /// Eight bytes, little-endian.
    UInt(u64),
    /// Eight bytes, IEEE 754, little-endian.
    Double(f64),
    /// One byte.
    Bool(bool),
    /// Nanoseconds since 1970, as `Int`.
    Timestamp(i64),
    /// Nanoseconds, as `Int`.
    Duration(i64),
    /// Pairs, in the order in which they are handed out.
    Map(Vec<(String, Value)>),
    /// Pairs with empty values.
    List(Vec<Value>),
    /// A protobuf message, serialized.
    Message(Vec<u8>),
}

impl Value {
    /// The bytes that a module gets.
    ///
    /// Fails with [`Status::SerializationFailure`] for a value that has none. None of these values is one, but what
    /// hosts produce may grow, and every caller must have a branch for it: `get_property("request")` answers so.
    pub fn serialize(&self) -> Result<Vec<u8>, Status> {
        Ok(match self {
            Self::Str(text) => text.clone().into_bytes(),
            Self::Bytes(bytes) | Self::Message(bytes) => bytes.clone(),
            Self::Int(number) | Self::Timestamp(number) | Self::Duration(number) => {
                number.to_le_bytes().to_vec()
            }
            Self::UInt(number) => number.to_le_bytes().to_vec(),
            Self::Double(number) => number.to_le_bytes().to_vec(),
            Self::Bool(bit) => vec![u8::from(*bit)],
            Self::Map(entries) => {
                let entry =
                    |(key, value): &(String, Self)| Ok((key.clone().into_bytes(), value.serialize()?));
                pairs::encode_counted(&entries.iter().map(entry).collect::<Result<Vec<_>, _>>()?)
            }
            Self::List(elements) => {
                let element = |value: &Self| Ok((value.serialize()?, Vec::new()));
                pairs::encode_counted(&elements.iter().map(element).collect::<Result<Vec<_>, _>>()?)
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn writes_scalars_as_envoy_does() {
        let table: [(Value, &[u8]); 9] = [
            (Value::Str("s".into()), b"s"),
            (Value::Bytes(vec![0xff]), b"\xff"),
            (Value::Message(vec![0x0a, 0]), b"\x0a\0"),
            (Value::Int(-2), b"\xfe\xff\xff\xff\xff\xff\xff\xff"),
            (Value::UInt(1), b"\x01\0\0\0\0\0\0\0"),
            (Value::Double(1.5), b"\0\0\0\0\0\0\xf8\x3f"),
            (Value::Bool(true), b"\x01"),
            (Value::Timestamp(1_577_836_800_000_000_000), b"\0\0\x8a\xb9\x35\x9a\xe5\x15"),
            (Value::Duration(1_500_000_000), b"\0\x2f\x68\x59\0\0\0\0"),
        ];
        for (value, expected) in table {
            assert_eq!(value.serialize(), Ok(expected.to_vec()), "{value:?}");
        }
    }

    #[test]
    fn writes_maps_and_lists_as_pairs_and_counts_even_none() {
        let list = Value::List(vec![Value::Bool(true), Value::Str("x".into())]);
        let bytes = b"\x02\0\0\0\x01\0\0\0\0\0\0\0\x01\0\0\0\0\0\0\0\x01\0\0x\0\0";
        assert_eq!(list.serialize(), Ok(bytes.to_vec()));
        let map = Value::Map(vec![("l".into(), list)]);
        let outer = [b"\x01\0\0\0\x01\0\0\0\x1a\0\0\0l\0".as_slice(), bytes, b"\0"].concat();
        assert_eq!(map.serialize(), Ok(outer));
        assert_eq!(Value::Map(vec![]).serialize(), Ok(vec![0; 4]));
        assert_eq!(Value::List(vec![]).serialize(), Ok(vec![0; 4]));
    }
}
