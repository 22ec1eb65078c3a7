//! Parses any text as a configuration, and runs its policy on a request full of control characters.
#![no_main]

use libfuzzer_sys::fuzz_target;
use tollgate_policy::{HeaderEdit, RequestFacts, ResponseFacts, UnixNanos, is_valid_value};
use tollgate_telemetry_headers_policy::{Config, Draws, Policy};

fuzz_target!(|text: &str| {
    let Ok(config) = tollgate_policy::config::parse::<Config>(text) else { return };
    let policy = Policy::new(config);
    let pairs: [(&[u8], &[u8]); 5] =
        [(b":path", b"/\r\n"), (b":method", b"GET"), (b":status", b"200"), (b"a", b"\0\xff"), (b"b", b" c ")];
    let draws = Draws::from_bytes([7; Draws::LEN]);
    let request = policy.on_request(&RequestFacts::from_pairs(&pairs), Some(&draws), UnixNanos(1));
    let response = policy.on_response(&request.state, &ResponseFacts::from_pairs(&pairs), UnixNanos(2));
    for value in request.edits.iter().chain(&response.edits).filter_map(HeaderEdit::value) {
        assert!(is_valid_value(value));
    }
});
