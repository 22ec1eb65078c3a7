//! Fetched keys: their sources, times of fetches, the worker that fetches, and requests during fetches.

mod answers;
mod discovery;
mod live;
mod requests;
mod revocations;
mod rotation;
mod time;
mod waiting;
mod workers;

use serde_json::{Value, json};
use std::time::Duration;
use tollgate_host_test::emulator::{Emulator, StreamHandle};
use tollgate_host_test::{Answer, ClientView, Exchange, Filter, Request, Response, Scenario, Upstream, Wasm};
use tollgate_mint::{Signer, jwks};

pub const ISSUER: &str = "https://issuer.test";
/// Counter of requests that are rejected because keys are unavailable.
pub const UNAVAILABLE: &str = "jwt_authn.denied.jwks_unavailable";

pub fn ms(milliseconds: u64) -> Duration {
    Duration::from_millis(milliseconds)
}

/// The `n`th key of the issuer.
pub fn key(n: usize) -> Signer {
    Signer::new("EdDSA", n % 2).with_kid(&format!("k{n}"))
}

/// The configuration: keys of one issuer from the cluster `keys`, with additional fields of `remote_jwks`.
pub fn config(remote: Value) -> Value {
    let mut remote_jwks =
        json!({"http_uri": {"uri": "http://keys.test/jwks", "cluster": "keys", "timeout": "1s"}});
    for (name, value) in remote.as_object().into_iter().flatten() {
        remote_jwks[name] = value.clone();
    }
    json!({
        "providers": {"a": {"issuer": ISSUER, "remote_jwks": remote_jwks}},
        "rules": [{"requires": {"provider_name": "a"}}],
    })
}

/// Without retries, so that one response decides.
pub fn once(mut remote: Value) -> Value {
    remote["retry_policy"] = json!({"num_retries": 0});
    config(remote)
}

/// A proxy with the filter, and the responses of the cluster `keys`.
pub fn with(config: Value, keys: Vec<Answer>) -> Scenario {
    Scenario::new()
        .filter(filter().config(config))
        .upstream(Upstream::replies("backend", Response::new(200).chunk("ok")))
        .upstream(Upstream::answers("keys", keys))
}

pub fn filter() -> Filter {
    Filter::new(Wasm::package("tollgate-jwt-authn"))
}

/// A response with keys.
pub fn set(signers: &[&Signer]) -> Answer {
    reply(Response::new(200).chunk(jwks(signers)))
}

pub fn reply(response: Response) -> Answer {
    Answer::Reply { response, after: ms(5) }
}

/// A request with a token that is valid if its key is known.
pub fn by(signer: &Signer) -> Request {
    with_token(&token(signer))
}

pub fn token(signer: &Signer) -> String {
    signer.token(&json!({"iss": ISSUER, "sub": "somebody", "exp": 4_000_000_000u64}))
}

pub fn with_token(token: &str) -> Request {
    Request::get("/").header("authorization", format!("Bearer {token}"))
}

pub fn start(scenario: &Scenario) -> Emulator {
    Emulator::new(scenario).expect("it loads")
}

/// The status of a response; 0 without a response.
pub fn status(emulator: &Emulator, handle: StreamHandle) -> u16 {
    emulator.exchange(handle).map_or(0, status_of)
}

pub fn status_of(exchange: &Exchange) -> u16 {
    match &exchange.client {
        ClientView::Response(response) => response.status,
        _ => 0,
    }
}

/// Sends a request to a worker and lets time pass until the response. Returns its status.
pub fn ask(emulator: &mut Emulator, worker: usize, request: &Request) -> u16 {
    let handle = emulator.request(worker, request);
    status_of(&emulator.finish_request(handle))
}

/// Number of requests for the keys.
pub fn fetches(emulator: &Emulator) -> usize {
    emulator.received("keys").len()
}
