use super::*;

fn one(value: &str) -> [Descriptor; 1] {
    [descriptor(value, 1)]
}

#[test]
fn rejects_a_key_over_its_limit_until_the_reset() {
    let mut remote = remote(Cache::default());
    let call = remote.call_for(&one("a"), START);
    let over = response(Code::OverLimit, vec![status(Code::OverLimit, 0, 30)]);
    let verdict = remote.answer(&call, &over, START + 5 * MS);
    assert_eq!((verdict.over_limit.as_slice(), verdict.from_cache), (&[0][..], false));
    let verdict = remote.settled_for(&one("a"), START + 30 * SECOND - 1);
    assert_eq!((verdict.over_limit.as_slice(), verdict.from_cache), (&[0][..], true));
    let quota = verdict.quotas[0].unwrap();
    assert_eq!((quota.limit, quota.window, quota.remaining, quota.reset), (100, 60 * SECOND, 0, 1));
    assert!(matches!(remote.ask_at(&one("b"), START + SECOND), Ask::Call(_)));
    assert!(matches!(remote.ask_at(&one("a"), START + 30 * SECOND), Ask::Call(_)));
}

#[test]
fn caches_rejections_for_a_bounded_time() {
    let mut remote = remote(Cache::default());
    let call = remote.call_for(&one("day"), START);
    remote.answer(&call, &response(Code::OverLimit, vec![status(Code::OverLimit, 0, 86_400)]), START);
    assert!(remote.settled_for(&one("day"), START + 60 * SECOND - 1).from_cache);
    assert!(matches!(remote.ask_at(&one("day"), START + 60 * SECOND), Ask::Call(_)));

    let call = remote.call_for(&one("bare"), START);
    remote.answer(&call, &bare(Code::OverLimit), START);
    assert!(remote.settled_for(&one("bare"), START + 50 * MS - 1).from_cache);
    assert!(matches!(remote.ask_at(&one("bare"), START + 50 * MS), Ask::Call(_)));
}

#[test]
fn caches_no_rejections_if_so_configured() {
    let mut remote = remote(Cache { over_limit: false, ..Cache::default() });
    let call = remote.call_for(&one("a"), START);
    remote.answer(&call, &response(Code::OverLimit, vec![status(Code::OverLimit, 0, 30)]), START);
    assert!(matches!(remote.ask_at(&one("a"), START), Ask::Call(_)));
}

#[test]
fn queries_a_window_of_a_second_again_within_it() {
    let mut over = status(Code::OverLimit, 0, 1);
    over.current_limit.as_mut().unwrap().unit = 1;
    let mut remote = remote(Cache::default());
    let call = remote.call_for(&one("a"), START);
    remote.answer(&call, &response(Code::OverLimit, vec![over]), START);
    assert!(remote.settled_for(&one("a"), START + 250 * MS - 1).from_cache);
    assert!(matches!(remote.ask_at(&one("a"), START + 250 * MS), Ask::Call(_)));
}

#[test]
fn a_rejection_does_not_apply_to_smaller_costs() {
    let mut remote = remote(Cache::default());
    let call = remote.call_for(&[descriptor("a", 5)], START);
    remote.answer(&call, &bare(Code::OverLimit), START);
    assert!(remote.settled_for(&[descriptor("a", 5)], START).from_cache);
    assert!(remote.settled_for(&[descriptor("a", 6)], START).from_cache);
    let call = remote.call_for(&[descriptor("a", 4)], START);
    // Unless nothing remains at all.
    let mut again = remote.answered(call.id, Ok(&bare(Code::OverLimit).write()), UnixNanos(START));
    while let Ask::Call(call) = again {
        let over = response(Code::OverLimit, vec![status(Code::OverLimit, 0, 30)]).write();
        again = remote.answered(call.id, Ok(&over), UnixNanos(START));
    }
    assert!(remote.settled_for(&[descriptor("a", 1)], START).from_cache);
}

#[test]
fn a_rejected_descriptor_rejects_every_list_with_it() {
    let mut remote = remote(Cache::default());
    let both = [descriptor("a", 1), descriptor("b", 1)];
    let call = remote.call_for(&both, START);
    let statuses = vec![status(Code::Ok, 5, 30), status(Code::OverLimit, 0, 30)];
    assert_eq!(remote.answer(&call, &response(Code::OverLimit, statuses), START).over_limit, [1]);
    assert_eq!(remote.settled_for(&both, START).over_limit, [1]);
    assert_eq!(remote.settled_for(&one("b"), START).over_limit, [0]);
    let other = [descriptor("b", 1), descriptor("c", 1)];
    assert_eq!(remote.settled_for(&other, START).over_limit, [0]);
    assert!(matches!(remote.ask_at(&one("a"), START), Ask::Call(_)));
}

