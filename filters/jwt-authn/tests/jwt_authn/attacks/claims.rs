//! Tokens with valid signatures and invalid claims.

use super::setup::{Forge, OTHER};
use super::{Attack, bearer, passes, refused};
use serde_json::{Value, json};
use tollgate_jwt_authn_policy::Reason::{
    self, AudienceNotAllowed, BadAudience, BadExpiration, BadIssuedAt, BadIssuer, BadNotBefore, BadSubject,
    BadTokenId, ClaimNotAllowed, ExpirationOutOfRange, Expired, InsufficientScope, LifetimeTooLong,
    NotYetValid, Revoked, SignatureInvalid, SubjectNotAllowed, UnknownIssuer, UnknownKey,
};

pub fn attacks(forge: &Forge) -> Vec<Attack> {
    [times(forge), issuers(forge), audiences(forge), others(forge), revoked(forge)]
        .into_iter()
        .flatten()
        .collect()
}

fn row(forge: &Forge, name: &'static str, reason: Reason, path: &str, change: Value) -> Attack {
    refused(name, reason, bearer(path, forge.token(change)))
}

fn times(forge: &Forge) -> Vec<Attack> {
    let now = forge.now;
    let row = |name, reason, change| row(forge, name, reason, "/", change);
    let at = |path, name, change| self::row(forge, name, LifetimeTooLong, path, change);
    vec![
        row("exp just past", Expired, json!({ "exp": now - 120 })),
        row("exp past, with decimals", Expired, json!({ "exp": now as f64 - 120.5 })),
        row("exp of 0", Expired, json!({ "exp": 0 })),
        row("exp of 1.5", Expired, json!({ "exp": 1.5 })),
        row("exp that is a text", BadExpiration, json!({ "exp": (now + 600).to_string() })),
        row("exp that is true", BadExpiration, json!({ "exp": true })),
        row("exp that is a list", BadExpiration, json!({ "exp": [now + 600] })),
        row("exp that is negative", ExpirationOutOfRange, json!({ "exp": -1 })),
        row("exp of 1e300", ExpirationOutOfRange, json!({ "exp": 1e300 })),
        row("exp of 2^64 - 1", ExpirationOutOfRange, json!({ "exp": u64::MAX })),
        refused(
            "exp that is null",
            BadExpiration,
            bearer("/", forge.payload(forge.claims().to_string().replace(&(now + 600).to_string(), "null"))),
        ),
        row("nbf ahead", NotYetValid, json!({ "nbf": now + 3600 })),
        row("nbf that is a text", BadNotBefore, json!({ "nbf": "0" })),
        row("iat ahead", NotYetValid, json!({ "iat": now + 3600 })),
        row("iat that is a text", BadIssuedAt, json!({ "iat": "0" })),
        at("/expires/", "no exp where one is due", json!({ "exp": null })),
        at("/short/", "no exp where life is short", json!({ "exp": null })),
        at("/short/", "a life too long", json!({ "exp": now + 7200 })),
        at("/short/", "a life of ages", json!({ "exp": 18_446_744_073_709_549_568u64 })),
    ]
}

fn issuers(forge: &Forge) -> Vec<Attack> {
    let row = |name, reason, change| row(forge, name, reason, "/", change);
    let other = |claims: Value| forge.other.token(&forge.with(claims));
    let as_ours = forge.other.clone().with_kid(forge.rsa.kid().unwrap());
    let as_theirs = forge.rsa.clone().with_kid(forge.other.kid().unwrap());
    let theirs = json!({ "iss": OTHER });
    vec![
        row("iss of nobody", UnknownIssuer, json!({ "iss": "https://attacker.test" })),
        row("no iss", UnknownIssuer, json!({ "iss": null })),
        row("iss that is empty", UnknownIssuer, json!({ "iss": "" })),
        row("iss with a slash behind", UnknownIssuer, json!({ "iss": "https://issuer.test/" })),
        row("iss in capitals", UnknownIssuer, json!({ "iss": "HTTPS://ISSUER.TEST" })),
        row("iss with a suffix", UnknownIssuer, json!({ "iss": "https://issuer.test.attacker.test" })),
        row("iss with NUL at the end", UnknownIssuer, json!({ "iss": "https://issuer.test\0" })),
        row("iss that is a number", BadIssuer, json!({ "iss": 1 })),
        row("iss that is a list", BadIssuer, json!({ "iss": ["https://issuer.test"] })),
        refused("the token of another issuer", UnknownIssuer, bearer("/", other(theirs.clone()))),
        refused("our iss by the other's key", UnknownKey, bearer("/", other(json!({})))),
        refused(
            "our iss by the other's key, where either may",
            UnknownKey,
            bearer("/either/", other(json!({}))),
        ),
        refused(
            "their iss by our key, where either may",
            UnknownKey,
            bearer("/either/", forge.token(theirs.clone())),
        ),
        refused(
            "our iss by the other's key with our kid",
            SignatureInvalid,
            bearer("/either/", as_ours.token(&forge.claims())),
        ),
        refused(
            "their iss by our key with their kid",
            SignatureInvalid,
            bearer("/either/", as_theirs.token(&forge.with(theirs))),
        ),
    ]
}

