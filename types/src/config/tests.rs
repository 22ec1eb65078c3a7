mod flattened;

use super::*;
use crate::{Duration, EditableName, HeaderName, HeaderValue};
use proptest::prelude::*;
use serde::Deserialize;
use serde_json::json;

/// Strictness.
#[derive(Clone, Copy, Debug, Default, Deserialize, PartialEq, Config)]
#[serde(rename_all = "snake_case")]
enum Mode {
    /// Very.
    #[default]
    Strict,
    VeryLax,
    Off,
}

#[derive(Debug, Default, Deserialize, PartialEq, Config)]
#[serde(default, deny_unknown_fields)]
#[config(default, instead = [("texts", "use `text`")])]
struct Whole {
    /// A text.
    text: String,
    flag: bool,
    small: u16,
    large: u64,
    negative: i32,
    mode: Mode,
    maybe: Option<u32>,
    list: Vec<Part>,
    #[serde(deserialize_with = "by_name")]
    map: Named<Part>,
    #[serde(skip)]
    time: Option<Duration>,
}

#[derive(Debug, Deserialize, PartialEq, Config)]
#[serde(deny_unknown_fields)]
struct Part {
    #[serde(rename = "uri", alias = "url")]
    #[config(rename = "uri", alias = "url")]
    address: String,
    #[serde(skip)]
    #[config(default)]
    header: Option<HeaderName>,
}

/// A choice between a part and a number.
#[derive(Debug, PartialEq, Config)]
#[config(instead = [("whole", "use `part`")])]
enum Choice {
    /// A part.
    Part(Part),
    BigNumber(u64),
}

/// Defaults of all kinds.
#[derive(Debug, PartialEq, Config)]
struct Defaults {
    #[config(default = Duration::from_secs(90))]
    time: Duration,
    #[config(default = "text")]
    text: String,
    #[config(default = 7, range = 1..=10)]
    number: u32,
    #[config(default = true)]
    flag: bool,
    #[config(default)]
    mode: Mode,
    #[config(default, range = 0..=5)]
    offset: i32,
    #[config(skip)]
    hidden: u8,
}

/// Fields that several structs share.
#[derive(Debug, PartialEq, Config)]
#[config(instead = [("lvel", "use `level`")])]
struct Shared {
    /// A required text.
    label: String,
    #[config(default = 3, range = 1..=5, alias = "lvl")]
    level: u8,
}

#[derive(Debug, PartialEq, Config)]
#[config(instead = [("frist", "use `first`")])]
struct Flat {
    #[config(default)]
    first: u8,
    #[config(flatten)]
    shared: Shared,
    last: bool,
}

/// A struct with other defaults than those of its flattened struct, which has a flattened struct too.
#[derive(Debug, PartialEq, Config)]
#[config(default)]
struct Flatter {
    #[config(flatten)]
    flat: Flat,
}

impl Default for Flatter {
    fn default() -> Self {
        Self { flat: Flat { first: 1, shared: Shared { label: String::new(), level: 5 }, last: true } }
    }
}

fn by_name<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<Named<Part>, D::Error> {
    let mut named = Named::default();
    for (name, part) in std::collections::BTreeMap::deserialize(deserializer)? {
        named.insert(name, part);
    }
    Ok(named)
}

fn refused(value: &Value) -> String {
    read::<Whole>(value).unwrap_err().to_string()
}

#[test]
fn a_missing_field_has_its_default() {
    assert_eq!(read::<Whole>(&json!({})), Ok(Whole::default()));
    assert_eq!(read::<Whole>(&json!({"maybe": null})), Ok(Whole::default()));
}

#[test]
fn reads_every_field() {
    let value = json!({
        "text": "a", "flag": true, "small": 65535, "large": u64::MAX, "negative": -5, "mode": "very_lax", "maybe": 0,
        "list": [{"uri": "b"}, {"url": "c"}], "map": {"e": {"uri": "f"}},
    });
    let whole: Whole = read(&value).unwrap();
    assert_eq!(whole, serde_json::from_value(value).unwrap());
    assert_eq!((whole.mode, whole.list.len(), whole.map.iter().len()), (Mode::VeryLax, 2, 1));
}

