use super::*;

fn one(hits: u64) -> [Descriptor; 1] {
    [descriptor("a", hits)]
}

/// Sends requests a millisecond apart. Returns the numbers of admitted requests and of calls.
fn load(service: &mut Reference, cache: Cache, requests: u64) -> (u64, u32) {
    let mut remote = remote(cache);
    let (mut admitted, mut calls) = (0, 0);
    for at in 0..requests {
        let (verdict, made) = remote.pass(service, &one(1), START + at * MS);
        admitted += u64::from(is_ok(&verdict));
        calls += made;
    }
    (admitted, calls)
}

#[test]
fn a_hot_key_costs_a_call_for_ten_requests() {
    let mut service = Reference::new(1_000_000, 3600 * SECOND, true, true);
    let (admitted, calls) = load(&mut service, Cache::default(), 1000);
    assert_eq!(admitted, 1000);
    assert!((100..=110).contains(&calls), "{calls}");
    // Without leases each costs one.
    let (admitted, calls) = load(&mut service, Cache { lease_hits: 0, ..Cache::default() }, 1000);
    assert_eq!((admitted, calls), (1000, 1000));
}

#[test]
fn leases_admit_exactly_the_limit() {
    for (counts_refused, statuses) in [(true, true), (false, true), (false, false)] {
        for limit in [0, 1, 7, 100, 101, 999] {
            let mut service = Reference::new(limit, 3600 * SECOND, counts_refused, statuses);
            let (admitted, calls) = load(&mut service, Cache::default(), 2000);
            assert_eq!(admitted, limit, "{counts_refused} {statuses}");
            // And of the refusals at most one in 50 ms is a call.
            assert!(u64::from(calls) <= limit / 8 + 80, "{limit}: {calls} {counts_refused} {statuses}");
        }
    }
}

#[test]
fn wastes_less_than_one_lease_if_rejections_are_counted() {
    let mut service = Reference::new(100, 3600 * SECOND, true, false);
    let (admitted, _) = load(&mut service, Cache::default(), 2000);
    assert!((91..=100).contains(&admitted), "{admitted}");
}

#[test]
fn a_rare_key_takes_only_its_own_hits() {
    let mut remote = remote(Cache::default());
    for at in 0..5 {
        let now = START + at * 1_100 * MS;
        let call = remote.call_for(&one(3), now);
        assert_eq!(hits_of(&call), 3);
        assert!(is_ok(&remote.answer(&call, &bare(Code::Ok), now)));
    }
    // Twice in a second is warm: for itself, and one more.
    let now = START + 4 * 1_100 * MS + 100 * MS;
    let call = remote.call_for(&one(3), now);
    assert_eq!(hits_of(&call), 6);
    remote.answer(&call, &bare(Code::Ok), now);
    assert!(remote.settled_for(&one(3), now).from_cache);
    assert_eq!(hits_of(&remote.call_for(&one(3), now)), 12);
}

/// With a lease of nine more, asked for at `START`.
fn leased(cache: Cache, answer: &Response) -> Remote {
    let mut remote = remote(cache);
    loop {
        let Ask::Call(call) = remote.ask_at(&one(1), START) else { continue };
        if hits_of(&call) == 10 {
            remote.answer(&call, answer, START + MS);
            return remote;
        }
        remote.answer(&call, &bare(Code::Ok), START + MS);
    }
}

#[test]
fn a_lease_is_valid_until_it_is_used_or_too_old() {
    let mut remote = leased(Cache::default(), &bare(Code::Ok));
    for _ in 0..4 {
        assert!(remote.settled_for(&one(2), START + SECOND - 1).from_cache);
    }
    // One is left.
    assert!(matches!(remote.ask_at(&one(2), START + SECOND - 1), Ask::Call(_)));
    assert!(remote.settled_for(&one(1), START + SECOND - 1).from_cache);
    assert!(matches!(remote.ask_at(&one(1), START + SECOND - 1), Ask::Call(_) | Ask::Wait(_)));

    let mut remote = leased(Cache::default(), &bare(Code::Ok));
    assert!(matches!(remote.ask_at(&one(1), START + SECOND), Ask::Call(_)));
}