#[test]
fn each_of_many_descriptors_can_be_over_its_limit() {
    let mut remote = remote(Cache::default());
    let many: Vec<_> = (0..100).map(|at| descriptor(&at.to_string(), 1)).collect();
    let call = remote.call_for(&many, START);
    let code = |at| if at == 0 || at > 97 { Code::OverLimit } else { Code::Ok };
    let statuses = (0..100).map(|at| status(code(at), 0, 30)).collect();
    assert_eq!(remote.answer(&call, &response(Code::OverLimit, statuses), START).over_limit, [0, 98, 99]);
    assert_eq!(remote.settled_for(&many, START).over_limit, [0, 98, 99]);
}

#[test]
fn caches_an_answer_for_its_list_only() {
    let mut remote = remote(Cache::default());
    let both = [descriptor("a", 1), descriptor("b", 1)];
    let call = remote.call_for(&both, START);
    remote.answer(&call, &bare(Code::OverLimit), START);
    assert_eq!(remote.settled_for(&both, START).over_limit, [0]);
    let turned = [descriptor("b", 1), descriptor("a", 1)];
    assert!(matches!(remote.ask_at(&turned, START), Ask::Call(_)));
    assert!(matches!(remote.ask_at(&one("a"), START), Ask::Call(_)));
    // An answer for a descriptor without a status does not apply to a list that contains it.
    let call = remote.call_for(&one("c"), START);
    remote.answer(&call, &bare(Code::OverLimit), START);
    assert!(matches!(remote.ask_at(&[descriptor("c", 1), descriptor("d", 1)], START), Ask::Call(_)));
}

#[test]
fn descriptors_with_different_costs_have_their_own_hits() {
    use tollgate_rate_limit_service::Request;
    let mut remote = remote(Cache::default());
    let call = remote.call_for(&[descriptor("a", 0), descriptor("b", 7)], START);
    let request = Request::read(&call.message).unwrap();
    assert_eq!(request.hits_addend, 7);
    let hits = request.descriptors.iter().map(|one| one.hits_addend.unwrap().value);
    assert_eq!(hits.collect::<Vec<_>>(), [0, 7]);
    let call = remote.call_for(&[descriptor("a", 7), descriptor("c", 7)], START);
    let request = Request::read(&call.message).unwrap();
    assert_eq!(request.hits_addend, 7);
    assert!(request.descriptors.iter().all(|one| one.hits_addend.is_none()));
    let call = remote.call_for(&[descriptor("huge", u64::MAX)], START);
    assert_eq!(hits_of(&call), 1_000_000_000);
    assert!(is_ok(&remote.settled_for(&[], START)));
}

#[test]
fn a_request_without_hits_checks_and_takes_nothing() {
    use tollgate_rate_limit_service::Request;
    let mut remote = remote(Cache::default());
    let check = [descriptor("a", 0)];
    for _ in 0..5 {
        let call = remote.call_for(&check, START);
        let request = Request::read(&call.message).unwrap();
        assert_eq!((request.hits_addend, request.descriptors[0].hits_addend.unwrap().value), (0, 0));
        assert!(is_ok(&remote.answer(&call, &response(Code::Ok, vec![status(Code::Ok, 5, 30)]), START)));
    }
    // Hits of a lease are room, too.
    for hits in [1, 2] {
        let call = remote.call_for(&one("a"), START);
        assert_eq!(hits_of(&call), hits);
        remote.answer(&call, &response(Code::Ok, vec![status(Code::Ok, 16, 30)]), START);
    }
    assert!(remote.settled_for(&check, START).from_cache);
    assert!(remote.settled_for(&one("a"), START).from_cache);
    let call = remote.call_for(&check, START);
    // A cached rejection rejects it.
    let over = response(Code::OverLimit, vec![status(Code::OverLimit, 0, 30)]);
    assert_eq!(remote.answer(&call, &over, START).over_limit, [0]);
    assert_eq!(remote.settled_for(&check, START).over_limit, [0]);
}

