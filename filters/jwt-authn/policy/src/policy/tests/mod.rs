//! Tests of decisions without cryptography: a signature is valid if it is the `kid` of the key. The
//! environment counts verifications.

mod keys;
mod passed_on;
mod paths;
mod property;
mod remembered;
mod requirements;
mod tokens;

use crate::plan::Plan;
use crate::{Decision, Environment, Keys, Pass, Policy, Reason, Refusal, RevocationList};
use serde_json::{Value, json};
use std::rc::Rc;
use tollgate_jose::{Algorithm, Key, KeySet, Limits, Verifier, base64url};
use tollgate_policy::{AllowedBy, HeaderEdit, RequestFacts, UnixNanos};

pub(super) const NOW: u64 = 1_700_000_000;

/// RFC 8037 appendix A.2 and RFC 7515 appendix A.3.
pub(super) fn jwk(kid: Option<&str>, kty: &str) -> Value {
    let mut jwk = match kty {
        "OKP" => {
            json!({"kty": "OKP", "crv": "Ed25519", "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"})
        }
        _ => json!({
            "kty": "EC", "crv": "P-256",
            "x": "f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU",
            "y": "x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0",
        }),
    };
    if let Some(kid) = kid {
        jwk["kid"] = kid.into();
    }
    jwk
}

pub(super) fn jwks(keys: &[Value]) -> String {
    json!({ "keys": keys }).to_string()
}

pub(super) fn key_set(kids: &[&str]) -> Rc<KeySet> {
    let keys: Vec<Value> = kids.iter().map(|kid| jwk(Some(kid), "OKP")).collect();
    let limits = Limits { bytes: 1 << 20, keys: 100 };
    Rc::new(KeySet::from_jwks(jwks(&keys).as_bytes(), limits).unwrap().0)
}

/// A provider whose only key has the name of its issuer, and which reads the header of that name.
pub(super) fn provider(name: &str) -> Value {
    json!({
        "issuer": name,
        "local_jwks": { "inline_string": jwks(&[jwk(Some(name), "OKP")]) },
        "from_headers": [{ "name": name }],
    })
}

pub(super) fn with(mut base: Value, changes: Value) -> Value {
    for (name, value) in changes.as_object().unwrap() {
        base[name] = value.clone();
    }
    base
}

/// Providers `a`, `b` and `c`, and one rule.
pub(super) fn abc(requires: Value) -> Value {
    json!({
        "providers": { "a": provider("a"), "b": provider("b"), "c": provider("c") },
        "rules": [{ "requires": requires }],
    })
}

/// A token only of `a`.
pub(super) fn only(changes: Value) -> Value {
    json!({
        "providers": { "a": with(provider("a"), changes) },
        "rules": [{ "requires": { "provider_name": "a" } }],
    })
}

pub(super) fn policy(config: Value) -> Policy {
    Policy::new(Plan::new(tollgate_policy::config::read(&config).unwrap(), |_| None).unwrap(), [7; 16])
}

/// A token signed by `kid`.
pub(super) fn signed(header: &Value, claims: &Value, kid: &str) -> String {
    let [header, claims] = [header, claims].map(|part| base64url::encode(part.to_string().as_bytes()));
    format!("{header}.{claims}.{}", base64url::encode(kid.as_bytes()))
}

/// A token of an issuer, signed with the key of the same name.
pub(super) fn token(issuer: &str, claims: Value) -> String {
    signed(
        &json!({ "alg": "EdDSA", "kid": issuer }),
        &with(json!({ "iss": issuer, "exp": NOW + 600 }), claims),
        issuer,
    )
}

pub(super) fn good(issuer: &str) -> String {
    token(issuer, json!({}))
}

pub(super) struct World {
    pub keys: Keys,
    pub refetch: bool,
    pub certificate: Option<[u8; 32]>,
    pub list: RevocationList,
    pub state: Result<Option<&'static [u8]>, Reason>,
    pub verified: usize,
    pub refetched: usize,
}

impl Default for World {
    fn default() -> Self {
        Self {
            keys: Keys::Unavailable,
            refetch: false,
            certificate: None,
            list: RevocationList::Ready,
            state: Ok(None),
            verified: 0,
            refetched: 0,
        }
    }
}

impl Verifier for World {
    fn verify(&mut self, key: &Key, algorithm: Algorithm, _: &[u8], signature: &[u8]) -> bool {
        assert!(key.permits(algorithm), "asked for an algorithm that the key does not permit");
        self.verified += 1;
        key.id().is_some_and(|id| id.as_bytes() == signature)
    }
}

impl Environment for World {
    fn keys(&self, _: usize) -> Keys {
        self.keys.clone()
    }

    fn refetch_for_unknown_kid(&mut self, _: usize) -> bool {
        self.refetched += 1;
        self.refetch
    }

    fn revocation_list(&self) -> RevocationList {
        self.list
    }

    fn client_certificate_sha256(&mut self) -> Option<[u8; 32]> {
        self.certificate
    }

    fn filter_state(&mut self, _: &str) -> Result<Option<Vec<u8>>, Reason> {
        self.state.map(|state| state.map(Into::into))
    }
}

/// An owned decision.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Became {
    /// Edits, as `+name: value`, `=name: value` and `-name`.
    Passed {
        edits: Vec<String>,
        path: Option<String>,
        state: Vec<String>,
        allowed_by: Option<AllowedBy<Reason>>,
    },
    Refused(Reason),
    Metadata(String),
    Waits,
}

pub(super) fn became(decision: Decision<'_>) -> Became {
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    match decision {
        Decision::Pass(Pass { edits, path, filter_state, allowed_by, .. }) => Became::Passed {
            edits: edits
                .iter()
                .map(|edit| match edit {
                    HeaderEdit::Set(name, value) => format!("={name}: {}", text(value)),
                    HeaderEdit::Add(name, value) => format!("+{name}: {}", text(value)),
                    HeaderEdit::Remove(name) => format!("-{name}"),
                })
                .collect(),
            path: path.as_deref().map(text),
            state: filter_state.iter().map(|(name, value)| format!("{name}: {}", text(value))).collect(),
            allowed_by,
        },
        Decision::Refuse(Refusal { reason, .. }) => Became::Refused(reason),
        Decision::Metadata(json) => Became::Metadata(text(json)),
        Decision::Wait => Became::Waits,
    }
}

impl Became {
    pub(super) fn passed(&self) -> bool {
        matches!(self, Self::Passed { allowed_by: None, .. })
    }

    pub(super) fn edits(&self) -> &[String] {
        match self {
            Self::Passed { edits, .. } => edits,
            _ => panic!("{self:?}"),
        }
    }
}

pub(super) fn decide(policy: &mut Policy, world: &mut World, headers: &[(&str, &str)], now: u64) -> Became {
    let pairs: Vec<(&[u8], &[u8])> =
        headers.iter().map(|(name, value)| (name.as_bytes(), value.as_bytes())).collect();
    became(policy.decide(&RequestFacts::from_pairs(&pairs), world, UnixNanos(now * 1_000_000_000), true))
}

/// The decision of a new policy about a request.
pub(super) fn at_first(config: Value, headers: &[(&str, &str)]) -> Became {
    decide(&mut policy(config), &mut World::default(), headers, NOW)
}