#[test]
fn a_lease_ends_when_its_limit_is_reset() {
    let mut answer = response(Code::Ok, vec![status(Code::Ok, 100, 0)]);
    answer.statuses[0].duration_until_reset = Some(Duration { seconds: 0, nanos: 300_000_000 });
    let mut remote = leased(Cache::default(), &answer);
    assert!(remote.settled_for(&one(1), START + 300 * MS - 1).from_cache);
    assert!(matches!(remote.ask_at(&one(1), START + 300 * MS), Ask::Call(_)));
}

#[test]
fn a_clock_that_is_set_back_ends_leases() {
    let mut remote = leased(Cache::default(), &bare(Code::Ok));
    assert!(matches!(remote.ask_at(&one(1), START - 3600 * SECOND), Ask::Call(_)));
}

#[test]
fn takes_an_eighth_of_the_rest_near_the_limit() {
    let mut remote = leased(Cache::default(), &response(Code::Ok, vec![status(Code::Ok, 31, 60)]));
    for _ in 0..9 {
        assert!(remote.settled_for(&one(1), START + MS).from_cache);
    }
    let call = remote.call_for(&one(1), START + MS);
    assert_eq!(hits_of(&call), 3);
    remote.answer(&call, &response(Code::Ok, vec![status(Code::Ok, 15, 60)]), START + MS);
    for _ in 0..2 {
        assert!(remote.settled_for(&one(1), START + MS).from_cache);
    }
    assert_eq!(hits_of(&remote.call_for(&one(1), START + MS)), 1);
}

#[test]
fn repeats_a_rejected_lease_for_the_request_alone() {
    let mut remote = remote(Cache::default());
    let call = remote.call_for(&one(1), START);
    remote.answer(&call, &bare(Code::Ok), START);
    let call = remote.call_for(&one(1), START);
    assert_eq!(hits_of(&call), 2);
    let refused = bare(Code::OverLimit).write();
    let Ask::Call(again) = remote.answered(call.id, Ok(&refused), UnixNanos(START)) else {
        panic!("expected a second call")
    };
    assert_eq!(hits_of(&again), 1);
    // Once: then it is refused.
    assert_eq!(remote.answer(&again, &bare(Code::OverLimit), START).over_limit, [0]);
}

#[test]
fn concurrent_requests_share_a_call() {
    let mut remote = remote(Cache::default());
    let (mut calls, mut waiting) = (Vec::new(), Vec::new());
    for _ in 0..100 {
        match remote.ask_at(&one(1), START) {
            Ask::Call(call) => calls.push(call),
            Ask::Wait(id) => waiting.push(id),
            Ask::Settled(verdict) => panic!("{verdict:?}"),
        }
    }
    assert!(calls.len() <= 20, "{}", calls.len());
    assert_eq!(calls.len() + waiting.len(), 100);
    for call in &calls {
        // No more requests wait for a call than it takes hits for.
        let for_it = waiting.iter().filter(|id| **id == call.id).count();
        assert!(for_it < hits_of(call) as usize);
        remote.answer(call, &bare(Code::Ok), START + MS);
        for _ in 0..for_it {
            assert!(remote.settled_for(&one(1), START + MS).from_cache);
        }
    }
}

