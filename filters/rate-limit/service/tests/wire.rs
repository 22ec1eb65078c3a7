//! Compares the messages with bytes from Google's protobuf (Python package `protobuf`, with the messages of
//! `xds-protos`), and with random bytes.

use proptest::prelude::*;
use tollgate_rate_limit_service::*;

const REQUEST: &[u8] =
    b"\n\x04shop\x12,\n\x1a\n\x0eremote_address\x12\x0810.0.0.1\n\x0c\n\x04team\x12\x04gold\x1a\x00\
    \x12\x11\n\n\n\x04path\x12\x02/a\x1a\x03\x08\xac\x02\x18\x03";

/// With `dynamic_metadata: {a: {b: [1, x, null]}}`.
const RESPONSE: &[u8] = b"\x08\x02\x12\x1c\x08\x02\x12\x0e\x08d\x10\x02\x1a\x08per-team\"\x08\x08*\x10\x80\xca\xb5\xee\x01\
    \x12\x17\x08\x01\x18\xff\xff\xff\xff\x0f*\r\x08\x07\x12\x06\x08\x80\xe2\xcf\xaa\x06\x1a\x01q\
    \x1a\x11\n\x0bretry-after\x12\x0242\x1a\x0b\n\x05x-raw\x1a\x02\xff\x01\"\t\n\x04x-up\x12\x011*\tslow down\
    2&\n$\n\x01a\x12\x1f*\x1d\n\x1b\n\x01b\x12\x162\x14\n\t\x11\x00\x00\x00\x00\x00\x00\xf0?\n\x03\x1a\x01x\n\x02\x08\x00:\x02\x08\t";

fn entry(key: &str, value: &str) -> Entry {
    Entry { key: key.into(), value: value.into() }
}

fn response() -> Response {
    let limit = CurrentLimit { requests_per_unit: 100, unit: 2, name: b"per-team".to_vec() };
    let valid_until = Some(Timestamp { seconds: 1_700_000_000, nanos: 0 });
    Response {
        overall_code: Code::OverLimit.into(),
        statuses: vec![
            Status {
                code: Code::OverLimit.into(),
                current_limit: Some(limit),
                limit_remaining: 0,
                duration_until_reset: Some(Duration { seconds: 42, nanos: 500_000_000 }),
                quota: None,
            },
            Status {
                code: Code::Ok.into(),
                limit_remaining: u32::MAX,
                quota: Some(Quota { requests: 7, valid_until, id: b"q".to_vec() }),
                ..Status::default()
            },
        ],
        response_headers_to_add: vec![
            Header { key: "retry-after".into(), value: b"42".to_vec(), raw_value: Vec::new() },
            Header { key: "x-raw".into(), value: Vec::new(), raw_value: b"\xff\x01".to_vec() },
        ],
        request_headers_to_add: vec![Header {
            key: "x-up".into(),
            value: b"1".to_vec(),
            raw_value: Vec::new(),
        }],
        raw_body: b"slow down".to_vec(),
        quota: Some(Quota { requests: 9, valid_until: None, id: Vec::new() }),
    }
}

#[test]
fn writes_requests_like_protobuf() {
    let descriptor = |entries, hits| Descriptor { entries, hits_addend: Some(HitsAddend { value: hits }) };
    let request = Request {
        domain: "shop".into(),
        descriptors: vec![
            descriptor(vec![entry("remote_address", "10.0.0.1"), entry("team", "gold")], 0),
            descriptor(vec![entry("path", "/a")], 300),
        ],
        hits_addend: 3,
    };
    assert_eq!(request.write(), REQUEST);
    assert_eq!(Request::read(REQUEST), Some(request));
}

#[test]
fn reads_answers_and_skips_unused_fields() {
    let read = Response::read(RESPONSE).unwrap();
    assert_eq!(read, response());
    // What is written is read by others: the same bytes but for the metadata (field 6, 40 bytes).
    let metadata = RESPONSE.len() - 4 - 40..RESPONSE.len() - 4;
    assert_eq!(RESPONSE[metadata.start], 6 << 3 | 2);
    let mut without = RESPONSE.to_vec();
    without.drain(metadata);
    assert_eq!(read.write(), without);
}

#[test]
fn converts_units_durations_and_values() {
    let seconds = |unit| CurrentLimit { unit, ..CurrentLimit::default() }.seconds();
    let all: Vec<_> = (0..9).map(seconds).collect();
    let day = 86_400;
    assert_eq!(
        all,
        [
            None,
            Some(1),
            Some(60),
            Some(3600),
            Some(day),
            Some(30 * day),
            Some(365 * day),
            Some(7 * day),
            None
        ]
    );
    assert_eq!(Duration { seconds: 42, nanos: 500_000_000 }.as_nanos(), 42_500_000_000);
    assert_eq!(Duration { seconds: -1, nanos: 5 }.as_nanos(), 0);
    assert_eq!(Duration { seconds: i64::MAX, nanos: i32::MAX }.as_nanos(), u64::MAX);
    assert_eq!(Timestamp { seconds: 1, nanos: -1 }.as_nanos(), 999_999_999);
    let [value, raw] = <[Header; 2]>::try_from(response().response_headers_to_add).unwrap();
    assert_eq!(value.into_parts(), ("retry-after".into(), b"42".to_vec()));
    assert_eq!(raw.into_parts(), ("x-raw".into(), b"\xff\x01".to_vec()));
}

#[test]
fn bounds_the_memory_of_an_answer() {
    let body = |length| Response { raw_body: vec![b'x'; length], ..Response::default() }.write();
    assert!(Response::read(&body(MAX_RESPONSE - 4)).is_some());
    assert!(Response::read(&body(MAX_RESPONSE)).is_none());
    // The costliest two bytes: an element of a list with nothing in it. A list has room for at most twice its
    // elements.
    let most = [size_of::<Status>(), size_of::<Header>()].into_iter().max().unwrap();
    assert!(most * 2 / 2 <= 150, "{most}");
    let empty: Vec<u8> = [0x12, 0].repeat(MAX_RESPONSE / 2);
    assert_eq!(Response::read(&empty).unwrap().statuses.len(), MAX_RESPONSE / 2);
}

#[test]
fn rejects_deeply_nested_messages() {
    // A group (wire type 3) in a group and so on, of a field that is skipped.
    assert!(Response::read(&[0x33; 10_000]).is_none());
}

proptest! {
    #[test]
    fn random_bytes_are_read_or_rejected(bytes in prop::collection::vec(any::<u8>(), 0..2000)) {
        let _ = Request::read(&bytes);
        if let Some(read) = Response::read(&bytes) {
            prop_assert_eq!(Response::read(&read.write()), Some(read));
        }
    }

    #[test]
    fn changed_answers_are_read_or_rejected(
        changes in prop::collection::vec((0..RESPONSE.len(), any::<u8>()), 1..8),
        end in 0..=RESPONSE.len(),
    ) {
        let mut bytes = RESPONSE.to_vec();
        for (at, byte) in changes {
            bytes[at] = byte;
        }
        bytes.truncate(end);
        if let Some(read) = Response::read(&bytes) {
            prop_assert_eq!(Response::read(&read.write()), Some(read));
        }
    }
}