#[test]
fn an_error_has_path_and_message() {
    for (value, message) in [
        (json!([]), "invalid type: array, expected an object"),
        (json!({"text": 1}), "text: invalid type: integer `1`, expected a string"),
        (json!({"text": null}), "text: invalid type: null, expected a string"),
        (json!({"flag": "x"}), "flag: invalid type: string \"x\", expected a boolean"),
        (json!({"small": "x"}), "small: invalid type: string \"x\", expected an integer from 0 to 65535"),
        (
            json!({"small": 65536}),
            "small: invalid value: integer `65536`, expected an integer from 0 to 65535",
        ),
        (
            json!({"negative": "x"}),
            "negative: invalid type: string \"x\", expected an integer from -2147483648 to 2147483647",
        ),
        (
            json!({"large": -1}),
            "large: invalid value: integer `-1`, expected an integer from 0 to 18446744073709551615",
        ),
        (
            json!({"large": 1.5}),
            "large: invalid type: floating point `1.5`, expected an integer from 0 to 18446744073709551615",
        ),
        (json!({"mode": "lax"}), "mode: unknown variant `lax`, expected one of `strict`, `very_lax`, `off`"),
        (json!({"list": {}}), "list: invalid type: object, expected an array"),
        (json!({"list": [{"uri": "a"}, {}]}), "list[1]: missing field `uri`"),
        (json!({"list": [{"uri": "a", "url": "b"}]}), "list[0].url: duplicate field `url`"),
        (json!({"map": {"a.b": {"ur": 1}}}), "map.a.b.ur: unknown field `ur`, expected `uri` or `header`"),
        (
            json!({"list": [{"uri": "", "header": ":a"}]}),
            "list[0].header: `:a` is a pseudo-header, expected an ordinary header",
        ),
        (
            json!({"time": 1}),
            "time: invalid type: integer `1`, expected a duration such as `250ms`, `1.5s` or `1h30m`",
        ),
        (json!({"texts": []}), "texts: use `text`"),
    ] {
        assert_eq!(refused(&value), message);
    }
    assert!(refused(&json!({"x": 1})).starts_with("x: unknown field `x`, expected one of `text`, `flag`, "));
}

/// Compares the result with that of serde's derived code.
fn is_read_as_by_serde<T>(value: &Value)
where
    T: Config + serde::de::DeserializeOwned + core::fmt::Debug,
{
    let (ours, serdes) = (read::<T>(value), serde_json::from_value::<T>(value.clone()));
    match (ours, serdes) {
        (Ok(ours), Ok(serdes)) => assert_eq!(format!("{ours:?}"), format!("{serdes:?}"), "{value}"),
        (Err(_), Err(_)) => {}
        (ours, serdes) => panic!("{value}: {ours:?}, by serde {serdes:?}"),
    }
}

