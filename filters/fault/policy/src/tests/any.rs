//! Unusual configurations and requests: each is rejected with a path, or decided within its bounds.

use super::*;
use crate::Then;
use proptest::prelude::*;
use tollgate_filter_testing::odd;
use tollgate_policy::{is_token, is_valid_value};

fn everything() -> serde_json::Value {
    let scenario: serde_json::Value =
        serde_saphyr::from_str(include_str!("../../../everything.yaml")).unwrap();
    scenario["filters"][0]["config"].clone()
}

/// Runs a request to its end. Everything that was taken must be released.
fn run(policy: &Policy, world: &mut World, path: &str, headers: Pairs<'_>) {
    let mut decision = decide(policy, world, path, headers);
    assert!(decision.edits.iter().all(|edit| edit.value().is_none()));
    if let Some(mut injected) = decision.injected.take() {
        assert!(is_valid_value(injected.mark.as_bytes()), "{}", injected.mark);
        let mut then = decision.then;
        if let Then::Delay(time) = then {
            assert!(time.as_nanos() >= 1_000_000);
            then = policy.resume(&mut injected, None, world);
        }
        if let Then::Reply(reply) = then {
            assert!(
                reply.headers.iter().all(|(name, value)| is_token(name.as_bytes()) && is_valid_value(value))
            );
        } else {
            let response = policy.respond(&mut injected, None, world);
            assert!(response.edits.iter().all(|edit| edit.value().is_none_or(is_valid_value)));
            policy.resume(&mut injected, None, world);
            let mut out = Vec::new();
            if let Some(body) = injected.body() {
                body.change(&[0; 100], &mut out);
            }
            policy.pass(&mut injected, out.len(), true, world);
            policy.resume(&mut injected, None, world);
            assert!(out.len() <= 100);
        }
        policy.end(injected, world);
    }
    assert_eq!(world.active, 0);
    assert!(world.shared.in_flight.values().all(Vec::is_empty), "{:?}", world.shared.in_flight);
}

proptest! {
    #[test]
    fn a_changed_configuration_works_or_is_rejected(changes in odd::changes(&["r", "*", "GET", "12:00", "random"]), path in "[ -~]{0,20}") {
        let text = odd::changed(everything(), &changes).to_string();
        if let Ok(config) = tollgate_policy::config::parse::<Config>(&text)
            && let Ok(plan) = Plan::new(config)
        {
            let policy = Policy::new(plan, [1; 16]);
            for _ in 0..20 {
                run(&policy, &mut World::default(), &path, &[]);
            }
        }
    }

    #[test]
    fn any_request_is_decided(
        path in "/[ -~]{0,20}",
        headers in prop::collection::vec((
            prop::sample::select(vec![
                "x-envoy-fault-abort-request", "x-envoy-fault-abort-grpc-request", "x-envoy-fault-abort-request-percentage",
                "x-envoy-fault-delay-request", "x-envoy-fault-delay-request-percentage", "x-envoy-fault-throughput-response",
                "x-envoy-fault-throughput-response-percentage", "x-user", "x-request-id", "x-chaos-secret",
                "x-envoy-downstream-service-node",
            ]),
            "[0-9]{0,22}|[ -~]{0,9}",
        ), 0..8),
    ) {
        let mut config = everything();
        config.as_object_mut().unwrap().remove("control");
        config["experiments"] = serde_json::json!([]);
        let policy = policy(&config.to_string());
        let headers: Vec<_> = headers.iter().map(|(name, value)| (*name, value.as_str())).collect();
        let mut world = World::default();
        world.properties.insert("connection\0uri_san_peer_certificate", "spiffe://c/ns/test/sa/chaos");
        for _ in 0..5 {
            run(&policy, &mut world, &path, &headers);
        }
    }
}
