use super::*;
use crate::{
    Cidr, Duration, EditableName, HeaderMatcher, HeaderName, HeaderValue, Named, PathMatcher, Percent,
    QueryMatcher, RequestMatch, StringMatcher,
};
use proptest::prelude::*;
use serde::Deserialize;
use serde_json::json;

#[derive(Clone, Copy, Debug, Default, Deserialize, PartialEq)]
#[serde(rename_all = "snake_case")]
enum Mode {
    #[default]
    Strict,
    VeryLax,
    Off,
}

crate::read_names!(Mode { "strict" => Strict, "very_lax" => VeryLax, "off" => Off });

#[derive(Debug, Default, Deserialize, PartialEq)]
#[serde(default, deny_unknown_fields)]
struct Whole {
    text: String,
    flag: bool,
    small: u16,
    large: u64,
    mode: Mode,
    maybe: Option<u32>,
    list: Vec<Part>,
    #[serde(deserialize_with = "by_name")]
    map: Named<Part>,
    time: Option<Duration>,
}

#[derive(Debug, Deserialize, PartialEq)]
#[serde(deny_unknown_fields)]
struct Part {
    #[serde(rename = "uri", alias = "url")]
    address: String,
    header: Option<HeaderName>,
}

crate::read_object!(Whole = Self::default(); text, flag, small, large, mode, maybe, list, map, time; instead [
    ("texts", "use `text`"),
]);
crate::read_object!(
    Part = Self { address: String::new(), header: None };
    address as "uri" or "url" (required), header
);

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
        "text": "a", "flag": true, "small": 65535, "large": u64::MAX, "mode": "very_lax", "maybe": 0, "time": "1s",
        "list": [{"uri": "b"}, {"url": "c", "header": "X-D"}], "map": {"e": {"uri": "f"}},
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
        (json!({"small": "x"}), "small: invalid type: string \"x\", expected u16"),
        (json!({"small": 65536}), "small: invalid value: integer `65536`, expected u16"),
        (json!({"large": -1}), "large: invalid value: integer `-1`, expected u64"),
        (json!({"large": 1.5}), "large: invalid type: floating point `1.5`, expected u64"),
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

#[test]
fn an_error_for_a_route_match_field_says_what_to_use() {
    let message = read::<RequestMatch>(&json!({"safe_regex": {}})).unwrap_err().to_string();
    assert!(message.starts_with("safe_regex: use `paths`: "), "{message}");
}

/// Compares the result with that of serde's derived code.
fn is_read_as_by_serde<T>(value: &Value)
where
    T: Read + serde::de::DeserializeOwned + core::fmt::Debug,
{
    let (ours, serdes) = (read::<T>(value), serde_json::from_value::<T>(value.clone()));
    match (ours, serdes) {
        (Ok(ours), Ok(serdes)) => assert_eq!(format!("{ours:?}"), format!("{serdes:?}"), "{value}"),
        (Err(_), Err(_)) => {}
        (ours, serdes) => panic!("{value}: {ours:?}, by serde {serdes:?}"),
    }
}

fn any_value() -> impl Strategy<Value = Value> {
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
        "time",
        "uri",
        "header",
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
        is_read_as_by_serde::<StringMatcher>(&value);
        is_read_as_by_serde::<PathMatcher>(&value);
        is_read_as_by_serde::<HeaderMatcher>(&value);
        is_read_as_by_serde::<QueryMatcher>(&value);
        is_read_as_by_serde::<Part>(&value);
        is_read_as_by_serde::<Vec<Mode>>(&json!([value]));
        for part in ["hosts", "paths", "methods", "headers", "query"] {
            is_read_as_by_serde::<RequestMatch>(&json!({part: [value]}));
        }
        for part in ["text", "flag", "small", "large", "maybe", "time", "map"] {
            is_read_as_by_serde::<Whole>(&json!({part: value}));
        }
        is_read_as_by_serde::<Whole>(&json!({"list": [value]}));
    }
}

#[test]
fn an_error_of_a_special_type_names_the_value() {
    assert_eq!(read::<Percent>(&json!(12.5)).unwrap().per_million(), 125_000);
    assert_eq!(read::<Percent>(&json!(100)).unwrap(), Percent::ALL);
    assert_eq!(read::<Cidr>(&json!("10.0.0.0/8")).unwrap(), "10.0.0.0/8".parse().unwrap());
    assert_eq!(read::<EditableName>(&json!("X-A")).unwrap().name().as_str(), "x-a");
    assert_eq!(read::<HeaderValue>(&json!("a b")).unwrap().as_bytes(), b"a b");
    let refused = [
        (read::<Percent>(&json!(100.5)).unwrap_err(), "`100.5` is not a percentage from 0 to 100"),
        (
            read::<Percent>(&json!({})).unwrap_err(),
            "invalid type: object, expected a percentage such as `12.5`",
        ),
        (
            read::<Cidr>(&json!(8)).unwrap_err(),
            "invalid type: integer `8`, expected a network such as `10.0.0.0/8` or `2001:db8::/32`",
        ),
        (
            read::<EditableName>(&json!("host")).unwrap_err(),
            "`host` belongs to the connection and cannot be written by a filter",
        ),
        (
            read::<HeaderValue>(&json!(" a")).unwrap_err(),
            "` a` is not a valid header value: it has a control character, or white space at either end",
        ),
    ];
    for (error, message) in refused {
        assert_eq!(error.to_string(), message);
    }
}

#[test]
fn a_given_value_replaces_the_default() {
    struct Texts {
        a: String,
        b: String,
    }
    crate::read_object!(Texts = Self { a: "default".into(), b: "default".into() }; a, b);
    let texts: Texts = read(&json!({"a": "given"})).unwrap();
    assert_eq!((texts.a.as_str(), texts.b.as_str()), ("given", "default"));
    assert_eq!(read::<Texts>(&json!({"a": ""})).unwrap().a, "");
}
