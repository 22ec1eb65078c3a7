//! Durations, bodies and fields of scenario files, each of which can be written in several forms.

use crate::{Headers, Waits};
use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::Deserialize;
use serde_json::Value;
use std::borrow::Cow;
use std::cell::RefCell;
use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// Implements `JsonSchema` for a type with a hand-written deserializer.
macro_rules! schema {
    ($type:ident: $($json:tt)+) => {
        impl JsonSchema for $type {
            fn schema_name() -> Cow<'static, str> {
                stringify!($type).into()
            }

            fn json_schema(_: &mut SchemaGenerator) -> Schema {
                json_schema!($($json)+)
            }
        }
    };
}
pub(super) use schema;

/// Returns the text of a scalar. Numbers with a fraction have none, because 1.10 would become 1.1.
pub(super) fn scalar(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Bool(bit) => Some(bit.to_string()),
        Value::Number(number) if !number.is_f64() => Some(number.to_string()),
        _ => None,
    }
}

/// Shows a value in an error, truncated if long.
pub(super) fn shown(value: &Value) -> String {
    let text = value.to_string();
    match text.char_indices().nth(60) {
        Some((cut, _)) => format!("`{}...`", &text[..cut]),
        None => format!("`{text}`"),
    }
}

/// A duration: `5ms`, `1.5s`, `2m`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(try_from = "Value")]
pub struct Time(pub Duration);

schema!(Time: { "type": "string", "pattern": "^[0-9]+(\\.[0-9]+)?(us|ms|s|m)$", "description": "A duration: `5ms`, `1.5s`, `2m`." });

impl TryFrom<Value> for Time {
    type Error = String;

    fn try_from(value: Value) -> Result<Self, String> {
        let wrong =
            || format!("invalid duration {}, expected a value such as `5ms`, `1.5s` or `2m`", shown(&value));
        let text = value.as_str().ok_or_else(wrong)?;
        let digits = text.find(|c: char| !c.is_ascii_digit() && c != '.').ok_or_else(wrong)?;
        let (number, unit) = text.split_at(digits);
        let scale = match unit {
            "us" => 1e-6,
            "ms" => 1e-3,
            "s" => 1.0,
            "m" => 60.0,
            _ => return Err(wrong()),
        };
        let seconds = number.parse::<f64>().map_err(|_| wrong())? * scale;
        // A whole number of nanoseconds: 0.1 s must not become 100.000001 ms.
        Duration::try_from_secs_f64((seconds * 1e9).round() / 1e9).map(Self).map_err(|_| wrong())
    }
}

/// A body in pieces. Each piece is text, `{base64: ..}`, `{repeat: text, times: n}`, or `{file: path}`.
/// `{wait: 5ms}` between them is a time to wait.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(try_from = "Value")]
pub struct Pieces {
    pub pieces: Vec<Vec<u8>>,
    pub waits: Waits,
}

schema!(Pieces: {
    "description": "A body: one piece, or a list of pieces that are sent separately. `{wait: 5ms}` before a piece, or at the end, delays it.",
    "anyOf": [
        { "$ref": "#/$defs/Piece" },
        {
            "type": "array",
            "items": {
                "anyOf": [
                    { "$ref": "#/$defs/Piece" },
                    {
                        "type": "object",
                        "properties": { "wait": { "$ref": "#/$defs/Time" } },
                        "required": ["wait"],
                        "additionalProperties": false
                    }
                ]
            }
        }
    ]
});

impl TryFrom<Value> for Pieces {
    type Error = String;

    fn try_from(value: Value) -> Result<Self, String> {
        match value {
            Value::Array(items) => {
                let mut body = Self::default();
                for item in items {
                    match item.as_object().and_then(|object| object.get("wait")) {
                        Some(time) if item.as_object().is_some_and(|object| object.len() == 1) => {
                            let Time(time) = Time::try_from(time.clone())?;
                            *body.waits.entry(body.pieces.len()).or_default() += time;
                        }
                        _ => body.pieces.push(Piece::try_from(item)?.0),
                    }
                }
                // The end of the body is delayed.
                if body.waits.contains_key(&body.pieces.len()) {
                    body.pieces.push(Vec::new());
                }
                Ok(body)
            }
            one => Ok(Self { pieces: vec![Piece::try_from(one)?.0], waits: Waits::new() }),
        }
    }
}

