use super::*;
use proptest::prelude::*;
use tollgate_policy::Headers;

const DRAWS: Draws =
    Draws { request_id: [0x11; 16], trace_id: [0xaa; 16], parent_id: [0xbb; 8], sampling: 0 };
const GENERATED: &str = "11111111-1111-4111-9111-111111111111";
const NOW: UnixNanos = UnixNanos(1_000_000_000);
const LATER: UnixNanos = UnixNanos(1_012_345_678);

type Pairs<'a> = Vec<(&'a [u8], &'a [u8])>;

fn policy(json: &str) -> Policy {
    Policy::new(tollgate_policy::config::parse(json).unwrap())
}

fn pairs<'a>(headers: &[(&'a str, &'a str)]) -> Pairs<'a> {
    headers.iter().map(|(name, value)| (name.as_bytes(), value.as_bytes())).collect()
}

/// Edits as text: `set a: b`, `add a: b`, `remove a`.
fn text(edits: &[HeaderEdit<'_>]) -> Vec<String> {
    let value = |value: &[u8]| value.escape_ascii().to_string().replace("\\\"", "\"");
    edits
        .iter()
        .map(|edit| match edit {
            HeaderEdit::Set(name, v) => format!("set {name}: {}", value(v)),
            HeaderEdit::Add(name, v) => format!("add {name}: {}", value(v)),
            HeaderEdit::Remove(name) => format!("remove {name}"),
        })
        .collect()
}

fn on_request(json: &str, headers: &[(&str, &str)], draws: Option<&Draws>) -> (Vec<String>, Vec<Event>) {
    let (policy, pairs) = (policy(json), pairs(headers));
    let decision = policy.on_request(&RequestFacts::from_pairs(&pairs), draws, NOW);
    (text(&decision.edits), decision.events.iter().collect())
}

fn on_response(json: &str, request: &[(&str, &str)], response: &[(&str, &str)]) -> Vec<String> {
    let (policy, request, response) = (policy(json), pairs(request), pairs(response));
    let state = policy.on_request(&RequestFacts::from_pairs(&request), Some(&DRAWS), NOW).state;
    text(&policy.on_response(&state, &ResponseFacts::from_pairs(&response), LATER).edits)
}

#[test]
fn an_empty_configuration_makes_no_edits() {
    let policy = policy("{}");
    let facts = pairs(&[("x-request-id", "a b"), ("traceparent", "garbage")]);
    let decision = policy.on_request(&RequestFacts::from_pairs(&facts), Some(&DRAWS), NOW);
    assert!(decision.edits.is_empty() && decision.events.is_empty());
    assert_eq!(decision.edits.capacity(), 0);
    let decision = policy.on_response(&decision.state, &ResponseFacts::default(), LATER);
    assert!(decision.edits.is_empty() && decision.events.is_empty());
}

#[test]
fn a_valid_request_id_is_kept_and_echoed() {
    let json = r#"{"request_id": {"always_set_in_response": true}}"#;
    assert_eq!(
        on_request(json, &[("x-request-id", "abc")], Some(&DRAWS)),
        (vec![], vec![Event::RequestIdKept])
    );
    assert_eq!(on_response(json, &[("x-request-id", "abc")], &[]), ["set x-request-id: abc"]);
}

#[test]
fn a_missing_or_invalid_request_id_is_generated() {
    let json = r#"{"request_id": {"header": "X-Correlation-Id", "always_set_in_response": true}}"#;
    let set = format!("set x-correlation-id: {GENERATED}");
    assert_eq!(on_request(json, &[], Some(&DRAWS)), (vec![set.clone()], vec![Event::RequestIdGenerated]));
    assert_eq!(
        on_request(json, &[("x-correlation-id", "a b")], Some(&DRAWS)),
        (vec![set.clone()], vec![Event::RequestIdGenerated, Event::RequestIdInvalid])
    );
    assert_eq!(on_response(json, &[], &[]), [set]);
}

#[test]
fn an_external_request_id_can_be_replaced() {
    let json = r#"{"request_id": {"preserve_external_request_id": false}}"#;
    let (edits, events) = on_request(json, &[("x-request-id", "abc")], Some(&DRAWS));
    assert_eq!(
        (edits, events),
        (vec![format!("set x-request-id: {GENERATED}")], vec![Event::RequestIdGenerated])
    );
}

#[test]
fn without_random_bytes_only_a_valid_id_stays() {
    let json = r#"{"request_id": {}, "trace_context": {}}"#;
    let valid = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-00";
    let (edits, events) = on_request(json, &[("x-request-id", "abc"), ("traceparent", valid)], None);
    assert_eq!((edits, events), (vec![], vec![Event::RequestIdKept, Event::TraceContinued]));
    let (edits, events) = on_request(json, &[("x-request-id", "a b"), ("traceparent", "no")], None);
    assert_eq!(edits, ["remove x-request-id", "remove traceparent"]);
    assert_eq!(events, [Event::RequestIdInvalid, Event::TraceparentInvalid, Event::RandomUnavailable]);
    let (edits, events) = on_request(json, &[], None);
    assert_eq!((edits, events), (vec![], vec![Event::RandomUnavailable]));
}

#[test]
fn applies_edits_in_order_with_request_values() {
    let json = r#"{"request_id": {}, "trace_context": {}, "request_headers": [
        {"remove": "x-debug"},
        {"set": {"name": "x-team", "value": "%REQ(x-owner)%/%METHOD%"}},
        {"add": {"name": "x-route", "value": "%AUTHORITY%%PATH:4%"}},
        {"set": {"name": "x-ids", "value": "%REQUEST_ID% %TRACE_ID% %SPAN_ID%"}}
    ]}"#;
    let request = [
        (":method", "GET"),
        (":path", "/a?b=c"),
        (":authority", "h:1"),
        ("x-owner", "pay"),
        ("x-request-id", "id"),
    ];
    let (edits, _) = on_request(json, &request, Some(&DRAWS));
    let (trace, span) = ("aa".repeat(16), "bb".repeat(8));
    assert_eq!(
        edits,
        [
            format!("set traceparent: 00-{trace}-{span}-03"),
            "remove x-debug".into(),
            "set x-team: pay/GET".into(),
            "add x-route: h:1/a?b".into(),
            format!("set x-ids: id {trace} {span}"),
        ]
    );
}

