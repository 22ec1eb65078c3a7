//! Reads any bytes as times of headers: no panic, and what was written is read as at most the same time.
#![no_main]

use libfuzzer_sys::fuzz_target;
use tollgate_retry_policy::{parse_grpc_timeout, parse_http_date, parse_retry_after, write_grpc_timeout};

fuzz_target!(|input: (&[u8], u64)| {
    let (bytes, now) = input;
    if let Some(nanos) = parse_grpc_timeout(bytes) {
        let again = parse_grpc_timeout(write_grpc_timeout(nanos).as_bytes());
        assert!(again.is_some_and(|again| again <= nanos));
    }
    if let Some(seconds) = parse_http_date(bytes) {
        // The last second of the year 9999, and a leap second.
        assert!(seconds <= 253_402_300_800);
    }
    parse_retry_after(bytes, now);
});