fn audiences(forge: &Forge) -> Vec<Attack> {
    let row = |name, reason, change| row(forge, name, reason, "/", change);
    vec![
        row("no aud", AudienceNotAllowed, json!({ "aud": null })),
        row("aud of nobody", AudienceNotAllowed, json!({ "aud": [] })),
        row("aud of somebody else", AudienceNotAllowed, json!({ "aud": "other" })),
        row("aud that is a part", AudienceNotAllowed, json!({ "aud": "ap" })),
        row("aud that is longer", AudienceNotAllowed, json!({ "aud": "api.attacker.test" })),
        row("aud in capitals", AudienceNotAllowed, json!({ "aud": "API" })),
        row("aud as a list in a text", AudienceNotAllowed, json!({ "aud": "api other" })),
        row("aud that is a number", BadAudience, json!({ "aud": 1 })),
        row("aud that is true", BadAudience, json!({ "aud": true })),
        row("aud that is an object", BadAudience, json!({ "aud": { "api": true } })),
        row("aud with a number in it", BadAudience, json!({ "aud": ["api", 1] })),
        row("aud in a list in a list", BadAudience, json!({ "aud": [["api"]] })),
        self::row(forge, "aud that is good elsewhere", AudienceNotAllowed, "/audience/", json!({})),
    ]
}

fn others(forge: &Forge) -> Vec<Attack> {
    let subject = |name, reason, change| row(forge, name, reason, "/subject/", change);
    let scoped = |name, change| row(forge, name, InsufficientScope, "/scoped/", change);
    let member = |name, mut change: Value| {
        for (claim, good) in [("roles", json!(["admin"])), ("level", json!(3)), ("active", json!(true))] {
            if change.get(claim).is_none() {
                change[claim] = good;
            }
        }
        row(forge, name, ClaimNotAllowed, "/member/", change)
    };
    let exact = json!({ "roles": ["user", "admin"], "level": 3.0, "active": true });
    vec![
        subject("sub of somebody else", SubjectNotAllowed, json!({ "sub": "bob" })),
        subject("sub with a suffix", SubjectNotAllowed, json!({ "sub": "alice2" })),
        subject("sub with a line end", SubjectNotAllowed, json!({ "sub": "alice\n" })),
        subject("no sub", SubjectNotAllowed, json!({ "sub": null })),
        subject("sub that is a list", BadSubject, json!({ "sub": ["alice"] })),
        scoped("no scope", json!({})),
        scoped("a scope that is longer", json!({ "scope": "readonly" })),
        scoped("a scope that ends so", json!({ "scope": "unread" })),
        scoped("a scope in capitals", json!({ "scope": "READ" })),
        scoped("a scope with a part of it", json!({ "scope": "read:none write" })),
        scoped("scopes with commas", json!({ "scope": "write,read" })),
        scoped("scope that is an object", json!({ "scope": { "read": true } })),
        scoped("scope that is true", json!({ "scope": true })),
        scoped("a scope with a space in a list", json!({ "scp": ["no read"] })),
        member("a role that is longer", json!({ "roles": "administrator" })),
        member("a role in a text", json!({ "roles": "user admin" })),
        member("a role in a list in a list", json!({ "roles": [["admin"]] })),
        member("a role that is a name", json!({ "roles": { "admin": true } })),
        member("a number as a text", json!({ "level": "3" })),
        member("a number that is larger", json!({ "level": 3.000_001 })),
        member("a truth as a text", json!({ "active": "true" })),
        member("a truth as a number", json!({ "active": 1 })),
        passes(
            "claims that are as they must be",
            bearer("/member/", forge.token(exact)),
            &[("x-sub", Some("alice"))],
        ),
    ]
}

fn revoked(forge: &Forge) -> Vec<Attack> {
    let row = |name, reason, change| row(forge, name, reason, "/", change);
    vec![
        row("a token that is revoked", Revoked, json!({ "jti": "revoked-1" })),
        row("a token that is revoked, written anew", Revoked, json!({ "jti": "revoked-1", "name": "x" })),
        refused(
            "a token that is revoked, with its jti escaped",
            Revoked,
            bearer("/", forge.payload(forge.claims().to_string().replace("t-1", "\\u0072evoked-1"))),
        ),
        refused(
            "a token that is revoked, by another key",
            Revoked,
            bearer("/", forge.p256.token(&forge.with(json!({ "jti": "revoked-1" })))),
        ),
        row("a subject that is revoked", Revoked, json!({ "sub": "mallory" })),
        row("a subject that is revoked, without iat", Revoked, json!({ "sub": "mallory", "iat": null })),
        row("jti that is a number", BadTokenId, json!({ "jti": 1 })),
        row("jti that is a list", BadTokenId, json!({ "jti": ["t-1"] })),
    ]
}
