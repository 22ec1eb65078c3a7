//! Reads a `google.protobuf.Struct`, and metadata.

use serde_json::{Map, Value};

/// Decodes a serialised `google.protobuf.Struct` to JSON. Returns `None` if the bytes are not one, or if it
/// is nested deeper than `DEPTH`.
pub(super) fn decode_struct(bytes: &[u8]) -> Option<Value> {
    fields(bytes, DEPTH).map(Value::Object)
}

/// Decodes a serialised `envoy.config.core.v3.Metadata` to the JSON of its `filter_metadata`: an object with
/// a member per namespace. Returns `None` if the bytes are not one.
pub fn metadata(bytes: &[u8]) -> Option<Value> {
    let mut namespaces = Map::new();
    for part in Reader(bytes) {
        let (field, Wire::Bytes(entry)) = part? else { return None };
        // Field 2 is `typed_filter_metadata`.
        if field == 1 {
            let (mut name, mut members) = (String::new(), Map::new());
            for part in Reader(entry) {
                match part? {
                    (1, Wire::Bytes(text)) => name = std::str::from_utf8(text).ok()?.to_owned(),
                    (2, Wire::Bytes(bytes)) => members = fields(bytes, DEPTH)?,
                    _ => return None,
                }
            }
            namespaces.insert(name, Value::Object(members));
        }
    }
    Some(Value::Object(namespaces))
}

/// Maximum nesting depth, the same as that of `serde_json` for JSON text.
const DEPTH: usize = 128;

fn fields(bytes: &[u8], depth: usize) -> Option<Map<String, Value>> {
    let mut map = Map::new();
    for entry in Reader(bytes) {
        let (1, Wire::Bytes(entry)) = entry? else { return None };
        let (mut key, mut value) = (String::new(), Value::Null);
        for part in Reader(entry) {
            match part? {
                (1, Wire::Bytes(text)) => key = std::str::from_utf8(text).ok()?.to_owned(),
                (2, Wire::Bytes(bytes)) => value = decode_value(bytes, depth.checked_sub(1)?)?,
                _ => return None,
            }
        }
        map.insert(key, value);
    }
    Some(map)
}

/// Decodes a `Value`. As protobuf specifies, the last member of the `oneof` wins.
fn decode_value(bytes: &[u8], depth: usize) -> Option<Value> {
    let mut value = Value::Null;
    for part in Reader(bytes) {
        value = match part? {
            (1, Wire::Varint(_)) => Value::Null,
            (2, Wire::Fixed64(bits)) => number(f64::from_bits(bits))?,
            (3, Wire::Bytes(text)) => Value::String(std::str::from_utf8(text).ok()?.to_owned()),
            (4, Wire::Varint(yes)) => Value::Bool(yes != 0),
            (5, Wire::Bytes(bytes)) => Value::Object(fields(bytes, depth)?),
            (6, Wire::Bytes(bytes)) => Value::Array(list(bytes, depth)?),
            _ => return None,
        };
    }
    Some(value)
}

fn list(bytes: &[u8], depth: usize) -> Option<Vec<Value>> {
    Reader(bytes)
        .map(|part| match part? {
            (1, Wire::Bytes(bytes)) => decode_value(bytes, depth.checked_sub(1)?),
            _ => None,
        })
        .collect()
}

/// Converts a number. A `Struct` contains only doubles, so whole numbers become integers. Otherwise integer
/// fields could not be configured.
fn number(value: f64) -> Option<Value> {
    // 2^53. A double of this value may have been written as 2^53 + 1.
    const INEXACT: f64 = 9_007_199_254_740_992.0;
    if value.fract() == 0.0 && value.abs() < INEXACT {
        #[expect(clippy::cast_possible_truncation, reason = "whole and less than 2^53")]
        return Some(Value::from(value as i64));
    }
    serde_json::Number::from_f64(value).map(Value::Number)
}

enum Wire<'a> {
    Varint(u64),
    Fixed64(u64),
    Bytes(&'a [u8]),
}

/// Iterates over the fields of a message. Returns `None` in place of a malformed field and then ends.
struct Reader<'a>(&'a [u8]);

impl<'a> Iterator for Reader<'a> {
    type Item = Option<(u64, Wire<'a>)>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.0.is_empty() {
            return None;
        }
        let field = self.field();
        if field.is_none() {
            self.0 = &[];
        }
        Some(field)
    }
}

impl<'a> Reader<'a> {
    fn field(&mut self) -> Option<(u64, Wire<'a>)> {
        let tag = self.varint()?;
        let wire = match tag & 7 {
            0 => Wire::Varint(self.varint()?),
            1 => Wire::Fixed64(u64::from_le_bytes(self.bytes(8)?.try_into().ok()?)),
            2 => {
                let len = usize::try_from(self.varint()?).ok()?;
                Wire::Bytes(self.bytes(len)?)
            }
            _ => return None,
        };
        Some((tag >> 3, wire))
    }

    fn varint(&mut self) -> Option<u64> {
        let mut value = 0;
        for shift in (0..64).step_by(7) {
            let byte = *self.bytes(1)?.first()?;
            value |= u64::from(byte & 0x7f) << shift;
            if byte < 0x80 {
                return Some(value);
            }
        }
        None
    }

    fn bytes(&mut self, len: usize) -> Option<&'a [u8]> {
        let (bytes, rest) = self.0.split_at_checked(len)?;
        self.0 = rest;
        Some(bytes)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn field(number: u8, bytes: &[u8]) -> Vec<u8> {
        let mut out = vec![number << 3 | 2];
        let mut len = bytes.len();
        while len >= 0x80 {
            out.push(len.to_le_bytes()[0] | 0x80);
            len >>= 7;
        }
        out.push(len.to_le_bytes()[0]);
        out.extend_from_slice(bytes);
        out
    }

    fn entry(key: &str, value: &[u8]) -> Vec<u8> {
        field(1, &[field(1, key.as_bytes()), field(2, value)].concat())
    }

    fn double(value: f64) -> Vec<u8> {
        [vec![0x11], value.to_le_bytes().to_vec()].concat()
    }

    #[test]
    fn reads_every_kind_of_value() {
        let nested = field(5, &entry("deep", &[0x20, 1]));
        let list = field(6, &[field(1, &double(1.5)), field(1, &field(3, b"x"))].concat());
        let bytes = [
            entry("null", &[0x08, 0]),
            entry("whole", &double(-7.0)),
            entry("text", &field(3, "é".as_bytes())),
            entry("object", &nested),
            entry("list", &list),
        ]
        .concat();
        let expected =
            json!({"null": null, "whole": -7, "text": "é", "object": {"deep": true}, "list": [1.5, "x"]});
        assert_eq!(decode_struct(&bytes), Some(expected));
    }

    #[test]
    fn rejects_truncated_messages_and_other_types() {
        let whole = entry("text", &field(3, b"value"));
        for end in 1..whole.len() {
            assert_eq!(decode_struct(&whole[..end]), None, "cut at {end}");
        }
        assert_eq!(decode_struct(b"\n{\"a\": 1}"), None);
        assert_eq!(decode_struct(&entry("nan", &double(f64::NAN))), None);
    }

    #[test]
    fn rejects_nesting_that_would_overflow_the_stack() {
        let mut value = vec![0x20, 1];
        for _ in 0..DEPTH {
            value = field(5, &entry("d", &value));
        }
        assert_eq!(decode_struct(&entry("d", &value)), None);
    }
}