#[test]
fn the_overshoot_is_allowed_before_it_is_counted() {
    let mut remote = leased(Cache { overshoot_hits: 3, ..Cache::default() }, &bare(Code::Ok));
    for _ in 0..9 {
        remote.settled_for(&one(1), START + MS);
    }
    let call = remote.call_for(&one(1), START + MS);
    for _ in 0..3 {
        assert!(is_ok(&remote.settled_for(&one(1), START + MS)));
    }
    assert_eq!(remote.ask_at(&one(1), START + MS), Ask::Wait(call.id));
    // They are of what the call asks for: ten, of which one is its own.
    remote.answer(&call, &bare(Code::Ok), START + 2 * MS);
    for _ in 0..6 {
        assert!(remote.settled_for(&one(1), START + 2 * MS).from_cache);
    }
    let call = remote.call_for(&one(1), START + 2 * MS);
    for _ in 0..3 {
        assert!(is_ok(&remote.settled_for(&one(1), START + 2 * MS)));
    }
    // A call without an answer has counted nothing. The next one counts these hits, and no request continues
    // before.
    remote.answered(call.id, Err(CallFailure::Timeout), UnixNanos(START + 3 * MS));
    let call = remote.call_for(&one(1), START + 3 * MS);
    assert_eq!(hits_of(&call), 13);
    assert_eq!(remote.ask_at(&one(1), START + 3 * MS), Ask::Wait(call.id));
}

#[test]
fn uses_a_quota_and_then_rejects_until_it_expires() {
    use tollgate_rate_limit_service::{Quota, Timestamp};
    let until = (START + 10 * SECOND) / SECOND;
    let quota = Quota {
        requests: 3,
        valid_until: Some(Timestamp { seconds: until as i64, nanos: 0 }),
        id: Vec::new(),
    };
    let mut remote = remote(Cache::default());
    let call = remote.call_for(&one(1), START);
    remote.answer(&call, &Response { quota: Some(quota.clone()), ..bare(Code::Ok) }, START);
    assert!(is_ok(&remote.settled_for(&one(1), START + SECOND)));
    assert!(is_ok(&remote.settled_for(&one(1), START + 9 * SECOND)));
    assert_eq!(remote.settled_for(&one(1), START + 9 * SECOND).over_limit, [0]);
    let call = remote.call_for(&one(1), START + 10 * SECOND);
    // One that is shared with other keys is not ours to use.
    let shared = Response { quota: Some(Quota { id: b"x".to_vec(), ..quota }), ..bare(Code::Ok) };
    remote.answer(&call, &shared, START + 10 * SECOND);
    assert!(matches!(remote.ask_at(&one(1), START + 10 * SECOND), Ask::Call(_)));
}

#[test]
fn a_key_with_uncounted_hits_is_not_evicted() {
    let cache = Cache { overshoot_hits: 3, max_entries: 1, ..Cache::default() };
    let mut remote = leased(cache, &bare(Code::Ok));
    for _ in 0..9 {
        remote.settled_for(&one(1), START + MS);
    }
    let call = remote.call_for(&one(1), START + MS);
    assert!(is_ok(&remote.settled_for(&one(3), START + MS)));
    remote.answered(call.id, Err(CallFailure::Timeout), UnixNanos(START + MS));
    // Others find no place, and are not remembered.
    for _ in 0..3 {
        let other = remote.call_for(&[descriptor("other", 1)], START + MS);
        assert_eq!(hits_of(&other), 1);
        remote.answer(&other, &bare(Code::Ok), START + MS);
    }
    // The entry still has uncounted hits, so no request continues before the call that counts them.
    let call = remote.call_for(&one(1), START + MS);
    assert_eq!(hits_of(&call), 13);
    assert_eq!(remote.ask_at(&one(1), START + MS), Ask::Wait(call.id));
    // This ends after a while.
    let later = START + 70 * SECOND;
    remote.call_for(&[descriptor("other", 1)], later);
    assert_eq!(hits_of(&remote.call_for(&[descriptor("other", 1)], later)), 2);
}

#[test]
fn adding_to_a_lease_does_not_extend_it() {
    let mut remote = leased(Cache::default(), &bare(Code::Ok));
    // Nine are left of it: not enough for ten.
    let later = START + 900 * MS;
    let call = remote.call_for(&one(10), later);
    assert_eq!(hits_of(&call), 100);
    remote.answer(&call, &bare(Code::Ok), later);
    assert!(is_ok(&remote.settled_for(&one(90), START + SECOND - 1)));
    assert!(matches!(remote.ask_at(&one(1), START + SECOND), Ask::Call(_)));
}
