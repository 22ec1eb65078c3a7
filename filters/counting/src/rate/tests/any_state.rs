use super::*;

fn any_state() -> impl Strategy<Value = State> {
    (any_size(), any_size()).prop_map(|(full_at, rest)| State { full_at, rest })
}

/// States near a time, so that they are not just forgotten.
fn near_state(now: u64) -> impl Strategy<Value = State> {
    (any_size(), any::<bool>(), any_size()).prop_map(move |(by, after, rest)| State {
        full_at: if after { now.saturating_add(by) } else { now.saturating_sub(by) },
        rest,
    })
}

fn at_any_time() -> impl Strategy<Value = (u64, State)> {
    prop_oneof![any_size(), Just(START)]
        .prop_flat_map(|now| (Just(now), prop_oneof![any_state(), near_state(now)]))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1024))]

    /// Every function accepts any state, produces a valid one, and reports its room correctly.
    #[test]
    fn any_bytes_are_a_state(
        rate in any_rate(), (now, state) in at_any_time(), cost in any_size(), back in any_size(), wait in any_size(),
    ) {
        let now_ = UnixNanos(now);
        let quota = rate.quota(state, now_);
        prop_assert!(quota.remaining <= quota.limit);
        match rate.take(state, now_, cost) {
            Take::Taken(next) => {
                prop_assert!(cost.max(1) <= quota.remaining);
                if now < u64::MAX / 2 {
                    prop_assert_eq!(rate.quota(next, now_).remaining, quota.remaining - cost);
                }
                prop_assert_eq!(rate.reserve(state, now_, cost, wait), Some((next, 0)));
            }
            Take::Limited { retry_after } => {
                prop_assert!(cost.max(1) > quota.remaining);
                prop_assert_eq!(retry_after.is_none(), cost.max(1) > quota.limit);
                if let Some(later) = retry_after && now < u64::MAX / 2 {
                    prop_assert!(later > 0);
                    let early = rate.take(state, UnixNanos(now + later - 1), cost);
                    prop_assert!(matches!(early, Take::Limited { retry_after: Some(1) }), "{:?} {:?}", later, early);
                    prop_assert!(matches!(rate.take(state, UnixNanos(now + later), cost), Take::Taken(_)));
                }
            }
        }
        if let Some((next, later)) = rate.reserve(state, now_, cost, wait) {
            prop_assert!(later <= wait);
            prop_assert!(rate.quota(next, now_).remaining <= quota.remaining);
            let turn = rate.turn(next, now_);
            prop_assert!(turn >= now_ && turn.0 - now <= later, "{:?} {:?}", turn, later);
        }
        let kept = |next: State| next == state || next.full_at.saturating_sub(now) <= rate.longest();
        let taken = match rate.take(state, now_, cost) { Take::Taken(next) => next, Take::Limited { .. } => state };
        prop_assert!(kept(taken) && rate.reserve(state, now_, cost, wait).is_none_or(|(next, _)| kept(next)));
        let charged = rate.charge(state, now_, cost);
        prop_assert!(kept(charged));
        prop_assert!(rate.quota(charged, now_).remaining <= quota.remaining);
        let refunded = rate.refund(state, UnixNanos(now.saturating_sub(back)), now_, cost);
        let after = rate.quota(refunded, now_).remaining;
        prop_assert!(after >= quota.remaining && after - quota.remaining <= cost);
    }

    /// From `full_at` on, a state behaves like the default state.
    #[test]
    fn a_state_that_owes_nothing_has_no_effect(rate in any_rate(), (now, state) in at_any_time(), cost in any_size(), later in any_size()) {
        prop_assume!(now < u64::MAX / 2);
        if let Take::Taken(next) = rate.take(state, UnixNanos(now), cost) {
            let later = UnixNanos(next.full_at.max(now).saturating_add(later));
            prop_assert_eq!(rate.quota(next, later), rate.quota(State::default(), later));
            prop_assert_eq!(rate.take(next, later, 1), rate.take(State::default(), later, 1));
        }
    }

    /// So a worker can reject by an old copy, if nothing is ever refunded: it is as if the other requests had
    /// come first, a moment ago or with a slightly older time.
    #[test]
    fn rejected_costs_stay_rejected_without_refunds(
        rate in small_rate(), wait in small_wait(), before in prop::collection::vec((0..3_000u64, 0..4u64, any::<bool>()), 0..40),
        others in prop::collection::vec((-900..=0i64, 0..4u64, any::<bool>()), 1..40), cost in 0..4u64,
    ) {
        let mut key = Key::new(rate.with_max_wait(wait));
        let mut now = 10_000;
        for (later, cost, charged) in before {
            now += later;
            if charged { key.charge(now, cost) } else { let _ = key.reserve(now, cost, wait); }
        }
        if key.rate.reserve(key.state, UnixNanos(START + now), cost, wait).is_none() {
            for (apart, other, charged) in others {
                let at = now.saturating_add_signed(apart);
                if charged { key.charge(at, other) } else { let _ = key.reserve(at, other, wait); }
                prop_assert!(key.rate.reserve(key.state, UnixNanos(START + now), cost, wait).is_none());
            }
        }
    }
}
