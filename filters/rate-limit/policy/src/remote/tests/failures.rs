use super::*;

fn key(at: u32) -> [Descriptor; 1] {
    [descriptor(&at.to_string(), 1)]
}

/// Returns a client after a number of failed calls in a row, a millisecond apart.
fn failed(times: u32, failure: CallFailure) -> Remote {
    let mut remote = remote(Cache::default());
    for at in 0..times {
        let now = START + u64::from(at) * MS;
        let call = remote.call_for(&key(at), now);
        fail(&mut remote, &call, failure, now);
    }
    remote
}

#[track_caller]
fn fail(remote: &mut Remote, call: &Call, failure: CallFailure, now: u64) {
    let failed = Verdict { failure: Some(failure), ..Verdict::default() };
    assert_eq!(remote.answered(call.id, Err(failure), UnixNanos(now)), Ask::Settled(failed));
}

/// Returns the time from `now` to the next call, and that call.
fn asked_again(remote: &mut Remote, now: u64) -> (u64, Call) {
    for ms in 0..5_000 {
        match remote.ask_at(&key(1000), now + ms * MS) {
            Ask::Call(call) => return (ms, call),
            Ask::Settled(verdict) => assert!(verdict.failure.is_some() && verdict.from_cache, "{verdict:?}"),
            Ask::Wait(_) => panic!("unexpected wait"),
        }
    }
    panic!("no further call");
}

#[test]
fn pauses_grow_with_further_failures() {
    let mut remote = failed(circuit::FAILURES, CallFailure::Timeout);
    let mut now = START + 4 * MS;
    for (least, most) in [(37, 50), (75, 100), (150, 200), (300, 400), (600, 800), (750, 1000), (750, 1000)] {
        let (pause, probe) = asked_again(&mut remote, now);
        assert!((least..=most).contains(&pause), "{pause}");
        now += pause * MS;
        // One asks; the others do not wait for it.
        assert_eq!(remote.settled_for(&key(1001), now).failure, Some(CallFailure::Timeout));
        fail(&mut remote, &probe, CallFailure::Timeout, now);
    }
    let (pause, probe) = asked_again(&mut remote, now);
    now += pause * MS;
    assert!(is_ok(&remote.answer(&probe, &bare(Code::Ok), now)));
    for at in 0..circuit::FAILURES {
        let call = remote.call_for(&key(at), now);
        fail(&mut remote, &call, CallFailure::Timeout, now);
    }
    let (pause, _) = asked_again(&mut remote, now);
    assert!((37..=50).contains(&pause), "{pause}");
}

#[test]
fn pauses_differ_between_workers() {
    let pause = |worker: u64| {
        let mut circuit = Circuit::default();
        let now = START + worker * 1_234_567;
        for at in 0..circuit::FAILURES {
            circuit.failed(CallFailure::Timeout, now, now ^ u64::from(at));
        }
        (0..50).find(|ms| circuit.blocked(now + ms * MS, now + SECOND).is_none()).unwrap_or(50)
    };
    let mut pauses: Vec<u64> = (0..20).map(pause).collect();
    pauses.sort_unstable();
    pauses.dedup();
    assert!(pauses.len() > 5, "{pauses:?}");
}

#[test]
fn fewer_failures_do_not_pause_calls() {
    let mut remote = failed(circuit::FAILURES - 1, CallFailure::Unavailable);
    let call = remote.call_for(&key(500), START + SECOND);
    remote.answer(&call, &bare(Code::OverLimit), START + SECOND);
    let call = remote.call_for(&key(501), START + SECOND);
    fail(&mut remote, &call, CallFailure::Unavailable, START + SECOND);
    assert!(matches!(remote.ask_at(&key(502), START + SECOND), Ask::Call(_)));
}

