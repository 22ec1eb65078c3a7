//! Memory after a flood of tokens. Linear memory never shrinks, so clients must not be able to fill it
//! permanently.
//!
//! The tests use HMAC, because it is fast. The cache entry of a token does not depend on its algorithm.

use crate::support::{ISSUER, bearing, filter, merged};
use serde_json::{Value, json};
use tollgate_host_test::emulator::Emulator;
use tollgate_host_test::{ClientView, Request, Scenario};
use tollgate_mint::{Signer, jwks, unsigned};

const TOKENS: usize = 100_000;

fn emulator(more: Value) -> Emulator {
    let keys = jwks(&[&Signer::hs256()]);
    let config = json!({
        "providers": {"main": {"issuer": ISSUER, "local_jwks": {"inline_string": keys}}},
        "rules": [{"requires": {"provider_name": "main"}}],
    });
    Emulator::new(&Scenario::new().filter(filter().config(merged(config, more)))).unwrap()
}

fn status(emulator: &mut Emulator, request: &Request) -> u16 {
    let request = emulator.request(0, request);
    match emulator.finish_request(request).client {
        ClientView::Response(response) => response.status,
        other => panic!("no response: {other:?}"),
    }
}

fn claims(number: usize) -> Value {
    json!({"iss": ISSUER, "sub": format!("user {number}"), "exp": 4_000_000_000u64, "jti": number.to_string()})
}

/// Each token fails another check and has unique contents.
fn bad(number: usize) -> String {
    let header = json!({"alg": "HS256", "kid": Signer::hs256().kid().unwrap()});
    let signature = number.to_be_bytes().repeat(4);
    let with = |more: Value| unsigned(&header, &merged(claims(number), more), &signature);
    let headed = |more: Value| unsigned(&merged(header.clone(), more), &claims(number), &signature);
    match number % 10 {
        0 => with(json!({})),
        1 => with(json!({"exp": number})),
        2 => with(json!({"iss": format!("https://{number}.test")})),
        3 => with(json!({"nbf": 4_000_000_000u64})),
        4 => with(json!({"exp": number.to_string()})),
        5 => headed(json!({"alg": format!("HS{number}")})),
        6 => headed(json!({"kid": number.to_string()})),
        7 => format!("token-{number}"),
        8 => format!("{number}=.{number}.{number}"),
        _ => format!("{}.{number}", "a".repeat(16_000 + number % 1_000)),
    }
}

#[test]
fn a_hundred_thousand_bad_tokens_leave_memory_as_it_was() {
    let mut emulator = emulator(json!({}));
    emulator.assert_memory_is_steady(TOKENS, |emulator, number| {
        assert_eq!(status(emulator, &bearing(&bad(number))), 401, "{number}");
    });
    assert!(emulator.traps().is_empty());
}

#[test]
fn a_hundred_thousand_valid_tokens_stay_within_the_cache() {
    let cache = json!({"jwt_cache_config": {"jwt_cache_size": 500, "jwt_max_token_size": 2048}});
    let mut emulator = emulator(cache);
    let signer = Signer::hs256();
    let size = |emulator: &Emulator| emulator.memory_marks().iter().map(|mark| mark.bytes).max().unwrap();
    let before = size(&emulator);
    emulator.assert_memory_is_steady(TOKENS, |emulator, number| {
        // With different lengths, so that a token does not fit into the freed memory of the previous one.
        let padding = json!({"padding": "x".repeat(number * 7 % 1_000)});
        let token = signer.token(&merged(claims(number), padding));
        assert_eq!(status(emulator, &bearing(&token)), 200, "{number}");
    });
    let grown = size(&emulator) - before;
    assert!(grown <= 500 * 2048 * 5 / 4, "{grown} bytes");
    assert!(emulator.traps().is_empty());
}
