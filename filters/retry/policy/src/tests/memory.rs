//! Memory that a worker keeps for replays.

use super::responses::kept_stream;
use super::{Host, decide_about, fields, policy};
use crate::{Event, Head, Outcome, Policy, Step, Stream};

#[test]
fn a_worker_keeps_a_bounded_number_of_bytes() {
    let mut policy =
        policy(r#"{"max_kept_bytes": 300, "rules": [{"replay": {"retriable_status_codes": [503]}}]}"#);
    let mut streams: Vec<_> = (0..10).map(|_| kept_stream(&mut policy, &[("x", "0123456789")])).collect();
    let kept = streams.iter().filter(|stream| stream.kept.is_some()).count();
    assert_eq!(kept, 3);
    let mut host = Host::default();
    streams.iter_mut().for_each(|stream| policy.end(stream, &mut host));
    assert_eq!(policy.kept_bytes, 0);
    let put = fields("PUT", "/", &[]);
    let mut stream = decide_about(&mut policy, &put, false, &mut host).stream;
    host.events.clear();
    policy.on_request_body(&mut stream, (299, false), || Some(vec![0; 299]), &mut host);
    assert_eq!((host.events, policy.kept_bytes), (vec![Event::MemoryExhausted], 0));
}

/// An empty header takes memory too.
#[test]
fn headers_count_more_than_their_bytes() {
    let mut policy =
        policy(r#"{"max_kept_bytes": 1000, "rules": [{"replay": {"retriable_status_codes": [503]}}]}"#);
    assert!(kept_stream(&mut policy, &[("a", ""); 14]).kept.is_some());
    assert!(kept_stream(&mut policy, &[("a", ""); 16]).kept.is_none());
}

#[test]
fn the_last_response_counts_and_is_dropped_without_room() {
    let mut policy = policy(
        r#"{"max_kept_bytes": 200, "rules": [{"replay": {"retriable_status_codes": [503], "num_retries": 5}}]}"#,
    );
    let mut host = Host::default();
    let mut stream = kept_stream(&mut policy, &[]);
    let (head, before) = (Head { status: 503, ..Head::default() }, policy.kept_bytes);
    let mut after = |policy: &mut Policy, stream: &mut Stream, size: usize| {
        let body = vec![b'x'; size];
        let step = policy.after(stream, Outcome::Response(head, &body), &mut host);
        assert!(matches!(step, Step::Call(_)), "{step:?}");
        (policy.kept_bytes - before, stream.latest.is_some(), host.events())
    };
    assert_eq!(after(&mut policy, &mut stream, 100), (100, true, vec![]));
    assert_eq!(after(&mut policy, &mut stream, 150), (150, true, vec![]));
    assert_eq!(after(&mut policy, &mut stream, 190), (0, false, vec![Event::MemoryExhausted]));
    assert_eq!(after(&mut policy, &mut stream, 50), (50, true, vec![]));
    policy.end(&mut stream, &mut Host::default());
    assert_eq!(policy.kept_bytes, 0);
}
