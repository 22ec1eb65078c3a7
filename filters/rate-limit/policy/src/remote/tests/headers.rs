use super::*;
use tollgate_rate_limit_service::Header;

fn header(key: &str, value: &[u8]) -> Header {
    Header { key: key.into(), value: value.to_vec(), raw_value: Vec::new() }
}

fn one() -> [Descriptor; 1] {
    [descriptor("a", 1)]
}

#[test]
fn uses_valid_headers_of_new_answers() {
    let mut remote = remote(Cache::default());
    let mut answer = bare(Code::Ok);
    answer.request_headers_to_add = vec![header("X-Up", b"1"), header("content-length", b"1")];
    answer.response_headers_to_add =
        vec![header("x-down", b"1"), header("x-bad", b"1\r\nset-cookie: a=b"), header("bad name", b"1")];
    answer.raw_body = b"only for refusals".to_vec();
    for _ in 0..2 {
        let call = remote.call_for(&one(), START);
        let verdict = remote.answer(&call, &answer, START);
        assert_eq!(verdict.request_headers, [("x-up".into(), b"1".to_vec())]);
        assert_eq!(verdict.response_headers, [("x-down".into(), b"1".to_vec())]);
        assert!(verdict.raw_body.is_empty());
    }
    let verdict = remote.settled_for(&one(), START);
    assert_eq!(verdict, Verdict { from_cache: true, ..Verdict::default() });
}

#[test]
fn a_cached_rejection_has_its_headers_and_body() {
    let mut remote = remote(Cache::default());
    let mut answer = bare(Code::OverLimit);
    answer.request_headers_to_add = vec![header("x-up", b"1")];
    answer.response_headers_to_add = vec![header("x-why", b"you know")];
    answer.raw_body = b"no".to_vec();
    let call = remote.call_for(&one(), START);
    let fresh = remote.answer(&call, &answer, START);
    let remembered = remote.settled_for(&one(), START);
    for verdict in [fresh, remembered] {
        assert_eq!(verdict.response_headers, [("x-why".into(), b"you know".to_vec())]);
        assert_eq!(verdict.raw_body, b"no");
        assert!(verdict.request_headers.is_empty());
    }
}

#[test]
fn quotas_include_the_rest_of_the_lease() {
    let mut remote = remote(Cache::default());
    let call = remote.call_for(&one(), START);
    let verdict = remote.answer(&call, &response(Code::Ok, vec![status(Code::Ok, 99, 60)]), START);
    assert_eq!(verdict.quotas[0].unwrap().remaining, 99);
    let call = remote.call_for(&one(), START);
    assert_eq!(hits_of(&call), 2);
    let verdict = remote.answer(&call, &response(Code::Ok, vec![status(Code::Ok, 97, 60)]), START);
    assert_eq!(verdict.quotas[0].unwrap().remaining, 98);
    let quota = remote.settled_for(&one(), START + SECOND / 2).quotas[0].unwrap();
    assert_eq!((quota.remaining, quota.reset), (97, 59 * SECOND + SECOND / 2));
}

#[test]
fn reads_the_headers_of_limitador() {
    let mut answer = bare(Code::OverLimit);
    answer.response_headers_to_add = vec![
        header("X-RateLimit-Limit", b"10, 10;w=60;name=\"m\", 100;w=3600"),
        header("X-RateLimit-Remaining", b"0"),
        header("X-RateLimit-Reset", b"42"),
    ];
    let mut remote = remote(Cache::default());
    let call = remote.call_for(&one(), START);
    let quota = remote.answer(&call, &answer, START).quotas[0].unwrap();
    assert_eq!((quota.limit, quota.window, quota.remaining, quota.reset), (10, 60 * SECOND, 0, 42 * SECOND));
    assert!(remote.settled_for(&one(), START + 42 * SECOND - 1).from_cache);
    assert!(matches!(remote.ask_at(&one(), START + 42 * SECOND), Ask::Call(_)));
    // A point in time is ignored.
    answer.response_headers_to_add[2] = header("x-ratelimit-reset", b"1700000000");
    let call = remote.call_for(&[descriptor("b", 1)], START);
    assert!(remote.answer(&call, &answer, START).quotas.is_empty());
}

#[test]
fn an_empty_answer_is_invalid() {
    let mut remote = remote(Cache::default());
    for garbage in [&b""[..], b"\x08\x07", b"garbage", b"\x08\x00"] {
        let call = remote.call_for(&one(), START);
        let Ask::Settled(verdict) = remote.answered(call.id, Ok(garbage), UnixNanos(START)) else {
            panic!("unexpected second call")
        };
        assert_eq!(verdict, Verdict { failure: Some(CallFailure::Malformed), ..Verdict::default() });
    }
}
