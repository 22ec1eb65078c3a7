//! Decides any request, with a configuration that has all requirements and all token locations.
//!
//! The first byte is the time. Each following line is a field, `<name>:<value>`. Within a value, the texts
//! between `\x01`, `\x02`, `\x03` and `\x04` become the three parts of a token, so that the fuzzer need not
//! find base64url. A signature is valid if it is the `kid` of the key.
#![no_main]

use libfuzzer_sys::fuzz_target;
use std::cell::RefCell;
use tollgate_jose::{Algorithm, Key, Verifier, base64url};
use tollgate_jwt_authn_policy::plan::Plan;
use tollgate_jwt_authn_policy::{Decision, Environment, Keys, Pass, Policy, Reason, RevocationList};
use tollgate_policy::{HeaderEdit, RequestFacts, UnixNanos, is_valid_value};

const CONFIG: &str = include_str!("decide.json");

struct World;

impl Verifier for World {
    fn verify(&mut self, key: &Key, algorithm: Algorithm, _: &[u8], signature: &[u8]) -> bool {
        assert!(key.permits(algorithm));
        key.id().is_some_and(|id| id.as_bytes() == signature)
    }
}

impl Environment for World {
    fn keys(&self, _: usize) -> Keys {
        Keys::Pending
    }

    fn refetch_for_unknown_kid(&mut self, _: usize) -> bool {
        true
    }

    fn revocation_list(&self) -> RevocationList {
        RevocationList::Ready
    }

    fn client_certificate_sha256(&mut self) -> Option<[u8; 32]> {
        Some([0; 32])
    }

    fn filter_state(&mut self, _: &str) -> Result<Option<Vec<u8>>, Reason> {
        Ok(Some(b"strict".to_vec()))
    }
}

fn policy(cache: usize) -> Policy {
    let config = CONFIG.replace("\"CACHE\"", &cache.to_string());
    let config = tollgate_policy::config::parse(&config).expect("it is a configuration");
    Policy::new(Plan::new(config, |_| None).expect("it is a plan"), [7; 16])
}

thread_local! {
    static POLICIES: RefCell<[Policy; 2]> = RefCell::new([policy(16), policy(0)]);
}

fn value(text: &[u8]) -> Vec<u8> {
    let mut value = Vec::new();
    let mut rest = text;
    while let Some(start) = rest.iter().position(|byte| *byte == 1) {
        let Some(length) = rest[start..].iter().position(|byte| *byte == 4) else { break };
        value.extend_from_slice(&rest[..start]);
        let parts = rest[start + 1..start + length].split(|byte| matches!(byte, 2 | 3));
        let parts: Vec<_> = parts.map(base64url::encode).collect();
        value.extend_from_slice(parts.join(".").as_bytes());
        rest = &rest[start + length + 1..];
    }
    value.extend_from_slice(rest);
    value
}

fuzz_target!(|input: &[u8]| {
    let Some((now, lines)) = input.split_first() else { return };
    let fields: Vec<_> = lines
        .split(|byte| *byte == b'\n')
        .filter_map(|line| {
            let colon = line.iter().skip(1).position(|byte| *byte == b':')? + 1;
            Some((line[..colon].to_ascii_lowercase(), value(&line[colon + 1..])))
        })
        .collect();
    let pairs: Vec<(&[u8], &[u8])> = fields.iter().map(|(name, value)| (&name[..], &value[..])).collect();
    let request = RequestFacts::from_pairs(&pairs);
    let now = UnixNanos((1_700_000_000 + u64::from(*now)) * 1_000_000_000);
    POLICIES.with_borrow_mut(|[warm, cold]| {
        let sanitized = cold.plan().sanitized.clone();
        for may_wait in [true, false] {
            let decision = warm.decide(&request, &mut World, now, may_wait);
            let again = cold.decide(&request, &mut World, now, may_wait);
            assert_eq!(format!("{decision:?}"), format!("{again:?}"), "what is remembered changes nothing");
            match decision {
                Decision::Pass(pass) => passes(&pass, &request, &sanitized),
                Decision::Refuse(refusal) => {
                    assert!(refusal.status >= 300);
                    assert!(refusal.headers.iter().all(|(_, value)| is_valid_value(value)));
                }
                Decision::Metadata(json) => assert!(json.starts_with(b"{\"resource\":")),
                Decision::Wait => assert!(may_wait),
            }
        }
    });
});

fn passes(pass: &Pass<'_>, request: &RequestFacts<'_>, sanitized: &[tollgate_policy::HeaderName]) {
    // The remaining values of a header that contained a token are the client's.
    let sent = |value: &[u8]| request.headers.0.iter().any(|(_, other)| *other == value);
    for edit in &pass.edits {
        let of_client = |value: &[u8]| edit.name().as_str() == "cookie" || sent(value);
        assert!(edit.value().is_none_or(|value| is_valid_value(value) || of_client(value)));
    }
    for name in sanitized.iter().filter(|name| request.headers.has(name)) {
        let first = pass.edits.iter().find(|edit| edit.name() == name);
        assert!(matches!(first, Some(HeaderEdit::Set(..) | HeaderEdit::Remove(_))), "{name} is left");
    }
}
