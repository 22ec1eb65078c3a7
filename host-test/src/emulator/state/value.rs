//! Values of properties and expressions, and their serialised form: Envoy,
//! `source/extensions/common/wasm/context.cc`, `serializeValue`.
//!
//! The bytes do not include the type, so the filter must know it. Maps and lists have the format of header
//! maps. The elements of a list are its keys, and nested values are serialised by the same rules.

use super::{Status, pairs};

/// A value, with the types that its serialised form depends on.
#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    /// Text, without a length or a NUL.
    Str(String),
    /// Bytes, unchanged.
    Bytes(Vec<u8>),
    /// Eight bytes, little-endian.
    Int(i64),
    /// Eight bytes, little-endian, unsigned.
    UInt(u64),
    /// Eight bytes, IEEE 754, little-endian.
    Double(f64),
    /// A single byte.
    Bool(bool),
    /// Nanoseconds since 1970, serialised like `Int`.
    Timestamp(i64),
    /// Nanoseconds, serialised like `Int`.
    Duration(i64),
    /// Pairs, in the order in which they are returned.
    Map(Vec<(String, Value)>),
    /// Pairs with empty values.
    List(Vec<Value>),
    /// A serialised protobuf message.
    Message(Vec<u8>),
    /// Nothing, as in metadata. It has no serialised form, and neither has a map or a list that contains it.
    Null,
}

impl Value {
    /// Returns the bytes that a module receives.
    ///
    /// Fails with [`Status::SerializationFailure`] for a value without bytes.
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
            Self::Null => return Err(Status::SerializationFailure),
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
    fn null_has_no_bytes() {
        let list = Value::List(vec![Value::Bool(true), Value::Null]);
        for value in [Value::Null, Value::Map(vec![("k".into(), list.clone())]), list] {
            assert_eq!(value.serialize(), Err(Status::SerializationFailure), "{value:?}");
        }
    }

    #[test]
    fn writes_maps_and_lists_as_pairs_with_a_count() {
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
