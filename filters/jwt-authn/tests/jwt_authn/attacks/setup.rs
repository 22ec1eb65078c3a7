//! The filter under attack, and the attacker's tools: all public keys, and keys of its own.

use serde_json::{Value, json};
use std::time::{SystemTime, UNIX_EPOCH};
use tollgate_host_test::Host;
use tollgate_mint::{Signer, jwks};

pub const ISSUER: &str = "https://issuer.test";
pub const OTHER: &str = "https://other.test";

/// Start of the emulator's clock.
const EMULATED: u64 = 1_767_225_600;

/// Seconds since 1970, by Envoy's clock.
#[allow(clippy::disallowed_methods, reason = "Envoy's time is the machine's")]
pub fn wall_clock() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs()
}

/// Keys and a clock.
pub struct Forge {
    /// Seconds since 1970, by the proxy's clock.
    pub now: u64,
    /// Key of the issuer.
    pub rsa: Signer,
    pub p256: Signer,
    pub p384: Signer,
    pub ed25519: Signer,
    /// Key of another issuer that the filter accepts too.
    pub other: Signer,
    /// Key of the attacker.
    pub own_rsa: Signer,
    pub own_p256: Signer,
}

impl Forge {
    pub fn new(host: Host) -> Self {
        let now = match host {
            Host::Emulator => EMULATED,
            Host::Envoy => wall_clock(),
        };
        Self {
            now,
            rsa: Signer::rs256(),
            p256: Signer::es256(),
            p384: Signer::es384(),
            ed25519: Signer::ed_dsa(),
            other: Signer::new("RS256", 1),
            own_rsa: Signer::with_key("RS256", "rsa3072-0"),
            own_p256: Signer::new("ES256", 1),
        }
    }

    /// Claims that every provider accepts.
    pub fn claims(&self) -> Value {
        json!({
            "iss": ISSUER, "sub": "alice", "aud": ["api"], "jti": "t-1",
            "iat": self.now - 10, "exp": self.now + 600,
        })
    }

    /// The same claims with some replaced; `null` removes one.
    pub fn with(&self, change: Value) -> Value {
        let mut claims = self.claims();
        for (name, value) in change.as_object().unwrap() {
            if value.is_null() {
                claims.as_object_mut().unwrap().remove(name);
            } else {
                claims[name] = value.clone();
            }
        }
        claims
    }

    /// A good token.
    pub fn good(&self) -> String {
        self.rsa.token(&self.claims())
    }

    /// A token of the issuer with some claims replaced.
    pub fn token(&self, change: Value) -> String {
        self.rsa.token(&self.with(change))
    }

    /// A token of the issuer with this text as payload.
    pub fn payload(&self, text: impl AsRef<[u8]>) -> String {
        self.rsa.sign_raw(self.rsa.header().to_string().as_bytes(), text.as_ref())
    }

    /// The text of good claims without the last brace, for appending more.
    pub fn open_claims(&self) -> String {
        self.claims().to_string().trim_end_matches('}').to_owned()
    }

    /// A token of the issuer with this text as header.
    pub fn header(&self, text: impl AsRef<[u8]>) -> String {
        self.rsa.sign_raw(text.as_ref(), self.claims().to_string().as_bytes())
    }
}

/// The filter: a usual provider, providers that require more of the same tokens, and providers with unusual
/// keys.
pub fn config(now: u64) -> Value {
    let forge = [Signer::rs256(), Signer::es256(), Signer::es384(), Signer::ed_dsa()];
    let keys = json!({ "inline_string": jwks(&forge.each_ref()) });
    let usual = |more: Value| {
        let mut provider = json!({
            "issuer": ISSUER,
            "audiences": ["api"],
            "local_jwks": keys,
            "from_headers": [{ "name": "Authorization", "value_prefix": "Bearer " }, { "name": "x-token" }],
            "from_params": ["access_token"],
            "from_cookies": ["session"],
            "forward_payload_header": "x-jwt-payload",
            "claim_to_headers": [
                { "header_name": "x-sub", "claim_name": "sub" },
                { "header_name": "x-name", "claim_name": "name" },
                { "header_name": "x-roles", "claim_name": "roles" },
            ],
        });
        for (name, value) in more.as_object().unwrap() {
            provider[name] = value.clone();
        }
        provider
    };
    // Without `alg` and `kid`, so only the token names them.
    let mut bare = Signer::rs256().without_kid().public_jwk();
    bare.as_object_mut().unwrap().retain(|name, _| ["kty", "n", "e"].contains(&name.as_str()));
    let own =
        |issuer: &str, keys: String| json!({ "issuer": issuer, "local_jwks": { "inline_string": keys } });
    let providers = json!({
        "usual": usual(json!({})),
        "other": own(OTHER, jwks(&[&Signer::new("RS256", 1)])),
        "bare": own("https://bare.test", json!({ "keys": [bare] }).to_string()),
        "expires": usual(json!({ "require_expiration": true })),
        "short": usual(json!({ "max_lifetime": "1h" })),
        "typed": usual(json!({ "allowed_types": ["at+jwt"] })),
        "scoped": usual(json!({ "required_scopes": ["read"] })),
        "subject": usual(json!({ "subjects": { "exact": "alice" } })),
        "elliptic": usual(json!({ "allowed_algorithms": ["ES256"] })),
        "member": usual(json!({ "required_claims": [
            { "claim": "roles", "string_match": { "exact": "admin" } },
            { "claim": "level", "number": 3 },
            { "claim": "active", "boolean": true },
        ]})),
    });
    let rule = |prefix: &str, requires: Value| json!({ "match": { "paths": [{ "prefix": prefix }] }, "requires": requires });
    let mut rules: Vec<Value> = providers
        .as_object()
        .unwrap()
        .keys()
        .map(|name| rule(&format!("/{name}/"), json!({ "provider_name": name })))
        .collect();
    let either = json!({ "requirements": [{ "provider_name": "usual" }, { "provider_name": "other" }] });
    rules.extend([
        rule("/either/", json!({ "requires_any": either })),
        rule("/both/", json!({ "requires_all": either })),
        rule("/optional/", json!({ "requires_any": { "requirements": [{ "provider_name": "usual" }, { "allow_missing": {} }] } })),
        rule("/whatever/", json!({ "requires_any": { "requirements": [{ "provider_name": "usual" }, { "allow_missing_or_failed": {} }] } })),
        rule("/extract/", json!({ "extract_only_without_validation": {} })),
        rule("/audience/", json!({ "provider_and_audiences": { "provider_name": "usual", "audiences": ["admin"] } })),
        rule("/area/admin", json!({ "provider_name": "usual" })),
        json!({ "match": { "paths": [{ "prefix": "/area/" }] } }),
        json!({ "match": { "paths": [{ "prefix": "/open/" }] } }),
        rule("/", json!({ "provider_name": "usual" })),
    ]);
    json!({
        "providers": providers,
        "rules": rules,
        "bypass_cors_preflight": true,
        "revocation": {
            "tokens": [{ "iss": ISSUER, "jti": "revoked-1" }],
            "subjects": [{ "iss": ISSUER, "sub": "mallory", "issued_before": now }],
        },
    })
}