#[test]
fn a_missing_reference_uses_the_default_or_no_header() {
    let json = r#"{"request_headers": [
        {"set": {"name": "a", "value": "%REQ(x-gone)%"}},
        {"set": {"name": "b", "value": "%REQ(x-gone)%", "default": "none"}},
        {"set": {"name": "c", "value": "%REQ(x-gone?x-there)%"}}
    ]}"#;
    assert_eq!(on_request(json, &[("x-there", "1")], None).0, ["set b: none", "set c: 1"]);
}

#[test]
fn set_if_absent_sees_the_request_and_earlier_edits() {
    let json = r#"{"request_id": {}, "request_headers": [
        {"set_if_absent": {"name": "there", "value": "1"}},
        {"set_if_absent": {"name": "gone", "value": "2"}},
        {"set_if_absent": {"name": "gone", "value": "3"}},
        {"remove": "there"},
        {"set_if_absent": {"name": "there", "value": "4"}},
        {"set_if_absent": {"name": "x-request-id", "value": "5"}}
    ]}"#;
    let (edits, _) = on_request(json, &[("there", "0")], Some(&DRAWS));
    let id = format!("set x-request-id: {GENERATED}");
    assert_eq!(edits, [&*id, "set gone: 2", "remove there", "set there: 4"]);
}

#[test]
fn counts_and_skips_a_value_with_a_line_break() {
    let json = r#"{"request_headers": [{"set": {"name": "a", "value": "%REQ(b)%", "default": "d"}}],
                   "response_headers": [{"set": {"name": "a", "value": "%REQ(b)%"}}]}"#;
    let (edits, events) = on_request(json, &[("b", "1\r\nset-cookie: 2")], None);
    assert_eq!((edits, events), (vec![], vec![Event::HeaderValueInvalid]));
    assert!(on_response(json, &[("b", "1\n2")], &[]).is_empty());
}

#[test]
fn response_edits_use_request_and_response_values() {
    let json = r#"{"request_id": {}, "trace_context": {"response_header": "traceresponse"}, "response_headers": [
        {"set": {"name": "a", "value": "%REQ(x-owner)% %PATH% %RESPONSE_CODE% %DURATION% %RESP(etag)%"}},
        {"set": {"name": "b", "value": "%REQUEST_ID%"}},
        {"set": {"name": "c", "value": "%RESP(x-gone)%"}},
        {"remove": "server"},
        {"set_if_absent": {"name": "etag", "value": "none"}}
    ]}"#;
    let edits =
        on_response(json, &[(":path", "/p"), ("x-owner", "pay")], &[(":status", "204"), ("etag", "e")]);
    let trace = format!("set traceresponse: 00-{}-{}-03", "aa".repeat(16), "bb".repeat(8));
    assert_eq!(edits, [&*trace, "set a: pay /p 204 12 e", &format!("set b: {GENERATED}"), "remove server"]);
}

