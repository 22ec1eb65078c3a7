use super::*;

fn error(json: &str) -> String {
    tollgate_policy::config::parse::<Config>(json).unwrap_err().to_string()
}

#[test]
fn every_section_may_be_left_out_or_empty() {
    assert_eq!(tollgate_policy::config::parse::<Config>("{}").unwrap(), Config::default());
    let config: Config = tollgate_policy::config::parse(
        r#"{"request_id": {}, "trace_context": {}, "request_headers": [], "response_headers": [], "server_timing": {}}"#,
    )
    .unwrap();
    assert_eq!(config.request_id.unwrap().header.name().as_str(), "x-request-id");
    assert_eq!(config.trace_context.unwrap().random_sampling, Percent::ALL);
    assert_eq!(config.server_timing.unwrap().metric.as_str(), "upstream");
}

#[test]
fn an_error_names_the_field_or_the_value() {
    for (json, message) in [
        (r#"{"reqest_id": {}}"#, "unknown field `reqest_id`, expected one of `request_id`, `trace_context`"),
        (r#"{"request_id": {"trust": "keep"}}"#, "unknown field `trust`"),
        (r#"{"request_id": {"header": "a b"}}"#, "`a b` is not a valid header name"),
        (r#"{"request_id": {"header": "Host"}}"#, "`host` belongs to the connection"),
        (r#"{"request_id": {"format": "ulid"}}"#, "unknown variant `ulid`, expected `uuid_v4` or `uuid_v7`"),
        (r#"{"request_id": {"max_length": 35}}"#, "`35` is not a number from 36 to 1024"),
        (r#"{"trace_context": {"random_sampling": 101}}"#, "`101` is not a percentage from 0 to 100"),
        (r#"{"trace_context": {"response_header": ":status"}}"#, "`:status` is a pseudo-header"),
        (r#"{"request_headers": [{"remove": ":path"}]}"#, "`:path` is a pseudo-header"),
        (
            r#"{"request_headers": [{"remove": "Content-Length"}]}"#,
            "`content-length` belongs to the connection",
        ),
        (
            r#"{"response_headers": [{"set": {"name": "transfer-encoding", "value": ""}}]}"#,
            "`transfer-encoding` belongs",
        ),
        (r#"{"request_headers": [{"set": {"name": "a"}}]}"#, "missing field `value`"),
        (r#"{"request_headers": [{"set": {"name": "a", "value": "b", "if": 1}}]}"#, "unknown field `if`"),
        (r#"{"request_headers": [{"replace": {}}]}"#, "unknown variant `replace`"),
        (
            r#"{"request_headers": [{"set": {"name": "a", "value": "x%REQ(b"}}]}"#,
            "`x%REQ(b` at column 2: missing closing",
        ),
        (
            r#"{"request_headers": [{"set": {"name": "a", "value": "b", "default": "c\n"}}]}"#,
            "`c\\n` is not a valid header value",
        ),
        (
            r#"{"request_headers": [{"set": {"name": "a", "value": "%RESPONSE_CODE%"}}]}"#,
            "`value` refers to `%RESPONSE_CODE%`, which is available only in",
        ),
        (
            r#"{"request_headers": [{"set": {"name": "a", "value": "%RESP(b)%"}}]}"#,
            "`value` refers to `%RESP(b)%`",
        ),
        (
            r#"{"response_headers": [{"remove": "b"}, {"set": {"name": "a", "value": "%TRACE_ID%"}}]}"#,
            "`%TRACE_ID%` in `response_headers[1]` needs the section `trace_context`",
        ),
        (
            r#"{"request_headers": [{"set": {"name": "a", "value": "%REQUEST_ID%"}}]}"#,
            "`%REQUEST_ID%` in `request_headers[0]` needs the section `request_id`",
        ),
        (
            r#"{"server_timing": {"traceparent": true}}"#,
            "`server_timing.traceparent` needs the section `trace_context`",
        ),
        (r#"{"server_timing": {"metric": "a b"}}"#, "`a b` is not a valid metric name"),
        (
            r#"{"server_timing": {"timing_allow_origin": ["https://a.example/"]}}"#,
            "`https://a.example/` is not a valid origin",
        ),
    ] {
        let error = error(json);
        assert!(error.contains(message), "{json}\n{error}");
        assert!(!error.contains('\n'));
    }
}

#[test]
fn accepts_origins_as_browsers_send_them() {
    for (text, valid) in [
        ("*", true),
        ("https://a.example", true),
        ("http://127.0.0.1:8080", true),
        ("https://[::1]:8443", true),
        ("null", false),
        ("https://", false),
        ("HTTPS://a.example", false),
        ("https://A.example", false),
        ("https://a.example/x", false),
        ("https://a.example, https://b.example", false),
    ] {
        assert_eq!(text.parse::<Origin>().is_ok(), valid, "{text}");
    }
}