#[test]
fn a_rejection_of_many_hits_rejects_no_check() {
    let mut remote = remote(Cache::default());
    let call = remote.call_for(&[descriptor("a", 50)], START);
    remote.answer(&call, &response(Code::OverLimit, vec![status(Code::OverLimit, 7, 30)]), START);
    assert!(matches!(remote.ask_at(&[descriptor("a", 0)], START), Ask::Call(_)));
}

#[test]
fn hits_are_charged_after_a_request() {
    let mut remote = remote(Cache::default());
    let charge = |remote: &mut Remote, now| remote.charge(&[descriptor("a", 1200)], UnixNanos(now));
    let call = charge(&mut remote, START).unwrap();
    assert_eq!(hits_of(&call), 1200);
    // The answer is cached for later requests.
    let over = response(Code::OverLimit, vec![status(Code::OverLimit, 0, 30)]);
    assert_eq!(remote.answer(&call, &over, START).over_limit, [0]);
    assert_eq!(remote.settled_for(&[descriptor("a", 0)], START).over_limit, [0]);
    for at in 0..u64::from(circuit::FAILURES) {
        let call = charge(&mut remote, START + at).unwrap();
        remote.answered(call.id, Err(CallFailure::Timeout), UnixNanos(START + at));
    }
    assert_eq!(charge(&mut remote, START + 10), None);
}

/// The first answer and the cached one of a request with several descriptors.
#[test]
fn a_cached_rejection_of_several_has_all_of_the_first() {
    let mut remote = remote(Cache::default());
    let both = [descriptor("a", 1), descriptor("b", 1)];
    let call = remote.call_for(&both, START);
    let answer = Response {
        raw_body: b"no".to_vec(),
        ..response(Code::OverLimit, vec![status(Code::OverLimit, 0, 17), status(Code::OverLimit, 0, 900)])
    };
    let fresh = remote.answer(&call, &answer, START);
    assert_eq!(
        (&*fresh.over_limit, &*fresh.waits),
        (&[0, 1][..], &[Some(17 * SECOND), Some(900 * SECOND)][..])
    );
    assert_eq!(remote.settled_for(&both, START), Verdict { from_cache: true, ..fresh });
    // When the first limit has been reset, only the other one still rejects.
    let verdict = remote.settled_for(&both, START + 20 * SECOND);
    assert_eq!((&*verdict.over_limit, verdict.quotas[0]), (&[1][..], None));
    assert_eq!(verdict.waits, [Some(880 * SECOND)]);
    // In another list, each has its own quota, but not the body, which may be about the other one.
    for list in [vec![descriptor("b", 1)], vec![descriptor("c", 1), descriptor("b", 1)]] {
        let verdict = remote.settled_for(&list, START);
        let at = list.len() - 1;
        assert_eq!(
            (&*verdict.over_limit, verdict.quotas.len(), verdict.raw_body),
            (&[at][..], list.len(), vec![])
        );
        assert_eq!(verdict.quotas[at].unwrap().reset, 60 * SECOND, "at most its window");
    }
}

#[test]
fn a_reset_without_a_limit_is_reported() {
    let mut remote = remote(Cache::default());
    let bare = Status { current_limit: None, ..status(Code::OverLimit, 0, 30) };
    let call = remote.call_for(&one("a"), START);
    let verdict = remote.answer(&call, &response(Code::OverLimit, vec![bare]), START);
    assert_eq!(verdict.waits, [Some(30 * SECOND)]);
    assert_eq!(remote.settled_for(&one("a"), START + SECOND).waits, [Some(29 * SECOND)]);
}

#[test]
fn new_keys_evict_no_rejection_in_use() {
    let mut remote = remote(Cache { max_entries: 100, ..Cache::default() });
    let call = remote.call_for(&one("victim"), START);
    remote.answer(&call, &response(Code::OverLimit, vec![status(Code::OverLimit, 0, 30)]), START);
    for at in 0..10_000 {
        let call = remote.call_for(&one(&format!("other {at}")), START);
        remote.answer(&call, &bare(Code::Ok), START);
        if at % 50 == 0 {
            assert!(remote.settled_for(&one("victim"), START).from_cache, "{at}");
        }
    }
    assert_eq!(remote.memory.len(), 100);
}

#[test]
fn caches_no_long_rejection() {
    let mut remote = remote(Cache::default());
    let long = Response { raw_body: vec![b'x'; 3000], ..bare(Code::OverLimit) };
    let call = remote.call_for(&one("a"), START);
    assert_eq!(remote.answer(&call, &long, START).raw_body.len(), 3000);
    assert!(matches!(remote.ask_at(&one("a"), START), Ask::Call(_)));
}
