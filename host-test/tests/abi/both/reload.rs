//! Requests after a VM has failed, for each failure policy.

use super::agree;
use crate::call;
use crate::guest::{Do, Guest, wat};
use std::time::Duration;
use tollgate_host_test::{FailurePolicy, Request, Scenario};

const AT_ONCE: Duration = Duration::from_millis(10);
const NEVER: Duration = Duration::from_secs(60);

/// Logs every callback, and traps in one of them if its context has this number. Context 1 of a VM is the
/// root context; its streams follow.
fn trapper(place: &str, context: u32) -> Guest {
    let names = [
        "context_create",
        "vm_start",
        "configure",
        "request_headers",
        "request_body",
        "response_headers",
        "response_body",
        "log",
        "done",
        "delete",
    ];
    names.iter().fold(Guest::new(), |guest, name| {
        let name = *name;
        let mut calls: Vec<Do> = vec![call!("log", 2, name)];
        if name == place {
            calls.push(wat(&format!("(if (i32.eq (local.get 0) (i32.const {context})) (then unreachable))")));
        }
        guest.on(name, calls)
    })
}

fn policy(guest: &Guest, policy: FailurePolicy, after: Duration) -> Scenario {
    let mut scenario = guest.scenario();
    scenario.filters[0].failure_policy = policy;
    scenario.filters[0].reload_after = after;
    scenario
}

/// Sends one request before the failure, the one that fails, and two later ones.
fn four(scenario: Scenario) -> Scenario {
    let post = || Request::post("/", "abc").after(Duration::from_millis(60));
    (0..4).fold(scenario, |scenario, _| scenario.request(post()))
}

fn all(place: &str) -> [Scenario; 5] {
    let guest = trapper(place, 3);
    [
        four(policy(&guest, FailurePolicy::FailClosed, NEVER)),
        four(policy(&guest, FailurePolicy::FailOpen, NEVER)),
        four(policy(&guest, FailurePolicy::LegacyFailOpen, NEVER)),
        four(policy(&guest, FailurePolicy::FailReload, NEVER)),
        four(policy(&guest, FailurePolicy::FailReload, AT_ONCE)),
    ]
}

macro_rules! everywhere {
    ($($name:ident: $place:expr;)*) => { $(
        #[test]
        fn $name() {
            all($place).into_iter().for_each(super::check);
        }
    )* };
}

everywhere! {
    in_context_create: "context_create";
    in_request_headers: "request_headers";
    in_request_body: "request_body";
    in_response_headers: "response_headers";
    in_response_body: "response_body";
    in_log: "log";
    in_done: "done";
    in_delete: "delete";
}

agree! {
    the_other_filter_continues: {
        let mut scenario = policy(&trapper("request_headers", 3), FailurePolicy::FailClosed, NEVER);
        scenario.filters.insert(0, super::guests::chain().filters[0].clone());
        scenario.filters.push(super::guests::chain().filters[1].clone());
        four(scenario)
    };
    the_other_filter_continues_without_it: {
        let mut scenario = policy(&trapper("response_headers", 3), FailurePolicy::FailOpen, NEVER);
        scenario.filters.insert(0, super::guests::chain().filters[0].clone());
        scenario.filters.push(super::guests::chain().filters[1].clone());
        four(scenario)
    };
}