#[test]
fn appends_server_timing_and_the_exposing_headers() {
    let json = r#"{"trace_context": {}, "server_timing": {"metric": "edge", "traceparent": true,
        "timing_allow_origin": ["https://a.example", "https://b.example"], "expose_header": true}}"#;
    assert_eq!(
        on_response(json, &[], &[("server-timing", "db;dur=1")]),
        [
            &*format!(
                "add server-timing: edge;dur=12.3, traceparent;desc=\"00-{}-{}-03\"",
                "aa".repeat(16),
                "bb".repeat(8)
            ),
            "add timing-allow-origin: https://a.example, https://b.example",
            "add access-control-expose-headers: server-timing",
        ]
    );
    assert_eq!(on_response(r#"{"server_timing": {}}"#, &[], &[]), ["add server-timing: upstream;dur=12.3"]);
}

#[test]
fn a_response_without_its_request_gets_constant_edits() {
    let policy = policy(
        r#"{"request_id": {"always_set_in_response": true}, "server_timing": {}, "response_headers": [
            {"set": {"name": "a", "value": "%REQ(b)%"}},
            {"set": {"name": "c", "value": "%DURATION%", "default": "?"}},
            {"set": {"name": "d", "value": "1"}}]}"#,
    );
    let decision = policy.on_response(&RequestState::default(), &ResponseFacts::default(), LATER);
    assert_eq!(text(&decision.edits), ["set c: ?", "set d: 1"]);
}

#[test]
fn shows_zero_if_the_clock_is_set_back() {
    let policy = policy(r#"{"server_timing": {}}"#);
    let state = policy.on_request(&RequestFacts::default(), None, LATER).state;
    let decision = policy.on_response(&state, &ResponseFacts::default(), NOW);
    assert_eq!(text(&decision.edits), ["add server-timing: upstream;dur=0"]);
}

const EVERYTHING: &str = r#"{
    "request_id": {"always_set_in_response": true, "format": "uuid_v7"},
    "trace_context": {"mode": "continue", "random_sampling": 12.5, "response_header": "traceresponse"},
    "request_headers": [{"add": {"name": "a", "value": "%REQ(x?y):9% %PATH% %REQUEST_ID% %SPAN_ID%"}}],
    "response_headers": [{"add": {"name": "a", "value": "%RESP(x)%%REQ(x)%%AUTHORITY:3%%RESPONSE_CODE%", "default": "-"}}],
    "server_timing": {"traceparent": true}
}"#;

proptest! {
    #[test]
    fn writes_only_valid_values_for_any_facts(
        headers in proptest::collection::vec(
            ("(x|y|x-request-id|traceparent|tracestate|:path|:authority|:status)", proptest::collection::vec(any::<u8>(), 0..60)),
            0..12,
        ),
        draws in proptest::option::of(proptest::array::uniform32(any::<u8>())),
        now: u64,
        later: u64,
    ) {
        let pairs: Pairs<'_> = headers.iter().map(|(name, value)| (name.as_bytes(), value.as_slice())).collect();
        let draws = draws.map(|bytes| {
            let mut all = [7; Draws::LEN];
            all[..32].copy_from_slice(&bytes);
            Draws::from_bytes(all)
        });
        let policy = policy(EVERYTHING);
        let request = policy.on_request(&RequestFacts::from_pairs(&pairs), draws.as_ref(), UnixNanos(now));
        let response = policy.on_response(&request.state, &ResponseFacts::from_pairs(&pairs), UnixNanos(later));
        for value in request.edits.iter().chain(&response.edits).filter_map(HeaderEdit::value) {
            prop_assert!(tollgate_policy::is_valid_value(value), "{}", value.escape_ascii());
        }
    }

    #[test]
    fn a_second_pass_keeps_generated_ids(bytes in proptest::array::uniform32(any::<u8>()), now: u64) {
        let mut all = [0; Draws::LEN];
        all[..32].copy_from_slice(&bytes);
        let draws = Draws::from_bytes(all);
        let policy = policy(r#"{"request_id": {"format": "uuid_v7", "max_length": 36}, "trace_context": {}}"#);
        let first = policy.on_request(&RequestFacts::default(), Some(&draws), UnixNanos(now));
        let pairs: Pairs<'_> =
            first.edits.iter().filter_map(|edit| Some((edit.name().as_ref(), edit.value()?))).collect();
        let second = policy.on_request(&RequestFacts { headers: Headers(&pairs), ..Default::default() }, None, NOW);
        prop_assert!(second.edits.is_empty());
        prop_assert_eq!(second.state.trace(), first.state.trace());
        prop_assert_eq!(second.state.request_id(), first.state.request_id());
    }
}
