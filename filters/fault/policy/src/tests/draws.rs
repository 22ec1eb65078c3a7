use super::*;

/// Five standard deviations around the expected count.
fn is_share(count: usize, draws: usize, p: f64) -> bool {
    let draws = draws as f64;
    (count as f64 - p * draws).abs() <= 5.0 * (p * (1.0 - p) * draws).sqrt()
}

#[test]
fn percentages_go_down_to_one_in_a_million() {
    let policy = rule(r#""reset": {"percentage": 0.0001}"#);
    let mut world = World::default();
    let hits = with_request("/", &[], |request| {
        (0..4_000_000).filter(|_| policy.decide(request, None, &mut world).injected.is_some()).count()
    });
    assert!((1..=14).contains(&hits), "{hits} of 4 expected");
}

#[test]
fn faults_are_drawn_separately_together_or_exclusively() {
    const DRAWS: usize = 100_000;
    for (faults, both, either) in [("separate", 0.06, 0.44), ("together", 0.2, 0.3), ("exclusive", 0.0, 0.5)]
    {
        let policy = rule(&format!(
            r#""draw": {{"faults": "{faults}"}}, "delay": {{"percentage": 20, "fixed": "1s"}},
               "abort": {{"percentage": 30, "http_status": 500}}"#
        ));
        let mut world = World::default();
        let marks: Vec<_> = (0..DRAWS).map(|_| mark(&policy, &mut world, &[])).collect();
        let count = |text: &str| marks.iter().filter(|mark| *mark == text).count();
        assert!(is_share(count("r;delay=1000;abort"), DRAWS, both), "{faults}");
        assert!(is_share(DRAWS - count(""), DRAWS, either), "{faults}");
    }
}

#[test]
fn retries_of_a_request_agree_or_differ() {
    let abort = r#""abort": {"percentage": 50, "http_status": 503}"#;
    let (random, by_id) = (rule(abort), rule(&format!(r#""draw": {{"by": "request_id"}}, {abort}"#)));
    let mut world = World::default();
    let (mut same, mut hits) = (0, 0);
    for id in 0..1_000 {
        let id = id.to_string();
        let headers: Pairs<'_> = &[("x-request-id", &id)];
        let first = mark(&by_id, &mut world, headers);
        hits += usize::from(!first.is_empty());
        assert_eq!(mark(&by_id, &mut world, headers), first);
        same += usize::from(mark(&random, &mut world, headers) == mark(&random, &mut world, headers));
    }
    assert!(is_share(hits, 1_000, 0.5) && is_share(same, 1_000, 0.5), "{hits} {same}");
    // Without an id, the draw is random.
    let hits = (0..1_000).filter(|_| !mark(&by_id, &mut world, &[]).is_empty()).count();
    assert!(is_share(hits, 1_000, 0.5), "{hits}");
}

#[test]
fn requests_of_a_client_agree() {
    for by in [r#"{"by": "client_address"}"#, r#"{"by": "header", "header": "x-user"}"#] {
        let policy = rule(&format!(r#""draw": {by}, "reset": {{"percentage": 50}}"#));
        let mut world = World::default();
        let mut hits = 0;
        for client in 0..1_000u16 {
            let [a, b] = client.to_be_bytes();
            world.address = Some([10, 0, a, b].into());
            let user = client.to_string();
            let first = mark(&policy, &mut world, &[("x-user", &user)]);
            assert_eq!(mark(&policy, &mut world, &[("x-user", &user), ("x-other", "1")]), first);
            hits += usize::from(!first.is_empty());
        }
        assert!(is_share(hits, 1_000, 0.5), "{by}: {hits}");
    }
}

#[test]
fn a_salt_selects_other_requests() {
    let of = |salt: &str| {
        let policy = rule(&format!(r#""draw": {{"by": "request_id"{salt}}}, "reset": {{"percentage": 50}}"#));
        let mut world = World::default();
        (0..1_000)
            .map(|id| mark(&policy, &mut world, &[("x-request-id", &id.to_string())]))
            .collect::<Vec<_>>()
    };
    let (default, other) = (of(""), of(r#", "salt": "second""#));
    assert_eq!(default, of(r#", "salt": "r""#));
    assert!(is_share(default.iter().zip(&other).filter(|(a, b)| a == b).count(), 1_000, 0.5));
}