/// Bytes: text, `{base64: ..}`, `{repeat: text, times: n}`, or `{file: path}`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(try_from = "Value")]
pub struct Piece(pub Vec<u8>);

schema!(Piece: {
    "description": "Bytes: text, base64, repeated text, or the content of a file.",
    "anyOf": [
        { "type": ["string", "integer", "boolean"] },
        {
            "type": "object",
            "properties": { "base64": { "type": "string", "description": "The bytes in base64." } },
            "required": ["base64"],
            "additionalProperties": false
        },
        {
            "type": "object",
            "properties": {
                "repeat": { "type": "string", "description": "The text to repeat." },
                "times": { "type": "integer", "minimum": 0, "description": "How many times to repeat it." }
            },
            "required": ["repeat", "times"],
            "additionalProperties": false
        },
        {
            "type": "object",
            "properties": { "file": { "type": "string", "description": "Path of a file, relative to the scenario file." } },
            "required": ["file"],
            "additionalProperties": false
        }
    ]
});

/// Maximum size of a piece that `repeat` makes, or of a file.
const MAX_PIECE: usize = 64 << 20;

impl TryFrom<Value> for Piece {
    type Error = String;

    fn try_from(value: Value) -> Result<Self, String> {
        if let Some(text) = scalar(&value) {
            return Ok(Self(text.into_bytes()));
        }
        let object = value.as_object();
        let of = |name: &str| object.and_then(|o| o.get(name));
        if let (Some(Value::String(path)), Some(1)) = (of("file"), object.map(|o| o.len())) {
            return read_file(path).map(Self);
        }
        match (of("base64"), of("repeat"), of("times"), object.map(|o| o.len())) {
            (Some(Value::String(text)), None, None, Some(1)) => BASE64_STANDARD
                .decode(text)
                .map(Self)
                .map_err(|why| format!("invalid base64 {}: {why}", shown(&value))),
            (None, Some(Value::String(text)), Some(times), Some(2)) => {
                let times = times.as_u64().and_then(|n| usize::try_from(n).ok());
                let bytes = times.and_then(|n| n.checked_mul(text.len())).filter(|n| *n <= MAX_PIECE);
                let times = times.filter(|_| bytes.is_some());
                let times =
                    times.ok_or_else(|| format!("{} makes more than {MAX_PIECE} bytes", shown(&value)))?;
                Ok(Self(text.repeat(times).into_bytes()))
            }
            _ => Err(format!(
                "invalid value {}, expected text, `{{base64: ..}}`, `{{repeat: .., times: ..}}` or `{{file: ..}}` (quote fractions)",
                shown(&value)
            )),
        }
    }
}

thread_local! {
    /// The directory of the scenario file that this thread reads. A deserializer has no other context.
    static DIRECTORY: RefCell<PathBuf> = RefCell::default();
}

/// Reads a scenario file in a directory, to which the paths in it are relative.
pub(super) fn in_directory<T>(directory: &Path, read: impl FnOnce() -> T) -> T {
    DIRECTORY.with(|current| current.replace(directory.into()));
    let value = read();
    DIRECTORY.with(RefCell::take);
    value
}

fn read_file(path: &str) -> Result<Vec<u8>, String> {
    let path = DIRECTORY.with(|directory| directory.borrow().join(path));
    let unreadable = |why| format!("cannot read `{}`: {why}", path.display());
    let file = std::fs::File::open(&path).map_err(|error| unreadable(error.to_string()))?;
    let mut bytes = Vec::new();
    let most = MAX_PIECE as u64;
    file.take(most + 1).read_to_end(&mut bytes).map_err(|error| unreadable(error.to_string()))?;
    if bytes.len() > MAX_PIECE {
        return Err(unreadable(format!("has more than {MAX_PIECE} bytes")));
    }
    Ok(bytes)
}

/// Fields: a map from names to one or several values, or a list of `name: value`, which keeps the order.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(try_from = "Value")]
pub struct Fields(pub Headers);

schema!(Fields: {
    "description": "Fields: a map from names to one or several values, or a list of strings `name: value`, which keeps the order.",
    "anyOf": [
        {
            "type": "object",
            "additionalProperties": {
                "anyOf": [
                    { "$ref": "#/$defs/Piece" },
                    { "type": "array", "items": { "$ref": "#/$defs/Piece" } }
                ]
            }
        },
        { "type": "array", "items": { "type": "string", "pattern": ": " } }
    ]
});

