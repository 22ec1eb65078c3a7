use super::*;
use crate::model::Override;
use proptest::prelude::*;

/// Overrides that have their number as fingerprint, from 1.
fn limit(key: Vec<Action>, when: Vec<Vec<(usize, ValueMatch)>>) -> Limit {
    let overrides = (1..).zip(when).map(|(fingerprint, when)| Override {
        when,
        rates: Default::default(),
        max_in_flight: None,
        unlimited: false,
        fingerprint,
    });
    Limit {
        name: "test".into(),
        in_flight_name: "test".into(),
        key,
        rates: Default::default(),
        overrides: Overrides::new(overrides.collect()),
        max_in_flight: None,
        cost: Cost::Number(1),
        on_response: None,
        max_wait: 0,
        service: None,
        shadow: false,
        fingerprint: 0,
    }
}

fn found(limit: &Limit, team: &str, address: &str) -> Option<(Place, Option<u64>)> {
    let pairs: &[(&[u8], &[u8])] = &[(b"x-team", team.as_bytes())];
    let request = RequestFacts::from_pairs(pairs);
    let key = find(
        limit,
        &mut Facts::new(&request, PathNormalization::default()),
        &mut proxy(address, &[]),
        &placer(),
    )?;
    Some((key.place, key.overridden.map(|found| limit.overrides.list()[found].fingerprint)))
}

fn which(limit: &Limit, team: &str, address: &str) -> Option<u64> {
    found(limit, team, address).unwrap().1
}

#[test]
fn the_first_override_that_matches_applies() {
    let limit = limit(
        vec![header("x-team"), of(Source::RemoteAddress)],
        vec![
            vec![(0, matcher(r#"{"exact": "gold"}"#)), (1, network("10.0.0.0/8"))],
            vec![(0, matcher(r#"{"prefix": "go"}"#))],
            vec![(0, matcher(r#"{"exact": "gold"}"#))],
            vec![(1, network("10.0.0.0/8"))],
            vec![(1, network("10.1.0.0/16"))],
            vec![(0, matcher(r#"{"exact": "tin", "ignore_case": true}"#))],
            vec![(0, matcher(r#"{"exact": "iron"}"#))],
            vec![(0, matcher(r#"{"exact": "iron"}"#))],
            vec![(1, matcher(r#"{"exact": "2001:db8::7"}"#))],
            vec![(1, network("2001:db8::/32"))],
        ],
    );
    for (team, address, expected) in [
        ("gold", "10.1.2.3", Some(1)),
        ("gold", "::ffff:10.1.2.3", Some(1)),
        ("gold", "9.0.0.1", Some(2)),
        ("tin", "10.1.2.3", Some(4)),
        ("TIN", "9.0.0.1", Some(6)),
        ("iron", "9.0.0.1", Some(7)),
        ("iron", "10.0.0.1", Some(4)),
        ("lead", "2001:db8::7", Some(9)),
        ("lead", "2001:db8::8", Some(10)),
        ("lead", "9.0.0.1", None),
    ] {
        assert_eq!(which(&limit, team, address), expected, "{team} {address}");
    }
}

#[test]
fn an_override_has_a_place_of_its_own() {
    let key = || vec![header("x-team"), of(Source::RemoteAddress)];
    let plain = limit(key(), vec![]);
    let with = limit(key(), vec![vec![(0, matcher(r#"{"exact": "gold"}"#))]]);
    assert_ne!(found(&plain, "gold", "10.0.0.1").unwrap().0, found(&with, "gold", "10.0.0.1").unwrap().0);
    // Keys without an override keep their place.
    assert_eq!(found(&plain, "tin", "10.0.0.1"), found(&with, "tin", "10.0.0.1"));
}

#[test]
fn network_conditions_match_addresses_and_texts() {
    let masked = of(Source::MaskedRemoteAddress { v4_prefix_len: 8, v6_prefix_len: 64 });
    let limit = limit(
        vec![header("x-team"), masked],
        vec![vec![(1, network("10.0.0.0/8"))], vec![(0, network("192.0.2.0/24"))]],
    );
    assert_eq!(which(&limit, "", "10.9.9.9"), Some(1));
    assert_eq!(which(&limit, "192.0.2.9", "11.0.0.1"), Some(2));
    assert_eq!(which(&limit, "192.0.2.9, 10.0.0.1", "11.0.0.1"), None);
}

#[test]
fn an_entry_that_is_left_out_matches_nothing() {
    let key = vec![Action { if_absent: IfAbsent::Skip, ..header("x-absent") }];
    let limit =
        limit(key, vec![vec![(0, matcher(r#"{"exact": ""}"#))], vec![(0, matcher(r#"{"regex": ".*"}"#))]]);
    assert_eq!(which(&limit, "", "10.0.0.1"), None);
}

#[test]
fn looks_up_ten_thousand_values() {
    let when = |text: String| vec![(0, ValueMatch::Text(json(&text)))];
    let exact = (0..10_000).map(|n| when(format!(r#"{{"exact": "team-{n}"}}"#)));
    let networks = (0..10_000u32).map(|n| vec![(1, network(&std::net::Ipv4Addr::from(n).to_string()))]);
    let limit = limit(vec![header("x-team"), of(Source::RemoteAddress)], exact.chain(networks).collect());
    assert_eq!(which(&limit, "team-9999", "0.0.0.0"), Some(10_000));
    assert_eq!(which(&limit, "", "0.0.39.15"), Some(20_000));
    assert_eq!(limit.overrides.tried_in_turn(), 0);
}

proptest! {
    #[test]
    fn lookups_equal_a_linear_search(
        kinds in proptest::collection::vec((0usize..6, 0u8..4), 0..8), team in 0u8..4, last in 0u8..4,
    ) {
        let text = |kind: &str, value: u8| matcher(&format!(r#"{{"{kind}": "{value}"}}"#));
        let when = |(kind, value): (usize, u8)| match kind {
            0 => vec![(0, text("exact", value))],
            1 => vec![(0, text("prefix", value))],
            2 => vec![(1, network(&format!("10.0.0.{value}")))],
            3 => vec![(1, network(&format!("10.0.0.{}/31", value & 2)))],
            4 => vec![(0, text("exact", value)), (1, network("10.0.0.2/31"))],
            _ => vec![(1, text("suffix", value))],
        };
        let holds = |(kind, value): (usize, u8)| match kind {
            0 | 1 => team == value,
            2 | 5 => last == value,
            3 => last & 2 == value & 2,
            _ => team == value && last >= 2,
        };
        let expected = (1..).zip(&kinds).find(|(_, kind)| holds(**kind)).map(|(number, _)| number);
        let limit = limit(vec![header("x-team"), of(Source::RemoteAddress)], kinds.into_iter().map(when).collect());
        prop_assert_eq!(which(&limit, &team.to_string(), &format!("10.0.0.{last}")), expected);
    }
}
