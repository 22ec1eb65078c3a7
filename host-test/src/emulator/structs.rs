//! Serialises `google.protobuf.Struct` and the messages that contain it: configurations and metadata.

use super::state::Value;
use crate::Node;
use serde_json::{Map, Value as Json};

/// Serialises an `envoy.config.core.v3.Metadata` with these namespaces, each an object.
pub fn metadata(namespaces: &Map<String, Json>) -> Vec<u8> {
    let entry = |(name, fields): (&String, &Json)| {
        let fields = fields.as_object().map(structure).unwrap_or_default();
        tagged(1, &[tagged(1, name.as_bytes()), tagged(2, &fields)].concat())
    };
    namespaces.iter().flat_map(entry).collect()
}

/// Returns the value at a path inside metadata. Numbers are doubles; objects and namespaces are maps. Lists
/// count from 0.
pub(crate) fn inside_metadata(namespaces: &Map<String, Json>, path: &[&str]) -> Option<Value> {
    match path {
        [] => Some(Value::Message(metadata(namespaces))),
        ["typed_filter_metadata"] => Some(Value::Map(Vec::new())),
        ["filter_metadata", path @ ..] => inside(namespaces, path),
        _ => None,
    }
}

/// Serialises an `envoy.config.core.v3.Node`.
pub(crate) fn message(node: &Node) -> Vec<u8> {
    let metadata = structure(&node.metadata);
    let mut fields = vec![(1, node.id.as_bytes()), (2, node.cluster.as_bytes()), (3, metadata.as_slice())];
    fields.retain(|(_, bytes)| !bytes.is_empty());
    fields.push((6, b"envoy"));
    fields.into_iter().flat_map(|(number, bytes)| tagged(number, bytes)).collect()
}

/// Returns the value at a path inside an object, as [`inside_metadata`] does.
pub(crate) fn inside(object: &Map<String, Json>, path: &[&str]) -> Option<Value> {
    inside_value(&Json::Object(object.clone()), path)
}

fn inside_value(json: &Json, path: &[&str]) -> Option<Value> {
    if let [first, rest @ ..] = path {
        let member = match json {
            // Abseil's `SimpleAtoi` reads the index.
            Json::Array(list) => list.get(usize::try_from(first.trim().parse::<i32>().ok()?).ok()?),
            json => json.as_object()?.get(*first),
        };
        return inside_value(member?, rest);
    }
    Some(match json {
        Json::Null => Value::Null,
        Json::Bool(bit) => Value::Bool(*bit),
        Json::Number(number) => Value::Double(number.as_f64()?),
        Json::String(text) => Value::Str(text.clone()),
        Json::Array(list) => Value::List(list.iter().filter_map(|v| inside_value(v, &[])).collect()),
        Json::Object(fields) => {
            Value::Map(fields.iter().filter_map(|(k, v)| Some((k.clone(), inside_value(v, &[])?))).collect())
        }
    })
}

/// Serialises a `google.protobuf.Struct`.
pub(crate) fn structure(object: &Map<String, Json>) -> Vec<u8> {
    let entry = |(key, value): (&String, &Json)| {
        let value = self::value(value);
        tagged(1, &[tagged(1, key.as_bytes()), tagged(2, &value)].concat())
    };
    object.iter().flat_map(entry).collect()
}

/// Serialises a `google.protobuf.Value`.
pub(crate) fn value(json: &Json) -> Vec<u8> {
    use Json::{Array, Bool, Null, Number, Object, String};
    match json {
        Null => vec![0x08, 0],
        Number(number) => {
            let number = number.as_f64().unwrap_or(f64::NAN).to_le_bytes();
            [&[0x11][..], &number].concat()
        }
        String(text) => tagged(3, text.as_bytes()),
        Bool(bit) => vec![0x20, u8::from(*bit)],
        Object(object) => tagged(5, &structure(object)),
        Array(list) => {
            let values: Vec<u8> = list.iter().flat_map(|v| tagged(1, &value(v))).collect();
            tagged(6, &values)
        }
    }
}

fn tagged(number: u8, bytes: &[u8]) -> Vec<u8> {
    let mut out = vec![number << 3 | 2];
    let mut length = bytes.len();
    while length >= 0x80 {
        out.push((length & 0x7f) as u8 | 0x80);
        length >>= 7;
    }
    out.push(length as u8);
    out.extend_from_slice(bytes);
    out
}