impl TryFrom<Value> for Fields {
    type Error = String;

    fn try_from(value: Value) -> Result<Self, String> {
        let mut headers = Headers::default();
        match value {
            Value::Object(fields) => {
                for (name, values) in fields {
                    let values = values_of(values).map_err(|why| format!("`{name}`: {why}"))?;
                    values.iter().for_each(|value| headers.push(&name, value));
                }
            }
            Value::Array(lines) => {
                for line in lines {
                    let field = line.as_str().and_then(|text| text.split_once(": "));
                    let (name, value) = field
                        .ok_or_else(|| format!("invalid field {}, expected `name: value`", shown(&line)))?;
                    headers.push(name, value);
                }
            }
            other => {
                return Err(format!(
                    "invalid fields {}, expected a map or a list of `name: value`",
                    shown(&other)
                ));
            }
        }
        Ok(Self(headers))
    }
}

/// Reads one or several values of a field.
fn values_of(value: Value) -> Result<Vec<Vec<u8>>, String> {
    let each = match value {
        Value::Array(each) => each,
        one => vec![one],
    };
    each.into_iter().map(|value| Ok(Piece::try_from(value)?.0)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn durations_are_exact() {
        let of = |text: &str| Time::try_from(json!(text)).map(|t| t.0);
        assert_eq!(of("5ms"), Ok(Duration::from_millis(5)));
        assert_eq!(of("0.1s"), Ok(Duration::from_millis(100)));
        assert_eq!(of("2m"), Ok(Duration::from_secs(120)));
        for wrong in ["5", "ms", "5h", "-5ms", "1.2.3s", "99999999999999999999s"] {
            assert!(of(wrong).unwrap_err().contains(wrong), "{wrong}");
        }
        assert!(Time::try_from(json!(5)).unwrap_err().starts_with("invalid duration `5`"));
    }

    #[test]
    fn bytes_come_as_text_base64_or_repeated() {
        let of = |value| Pieces::try_from(value).map(|body| body.pieces);
        assert_eq!(of(json!("ab")), Ok(vec![b"ab".to_vec()]));
        assert_eq!(
            of(json!([{"base64": "/w=="}, {"repeat": "xy", "times": 2}, 7])),
            Ok(vec![vec![255], b"xyxy".to_vec(), b"7".to_vec()])
        );
        let waiting = json!([{"wait": "1s"}, "a", {"wait": "1s"}, {"wait": "2s"}]);
        let body = Pieces::try_from(waiting).unwrap();
        assert_eq!(body.pieces, [b"a".to_vec(), Vec::new()]);
        assert_eq!(body.waits, Waits::from([(0, Duration::from_secs(1)), (1, Duration::from_secs(3))]));
        assert!(of(json!({"wait": "1s"})).unwrap_err().contains("invalid value"));
        assert!(of(json!([{"wait": 1}])).unwrap_err().contains("invalid duration `1`"));
        assert!(of(json!(1.5)).unwrap_err().contains("quote"));
        assert!(of(json!({"base64": "?"})).unwrap_err().contains("invalid base64"));
        assert!(of(json!({"repeat": "xxxxxxxx", "times": u64::MAX})).unwrap_err().contains("more than"));
    }

    #[test]
    fn bytes_come_from_a_file_next_to_the_scenario() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("body.bin"), [0, 255]).unwrap();
        let read = |path: &str| in_directory(folder.path(), || Piece::try_from(json!({"file": path})));
        assert_eq!(read("body.bin"), Ok(Piece(vec![0, 255])));
        let why = read("gone.bin").unwrap_err();
        assert!(why.starts_with("cannot read `") && why.contains("gone.bin`: No such file"), "{why}");
    }

    #[test]
    fn fields_repeat_and_keep_their_order() {
        let list = Fields::try_from(json!(["b: 1", "a: x: y", "b: 2"])).unwrap().0;
        assert_eq!(list.0[1], (b"a".to_vec(), b"x: y".to_vec()));
        assert_eq!(list.get_all("b").collect::<Vec<_>>(), [b"1", b"2"]);
        let map = Fields::try_from(json!({"a": ["1", 2], "b": true})).unwrap().0;
        assert_eq!(map.0.len(), 3);
        assert_eq!(
            Fields::try_from(json!(["a"])).unwrap_err(),
            "invalid field `\"a\"`, expected `name: value`"
        );
    }
}
