//! Filters that trap, and the state of the proxy afterwards. Each case has its own proxy.

use crate::case::Loaded;
use crate::cases::parts::{CALLBACKS, IMPATIENT, call_other, get, long_request, long_response, reply};
use crate::run::GRPC;
use crate::script::calls::{enqueue, grpc_call, register_queue, set_tick};
use crate::script::{Arg, Step};
use crate::{Case, Sheet};
use tollgate_host_test::FailurePolicy;

/// Returns the sheets.
pub fn sheets() -> Vec<Sheet> {
    let mut sheets = Vec::new();
    for policy in [FailurePolicy::FailClosed, FailurePolicy::FailOpen] {
        sheets.extend(CALLBACKS.iter().map(|callback| in_stream(callback, policy)));
        for callback in ["tick", "http_call_response", "queue_ready", "grpc_receive"] {
            sheets.push(in_root(callback, policy));
        }
        sheets.push(created(policy));
    }
    sheets
}

fn word(policy: FailurePolicy) -> &'static str {
    if policy == FailurePolicy::FailOpen { "open" } else { "closed" }
}

fn then(policy: FailurePolicy) -> &'static str {
    match policy {
        FailurePolicy::FailOpen => "later requests pass without the filter",
        _ => "later requests are rejected with 503",
    }
}

fn sheet(name: &str, policy: FailurePolicy, cases: Vec<Case>) -> Sheet {
    let name = format!("trap in {name}, {}", word(policy)).leak();
    Sheet::new(name, cases)
        .filters(vec![Loaded::new("probe").policy(policy)])
        .settings(|settings| settings.client_patience = IMPATIENT)
}

/// A request whose callback traps, and two later requests.
fn in_stream(callback: &'static str, policy: FailurePolicy) -> Sheet {
    let name = format!("failure/{callback}/{}", word(policy)).replace('_', "-");
    let title = format!("a trap in on_{callback} ends its stream and the VM: {}", then(policy));
    let mut case = Case::new(name, title)
        .requests([long_request(), get(), long_request()])
        .answer("upstream", [reply(long_response())]);
    for other in CALLBACKS {
        case = case.on(other, (other == callback).then_some(Step::Trap));
    }
    sheet(callback, policy, vec![case])
}

/// A stream that is paused while a callback of its root context traps, and a later stream.
fn in_root(callback: &'static str, policy: FailurePolicy) -> Sheet {
    let name = format!("failure/{callback}/{}", word(policy)).replace('_', "-");
    let title = format!("a trap in on_{callback} leaves the paused stream paused: {}", then(policy));
    let first = match callback {
        "tick" => vec![set_tick(20)],
        "http_call_response" => vec![call_other(&name)],
        "queue_ready" => vec![register_queue("q"), enqueue(Arg::Kept(0), "x")],
        _ => vec![grpc_call(crate::cases::grpc::target(GRPC), name.clone(), "m", "", "x", 5000)],
    };
    let case = Case::new(name, title)
        .requests([get(), get()])
        .on("request_headers", first.into_iter().chain([Step::Return(1)]))
        .on(callback, [Step::Trap])
        .shows(&["response_headers", "log", "done", "delete"]);
    sheet(callback, policy, vec![case])
}

/// When a stream's context is created, no request selects a script yet.
fn created(policy: FailurePolicy) -> Sheet {
    let name = format!("failure/context-create/{}", word(policy));
    let title = format!("a trap in on_context_create of a stream also fails its request: {}", then(policy));
    let case =
        Case::new(name, title).alone().on("context_create", [Step::Trap]).shows(&["request_headers", "log"]);
    let passing = Case::new(
        format!("failure/context-create/{}/requests", word(policy)),
        "requests after a trap in on_context_create",
    )
    .requests([get(), get()]);
    sheet("context_create", policy, vec![case, passing])
}