fn any_value() -> impl Strategy<Value = Value> {
    // Without the fields that serde skips: `header`, `time`.
    let names = [
        "name",
        "present",
        "exact",
        "prefix",
        "suffix",
        "contains",
        "regex",
        "ignore_case",
        "invert",
        "template",
        "hosts",
        "paths",
        "methods",
        "headers",
        "query",
        "x",
        "text",
        "flag",
        "small",
        "large",
        "mode",
        "maybe",
        "list",
        "map",
        "uri",
    ];
    let texts = ["", "a", "/a/{b}", "(", ":path", "1s", "off", "x\n"];
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        prop::sample::select(vec![json!(0), json!(-1), json!(70_000), json!(u64::MAX), json!(0.5)]),
        prop::sample::select(texts.to_vec()).prop_map(Value::from),
    ];
    // Without arrays: serde reads an array as a struct with its fields in order; this reader rejects that.
    leaf.prop_recursive(3, 16, 4, move |inner| {
        let name = prop::sample::select(names.to_vec()).prop_map(String::from);
        let members = prop::collection::btree_map(name, inner, 0..4);
        members.prop_map(|members| Value::Object(members.into_iter().collect()))
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    #[test]
    fn reads_every_value_as_serde_does(value in any_value()) {
        is_read_as_by_serde::<Part>(&value);
        is_read_as_by_serde::<Vec<Mode>>(&json!([value]));
        for part in ["text", "flag", "small", "large", "negative", "maybe", "map"] {
            is_read_as_by_serde::<Whole>(&json!({part: value}));
        }
        is_read_as_by_serde::<Whole>(&json!({"list": [value]}));
    }
}

#[test]
fn an_error_of_a_special_type_names_the_value() {
    assert_eq!(read::<EditableName>(&json!("X-A")).unwrap().name().as_str(), "x-a");
    assert_eq!(read::<HeaderValue>(&json!("a b")).unwrap().as_bytes(), b"a b");
    assert_eq!(
        read::<EditableName>(&json!("host")).unwrap_err().to_string(),
        "`host` belongs to the connection and cannot be written by a filter"
    );
    assert_eq!(
        read::<HeaderValue>(&json!(" a")).unwrap_err().to_string(),
        "` a` is not a valid header value: it has a control character, or white space at either end"
    );
}

#[test]
fn reads_defaults_and_what_replaces_them() {
    let defaults: Defaults = read(&json!({})).unwrap();
    assert_eq!(
        defaults,
        Defaults {
            time: Duration::from_nanos(90_000_000_000),
            text: "text".into(),
            number: 7,
            flag: true,
            mode: Mode::Strict,
            offset: 0,
            hidden: 0
        }
    );
    let given: Defaults =
        read(&json!({"time": "1s", "text": "", "number": 10, "flag": false, "mode": "off"})).unwrap();
    assert_eq!((given.text.as_str(), given.number, given.flag, given.mode), ("", 10, false, Mode::Off));
    for (value, message) in [
        (json!({"number": 0}), "number: `0` is not a number from 1 to 10"),
        (json!({"number": 11}), "number: `11` is not a number from 1 to 10"),
        (json!({"offset": -1}), "offset: `-1` is not a number from 0 to 5"),
        (json!({"number": "x"}), "number: invalid type: string \"x\", expected an integer from 1 to 10"),
        (json!({"number": 1.5}), "number: `1.5` is not a number from 1 to 10"),
        (
            json!({"hidden": 1}),
            "hidden: unknown field `hidden`, expected one of `time`, `text`, `number`, `flag`, `mode`, `offset`",
        ),
    ] {
        assert_eq!(read::<Defaults>(&value).unwrap_err().to_string(), message);
    }
}

#[test]
fn reads_an_object_with_one_member() {
    assert_eq!(read::<Choice>(&json!({"big_number": 5})), Ok(Choice::BigNumber(5)));
    assert!(matches!(read(&json!({"part": {"uri": "a"}})), Ok(Choice::Part(part)) if part.address == "a"));
    for (value, message) in [
        (json!({}), "an object with 0 members, expected an object with one of `part`, `big_number`"),
        (
            json!({"big_number": -1}),
            "big_number: invalid value: integer `-1`, expected an integer from 0 to 18446744073709551615",
        ),
        (json!({"big": 1}), "big: unknown variant `big`, expected `part` or `big_number`"),
        (json!({"whole": 1}), "whole: use `part`"),
        (json!("part"), "invalid type: string \"part\", expected an object with one of `part`, `big_number`"),
    ] {
        assert_eq!(read::<Choice>(&value).unwrap_err().to_string(), message);
    }
}

#[test]
fn a_filter_without_configuration_rejects_fields() {
    assert_eq!(parse::<()>(b""), Ok(()));
    let error = parse::<()>(b"{\"a\": 1}").unwrap_err().to_string();
    assert_eq!(error, "a: unknown field `a`, there are no fields");
}

#[test]
fn parses_json_text_strictly() {
    let error = |text: &str| parse::<Whole>(text.as_bytes()).unwrap_err().to_string();
    assert_eq!(
        error("{\"text\": "),
        "neither valid JSON nor a `google.protobuf.Struct`: EOF while parsing a value at line 1 column 9"
    );
    assert_eq!(error("{\"text\": \"\", \"text\": \"\"}"), "duplicate field `text` at line 1 column 24");
    assert!(error("{\"map\": {\"a\": {}, \"a\": {}}}").starts_with("duplicate field `a` at line 1"));
    assert!(!error("{\"a\\nb\": 1}").contains('\n'));
    assert_eq!(parse::<Whole>(b""), Ok(Whole::default()));
}
