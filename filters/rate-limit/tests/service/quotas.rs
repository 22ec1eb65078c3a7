//! Quotas of the service.

use crate::support::*;
use serde_json::json;
use tollgate_host_test::{Answer, Outcome, Scenario, on_both_hosts};
use tollgate_rate_limit_service::{Code, Quota, Response};

/// A quota of hits, until the service replaces it.
fn quota(requests: u32) -> Quota {
    Quota { requests, ..Quota::default() }
}

/// Six requests of a client, one after the other. The service gives these answers and then refuses.
fn six(answers: Vec<Answer>) -> Scenario {
    let answers = answers.into_iter().chain([says(&over())]).collect();
    (0..6).fold(asks(json!({}), answers), |scenario, _| scenario.request(of("a")))
}

/// The hits of each call.
#[track_caller]
fn hits(outcome: &Outcome) -> Vec<u32> {
    asked(outcome).iter().map(|request| request.hits_addend).collect()
}

on_both_hosts! {
    fn uses_exactly_the_quota_without_further_calls(host) {
        let outcome = host.run(&six(vec![says(&Response { quota: Some(quota(4)), ..ok() })]));
        // One of the four hits is that of the call itself. The next call follows when the quota expires, not
        // when it is used up.
        outcome.has_statuses(&[200, 200, 200, 200, 429, 429]);
        assert_eq!(hits(&outcome), [1]);
        outcome.has_metric("rate_limit.limit.clients.ok", 4);
        outcome.has_metric("rate_limit.limit.clients.rate_limited", 2);
    }

    fn a_descriptor_may_have_its_own_quota(host) {
        let status = |requests| tollgate_rate_limit_service::Status {
            quota: Some(quota(requests)),
            ..standing(Code::Ok, 100, 41, 60)
        };
        let answer = Response { statuses: vec![status(3)], ..ok() };
        let outcome = host.run(&six(vec![says(&answer)]).request(of("b")));
        outcome.has_statuses(&[200, 200, 200, 429, 429, 429, 429]);
        assert_eq!(hits(&outcome), [1, 1], "one more call for another client, which is rejected");
        outcome.client(2).header("ratelimit-policy", r#""clients";q=100;w=3600"#);
    }

    fn ignores_quotas_that_several_keys_share(host) {
        let shared = Quota { id: b"all".to_vec(), ..quota(4) };
        let grant = || says(&Response { quota: Some(shared.clone()), ..ok() });
        let more = json!({"rate_limit_service": {"cache": {"lease_hits": 1}}});
        let scenario = (0..3).fold(asks(more, vec![grant(), grant(), says(&over())]), |s, _| s.request(of("a")));
        let outcome = host.run(&scenario);
        outcome.has_statuses(&[200, 200, 429]);
        assert_eq!(hits(&outcome), [1, 1, 1]);
    }
}
