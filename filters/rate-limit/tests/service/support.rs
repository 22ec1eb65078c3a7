//! Common parts of the scenarios: the filter in front of a backend, and a service with a list of answers.

use serde_json::{Value, json};
use std::time::Duration;
use tollgate_host_test::{Answer, Filter, Headers, Outcome, Request, Response, Scenario, Upstream, Wasm};
use tollgate_rate_limit_service as service;
use tollgate_rate_limit_service::{Code, CurrentLimit, METHOD, SERVICE};

/// The cluster of the service.
pub const CLUSTER: &str = "limits";

/// The filter without a configuration.
pub fn filter() -> Filter {
    Filter::new(Wasm::package("tollgate-rate-limit"))
}

/// `base` with what `more` says in its place, member by member.
pub fn merged(mut base: Value, more: Value) -> Value {
    if let (Value::Object(base), Value::Object(more)) = (&mut base, &more) {
        for (name, value) in more {
            let found = base.remove(name).unwrap_or(Value::Null);
            base.insert(name.clone(), merged(found, value.clone()));
        }
        return Value::Object(base.clone());
    }
    more
}

/// A limit of each client, kept by the service; changed by `more`.
pub fn config(more: Value) -> Value {
    let client = json!({"request_headers": {"header_name": "x-client", "descriptor_key": "client"}});
    let base = json!({
        "domain": "shop",
        "limits": {"clients": {"key": [client], "service": {}}},
        "rate_limit_service": {"cluster": CLUSTER, "timeout": "10s"},
    });
    merged(base, more)
}

/// The filter so configured, and what the service answers, the last again and again.
pub fn asks(more: Value, answers: Vec<Answer>) -> Scenario {
    Scenario::new()
        .filter(filter().config(config(more)))
        .upstream(Upstream::replies("backend", Response::new(200).chunk("ok")))
        .upstream(Upstream::grpc(CLUSTER, answers))
}

/// A request of a client.
pub fn of(client: &str) -> Request {
    Request::get("/").header("x-client", client)
}

/// Answers a call so.
pub fn says(response: &service::Response) -> Answer {
    message(response.write())
}

/// Answers a call with these bytes.
pub fn message(message: Vec<u8>) -> Answer {
    let headers = Headers::default();
    Answer::Grpc {
        initial_metadata: headers,
        messages: vec![message],
        status: 0,
        message: Vec::new(),
        after: Duration::ZERO,
    }
}

/// Answers a call with a status.
pub fn status(status: u32) -> Answer {
    let headers = Headers::default();
    Answer::Grpc {
        initial_metadata: headers,
        messages: Vec::new(),
        status,
        message: b"failed as configured".to_vec(),
        after: Duration::ZERO,
    }
}

/// Answer with room.
pub fn ok() -> service::Response {
    service::Response { overall_code: Code::Ok.into(), ..service::Response::default() }
}

/// Answer without room.
pub fn over() -> service::Response {
    service::Response { overall_code: Code::OverLimit.into(), ..service::Response::default() }
}

/// Returns the status of a limit per hour that resets within the second after `reset`, so that delays of a
/// real host do not matter.
pub fn standing(code: Code, limit: u32, remaining: u32, reset: i64) -> service::Status {
    service::Status {
        code: code.into(),
        current_limit: Some(CurrentLimit { requests_per_unit: limit, unit: 3, name: Vec::new() }),
        limit_remaining: remaining,
        duration_until_reset: Some(service::Duration { seconds: reset, nanos: 900_000_000 }),
        quota: None,
    }
}

/// A header of an answer.
pub fn header(name: &str, value: &str) -> service::Header {
    service::Header { key: name.into(), value: value.into(), raw_value: Vec::new() }
}

/// Returns the messages of the calls to the service.
#[track_caller]
pub fn asked(outcome: &Outcome) -> Vec<service::Request> {
    let calls = outcome.callouts.get(CLUSTER).map(Vec::as_slice).unwrap_or_default();
    let read = |call: &tollgate_host_test::UpstreamRequest| {
        assert_eq!((call.method.as_str(), call.path.as_str()), ("POST", &*format!("/{SERVICE}/{METHOD}")));
        let (prefix, message) = call.body.split_at(5);
        assert_eq!(prefix, [&[0][..], &(message.len() as u32).to_be_bytes()].concat());
        service::Request::read(message).expect("a request")
    };
    calls.iter().map(read).collect()
}

/// Keys and values of each descriptor of a request.
pub fn entries(request: &service::Request) -> Vec<Vec<(&str, &str)>> {
    let pairs = request.descriptors.iter().map(|descriptor| {
        descriptor.entries.iter().map(|entry| (entry.key.as_str(), entry.value.as_str())).collect()
    });
    pairs.collect()
}