#[test]
fn invalid_answers_do_not_open_the_circuit() {
    for failure in [CallFailure::Malformed, CallFailure::Status(2), CallFailure::Status(13)] {
        let mut remote = failed(3 * circuit::FAILURES, failure);
        assert!(matches!(remote.ask_at(&key(1000), START + SECOND), Ask::Call(_)));
    }
    let mut remote = failed(circuit::FAILURES, CallFailure::Status(14));
    assert_eq!(remote.settled_for(&key(1000), START + 5 * MS).failure, Some(CallFailure::Status(14)));
}

#[test]
fn pending_calls_do_not_extend_a_pause() {
    let mut remote = remote(Cache::default());
    let calls: Vec<_> = (0..100).map(|at| remote.call_for(&key(at), START)).collect();
    for call in &calls {
        fail(&mut remote, call, CallFailure::Timeout, START + 20 * MS);
    }
    let (pause, _) = asked_again(&mut remote, START + 20 * MS);
    assert!((37..=50).contains(&pause), "{pause}");
}

#[test]
fn another_request_follows_a_lost_probe() {
    let mut remote = failed(circuit::FAILURES, CallFailure::Timeout);
    let (pause, probe) = asked_again(&mut remote, START + 4 * MS);
    let now = START + 4 * MS + pause * MS;
    remote.abandoned(probe.id);
    let probe = remote.call_for(&key(1), now);
    // The outcome of this call is never reported.
    assert!(remote.settled_for(&key(2), now + SECOND).failure.is_some());
    let other = remote.call_for(&key(2), now + 2 * SECOND);
    // What comes of it then is of no use.
    fail(&mut remote, &probe, CallFailure::Timeout, now + 2 * SECOND);
    assert!(is_ok(&remote.answer(&other, &bare(Code::Ok), now + 2 * SECOND)));
}

#[test]
fn leases_and_rejections_stay_valid_during_an_outage() {
    let mut remote = remote(Cache::default());
    let now = START;
    for _ in 0..2 {
        let call = remote.call_for(&key(1), now);
        remote.answer(&call, &bare(Code::Ok), now);
    }
    let call = remote.call_for(&key(2), now);
    remote.answer(&call, &response(Code::OverLimit, vec![status(Code::OverLimit, 0, 30)]), now);
    for at in 0..circuit::FAILURES {
        let call = remote.call_for(&key(100 + at), now);
        fail(&mut remote, &call, CallFailure::Unavailable, now);
    }
    assert!(is_ok(&remote.settled_for(&key(1), now)));
    assert_eq!(remote.settled_for(&key(1), now).failure, Some(CallFailure::Unavailable));
    assert_eq!(remote.settled_for(&key(2), now).over_limit, [0]);
}

#[test]
fn waiters_for_a_failed_call_query_again() {
    let mut remote = remote(Cache::default());
    let calls = [remote.call_for(&key(1), START), remote.call_for(&key(1), START)];
    assert_eq!(remote.ask_at(&key(1), START), Ask::Wait(calls[1].id));
    fail(&mut remote, &calls[1], CallFailure::Timeout, START + 20 * MS);
    assert!(matches!(remote.ask_at(&key(1), START + 20 * MS), Ask::Call(_)));
    // The same if the request of the call has ended, or if its outcome is never reported.
    let calls = [remote.call_for(&key(2), START), remote.call_for(&key(2), START)];
    assert_eq!(remote.ask_at(&key(2), START), Ask::Wait(calls[1].id));
    assert!(matches!(remote.ask_at(&key(2), START + 2 * SECOND), Ask::Call(_)));
}

#[test]
fn bounds_the_number_of_pending_calls() {
    let mut remote = remote(Cache::default());
    for at in 0..4096 {
        remote.call_for(&key(at), START);
    }
    assert_eq!(remote.settled_for(&key(9999), START).failure, Some(CallFailure::Unavailable));
    // Calls without an outcome count as lost.
    assert!(matches!(remote.ask_at(&key(9999), START + 2 * SECOND), Ask::Call(_)));
}
