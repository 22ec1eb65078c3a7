//! Reads any bytes as trace headers: the policy must not panic, and its output must be valid and within the
//! limits.
#![no_main]

use libfuzzer_sys::fuzz_target;
use tollgate_policy::{HeaderEdit, Headers, RequestFacts, UnixNanos, is_valid_value};
use tollgate_telemetry_headers_policy::{Draws, Policy, TraceParent};

fuzz_target!(|input: &[u8]| {
    if let Some(parent) = TraceParent::parse(input) {
        assert_eq!(TraceParent::parse(&parent.encode()), Some(parent));
    }
    // Each line becomes a header, which its first byte selects.
    let pairs: Vec<(&[u8], &[u8])> = input
        .split(|byte| *byte == b'\n')
        .filter_map(|line| line.split_first())
        .map(|(kind, value)| {
            let name: &[u8] = match kind % 3 {
                0 => b"traceparent",
                1 => b"tracestate",
                _ => b"x-request-id",
            };
            (name, value)
        })
        .collect();
    let config = tollgate_policy::config::parse(r#"{"request_id": {}, "trace_context": {"mode": "continue"}}"#);
    let policy = Policy::new(config.expect("the configuration is valid"));
    let facts = RequestFacts { headers: Headers(&pairs), ..RequestFacts::default() };
    let draws = Draws::from_bytes([7; Draws::LEN]);
    for draws in [None, Some(&draws)] {
        let decision = policy.on_request(&facts, draws, UnixNanos(0));
        for edit in &decision.edits {
            let Some(value) = edit.value() else { continue };
            assert!(is_valid_value(value));
            match edit {
                HeaderEdit::Set(name, _) if name.as_str() == "tracestate" => {
                    assert!(value.len() <= 512 && value.split(|byte| *byte == b',').count() <= 32);
                }
                HeaderEdit::Set(name, _) if name.as_str() == "traceparent" => {
                    assert!(TraceParent::parse(value).is_some());
                }
                _ => {}
            }
        }
    }
});
