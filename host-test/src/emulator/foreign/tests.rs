//! Tests of foreign functions by name, with a context that records its calls.

use super::*;
use crate::emulator::state::Value;

#[derive(Default)]
struct Fake {
    root: bool,
    properties: Vec<(&'static str, Value)>,
    stored: Vec<(String, Vec<u8>, u32)>,
    declared: Vec<(String, bool, u32, u32)>,
    cleared: usize,
    expressions: Expressions,
}

impl ForeignContext for Fake {
    fn property(&self, path: &[&str]) -> Option<Value> {
        let path = path.join(".");
        self.properties
            .iter()
            .find(|(name, _)| path.eq_ignore_ascii_case(name))
            .map(|(_, value)| value.clone())
    }
    fn is_stream(&self) -> bool {
        !self.root
    }
    fn set_filter_state(&mut self, key: &str, value: Vec<u8>, span: u32) -> Status {
        self.stored.push((key.into(), value, span));
        Status::Ok
    }
    fn declare_property(&mut self, name: &str, readonly: bool, kind: u32, span: u32) -> Status {
        if self.declared.iter().any(|(declared, ..)| declared == name) {
            return Status::BadArgument;
        }
        self.declared.push((name.into(), readonly, kind, span));
        Status::Ok
    }
    fn clear_route_cache(&mut self) {
        self.cleared += 1;
    }
    fn expressions(&mut self) -> &mut Expressions {
        &mut self.expressions
    }
}

/// A stream with the request for which the expected results were observed.
fn stream() -> Fake {
    let headers = [(":path", "/p?q=1"), ("x-a", "1,2")].map(|(k, v)| (k.to_owned(), Value::Str(v.into())));
    Fake {
        properties: vec![
            ("request.path", Value::Str("/p?q=1".into())),
            ("request.method", Value::Str("GET".into())),
            ("request.headers", Value::Map(headers.into())),
            ("request.headers.x-a", Value::Str("1,2".into())),
            ("request.headers.host", Value::Str("h.example".into())),
            ("request.time", Value::Timestamp(1_500_000_000)),
            ("connection.mtls", Value::Bool(false)),
            ("destination.port", Value::Int(80)),
            ("metadata", Value::Message(b"\x0a\x00".into())),
            ("metadata.filter_metadata", Value::Map(vec![])),
            ("plugin_name", Value::Str("p".into())),
        ],
        ..Fake::default()
    }
}

fn field(number: u8, text: &str) -> Vec<u8> {
    [&[number << 3 | 2, u8::try_from(text.len()).unwrap()], text.as_bytes()].concat()
}

fn evaluate(source: &str, cx: &mut Fake) -> Result<Vec<u8>, Status> {
    let token = call(b"expr_create", source.as_bytes(), cx)?;
    let answer = call(b"expr_evaluate", &token, cx);
    assert_eq!(call(b"expr_delete", &token, cx), Ok(vec![]));
    assert_eq!(call(b"expr_evaluate", &token, cx), Err(Status::NotFound), "it was deleted");
    answer
}

#[test]
fn has_no_other_functions() {
    for name in [&b"nope"[..], b"", b"Sign", b"resolve_dns"] {
        assert_eq!(call(name, b"", &mut stream()), Err(Status::NotFound));
    }
    assert_eq!(
        call(b"uncompress", &call(b"compress", b"x", &mut stream()).unwrap(), &mut stream()),
        Ok(b"x".into())
    );
    assert_eq!(call(b"sign", b"", &mut stream()), Err(Status::BadArgument));
    assert_eq!(call(b"verify_signature", b"", &mut stream()), Err(Status::BadArgument));
}

#[test]
fn clears_the_route_cache_whatever_the_arguments() {
    let mut cx = stream();
    assert_eq!(call(b"clear_route_cache", b"\xff", &mut cx), Ok(vec![]));
    assert_eq!(cx.cleared, 1);
}

#[test]
fn stores_filter_state_that_a_factory_takes() {
    let table = [
        ("envoy.string", "", Ok("")),
        ("envoy.ratelimit.hits_addend", " 7 ", Ok("7")),
        ("envoy.ratelimit.hits_addend", "4294967296", Err(Status::BadArgument)),
        ("envoy.ratelimit.hits_addend", "-1", Err(Status::BadArgument)),
        ("envoy.ratelimit.hits_addend", "1.5", Err(Status::BadArgument)),
        ("envoy.bool", "1", Ok("true")),
        ("envoy.bool", "NO", Ok("false")),
        ("envoy.bool", "x", Err(Status::BadArgument)),
        ("envoy.network.ip", "1.2.3.4", Ok("1.2.3.4:0")),
        ("envoy.network.ip", "1.2.3.4:80", Err(Status::BadArgument)),
        ("envoy.network.transport_socket.original_dst_address", "1.2.3.4:80", Ok("1.2.3.4:80")),
        ("envoy.upstream.dynamic_port", "99999", Ok("99999")),
        ("envoy.upstream.dynamic_port", "x", Err(Status::BadArgument)),
        ("nosuch", "x", Err(Status::NotFound)),
    ];
    for (key, value, expected) in table {
        let args = [field(1, key), field(2, value), vec![0x18, 2]].concat();
        let mut cx = stream();
        let answer = call(b"set_envoy_filter_state", &args, &mut cx);
        assert_eq!(answer, expected.map(|_| vec![]), "{key} {value}");
        let stored = expected.map(|stored| (key.to_owned(), stored.as_bytes().to_vec(), 2));
        assert_eq!(cx.stored, Vec::from_iter(stored), "{key} {value}");
    }
}

#[test]
fn stores_no_filter_state_from_a_root_context() {
    let mut cx = Fake { root: true, ..stream() };
    let mut set =
        |value| call(b"set_envoy_filter_state", &[field(1, "envoy.bool"), field(2, value)].concat(), &mut cx);
    assert_eq!(set("true"), Err(Status::NotFound));
    assert_eq!(set("x"), Err(Status::BadArgument), "the value is checked first");
    assert!(cx.stored.is_empty());
}

#[test]
fn declares_properties_with_unknown_enums_as_the_first_value() {
    let mut cx = stream();
    let args = [field(1, "a"), vec![0x10, 1, 0x18, 77, 0x28, 77]].concat();
    assert_eq!(call(b"declare_property", &args, &mut cx), Ok(vec![]));
    assert_eq!(call(b"declare_property", &args, &mut cx), Err(Status::BadArgument));
    let args = [field(1, "b"), vec![0x18, 3, 0x28, 2]].concat();
    assert_eq!(call(b"declare_property", &args, &mut cx), Ok(vec![]));
    assert_eq!(cx.declared, [("a".into(), true, 0, 0), ("b".into(), false, 3, 2)]);
    assert_eq!(call(b"declare_property", b"\x0a", &mut cx), Err(Status::BadArgument));
}

#[test]
fn looks_attributes_up_as_envoy_does() {
    let table: [(&str, Result<&[u8], Status>); 27] = [
        ("request", Err(Status::SerializationFailure)),
        ("filter_state", Err(Status::SerializationFailure)),
        ("request.path", Ok(b"/p?q=1")),
        ("request[\"path\"]", Ok(b"/p?q=1")),
        ("request.headers[\"X-A\"]", Ok(b"1,2")),
        ("request.headers.host", Ok(b"h.example")),
        ("request.headers[\"none\"]", Err(Status::InternalFailure)),
        ("has(request.headers.none)", Ok(b"\0")),
        ("has(request.path)", Ok(b"\x01")),
        ("has(request.nosuch)", Ok(b"\0")),
        ("request.nosuch", Err(Status::InternalFailure)),
        ("nosuch", Err(Status::InternalFailure)),
        ("nosuch || true", Ok(b"\x01")),
        ("\"x-a\" in request.headers", Ok(b"\x01")),
        ("\"path\" in request", Ok(b"\x01")),
        ("size(request.headers)", Ok(b"\x02\0\0\0\0\0\0\0")),
        ("size(request)", Ok(b"\0\0\0\0\0\0\0\0")),
        ("request.headers.exists(k, k == \"x-a\")", Ok(b"\x01")),
        ("request == request", Ok(b"\x01")),
        ("request.path.startsWith(\"/p\") && request.method == \"GET\"", Ok(b"\x01")),
        ("destination.port + 1", Ok(b"\x51\0\0\0\0\0\0\0")),
        ("request.time == timestamp(\"1970-01-01T00:00:01.5Z\")", Ok(b"\x01")),
        ("metadata", Ok(b"\x0a\x00")),
        ("metadata.filter_metadata", Ok(b"\0\0\0\0")),
        ("\"a\" in metadata.filter_metadata", Ok(b"\0")),
        ("plugin_name", Ok(b"p")),
        (".plugin_name", Ok(b"p")),
    ];
    for (source, expected) in table {
        assert_eq!(evaluate(source, &mut stream()), expected.map(<[u8]>::to_vec), "{source}");
    }
}

#[test]
fn keeps_the_order_of_headers_that_are_the_result() {
    let headers = b"\x02\0\0\0\x05\0\0\0\x06\0\0\0\x03\0\0\0\x03\0\0\0:path\0/p?q=1\0x-a\x001,2\0";
    assert_eq!(evaluate("request.headers", &mut stream()), Ok(headers.to_vec()));
    assert_eq!(evaluate("true ? request.headers : {}", &mut stream()), Ok(headers.to_vec()));
}

#[test]
fn rejects_arguments_that_are_not_a_token() {
    for args in [&b""[..], b"\0\0\0", b"\0\0\0\0\0"] {
        assert_eq!(call(b"expr_evaluate", args, &mut stream()), Err(Status::BadArgument));
        assert_eq!(call(b"expr_delete", args, &mut stream()), Err(Status::BadArgument));
    }
    assert_eq!(call(b"expr_evaluate", &[9, 0, 0, 0], &mut stream()), Err(Status::NotFound));
    assert_eq!(call(b"expr_delete", &[9, 0, 0, 0], &mut stream()), Ok(vec![]));
}

#[test]
fn evaluates_what_envoy_evaluates() {
    let rows: Vec<serde_json::Value> =
        serde_json::from_str(include_str!("testdata/expressions.json")).unwrap();
    assert!(rows.len() > 100, "incomplete table: {} rows", rows.len());
    let mut cx = Fake { root: true, ..Fake::default() };
    let mut differ = Vec::new();
    for row in &rows {
        let source = row["source"].as_str().unwrap();
        let created = call(b"expr_create", source.as_bytes(), &mut cx);
        let token =
            created.clone().ok().map(|token| u64::from(u32::from_le_bytes(token.try_into().unwrap())));
        if (created.clone().err().map_or(0, |status| status as u64), token)
            != (row["created"].as_u64().unwrap(), row["token"].as_u64())
        {
            differ.push(format!("create {source}: {created:?}, not {row}"));
        }
        let Ok(token) = created else { continue };
        let answer = call(b"expr_evaluate", &token, &mut cx);
        let (status, bytes) = answer.map_or_else(|status| (status as u64, vec![]), |bytes| (0, bytes));
        let hex: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
        if row["evaluated"].as_u64() != Some(status)
            || (row["answer"].as_str() != Some(&hex) && !unordered(source))
        {
            differ.push(format!("evaluate {source}: {status} {hex}, not {row}"));
        }
    }
    assert!(differ.is_empty(), "{}", differ.join("\n"));
}

/// Returns whether the result is a map of several entries, which has no order on Envoy.
fn unordered(source: &str) -> bool {
    source.starts_with('{') && source.matches(':').count() > 1
}
