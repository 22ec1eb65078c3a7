//! Tokens that are bound to the client's certificate (RFC 8705 section 3).

use crate::support::with;
use serde_json::{Value, json};
use tollgate_host_test::{Certificate, Request, Scenario, Tls, on_both_hosts};
use tollgate_jwt_authn_policy::Reason::{self, BadClaim, CertificateMismatch};
use tollgate_mint::{Signer, base64url, jwks};
use tollgate_policy::ResponseDetails;

const ISSUER: &str = "https://issuer.test";

fn token(cnf: Value) -> String {
    let mut claims = json!({ "iss": ISSUER, "sub": "alice", "exp": 4_000_000_000u64 });
    if !cnf.is_null() {
        claims["cnf"] = cnf;
    }
    Signer::es256().token(&claims)
}

/// A token that is bound to a certificate.
fn bound(certificate: Certificate) -> String {
    token(json!({ "x5t#S256": base64url(certificate.sha256()) }))
}

fn scenario(mode: &str) -> Scenario {
    let provider = json!({
        "issuer": ISSUER,
        "local_jwks": { "inline_string": jwks(&[&Signer::es256()]) },
        "certificate_binding": mode,
    });
    with(json!({
        "providers": { "issuer": provider },
        "rules": [{ "requires": { "provider_name": "issuer" } }],
    }))
    .settings(|settings| settings.tls = Tls::CertificateOptional)
}

fn bearer(token: &str) -> Request {
    Request::get("/").header("authorization", format!("Bearer {token}"))
}

/// Sends the requests and compares the results.
fn judge(host: tollgate_host_test::Host, mode: &str, requests: Vec<(Request, Option<Reason>)>) {
    let scenario =
        requests.iter().fold(scenario(mode), |scenario, (request, _)| scenario.request(request.clone()));
    let outcome = host.run(&scenario);
    outcome.has_statuses(
        &requests.iter().map(|(_, reason)| reason.map_or(200, Reason::status)).collect::<Vec<_>>(),
    );
    for (index, (_, reason)) in requests.iter().enumerate() {
        match reason {
            Some(reason) => {
                outcome.has_details(index, &reason.details());
                outcome.client(index).body(reason.text());
                assert!(outcome.exchanges[index].upstream.is_empty());
            }
            None => {
                outcome.upstream(index).no_header("authorization");
            }
        }
    }
}

on_both_hosts! {
    fn a_bound_token_is_good_with_its_certificate_alone(host) {
        use Certificate::{A, B};
        let (of_a, of_b) = (bound(A), bound(B));
        judge(host, "if_present", vec![
            (bearer(&of_a).certificate(A), None),
            // It is in the cache now, bound to this certificate.
            (bearer(&of_a), Some(CertificateMismatch)),
            (bearer(&of_a).certificate(B), Some(CertificateMismatch)),
            (bearer(&of_a).certificate(A), None),
            (bearer(&of_b).certificate(A), Some(CertificateMismatch)),
            (bearer(&of_b).certificate(B), None),
        ]);
    }

    fn a_certificate_that_is_only_told_of_is_none(host) {
        let of_a = bound(Certificate::A);
        let digest: String = Certificate::A.sha256().iter().map(|byte| format!("{byte:02x}")).collect();
        let told = |request: Request| {
            request
                .header("x-forwarded-client-cert", format!("Hash={digest}"))
                .header("x-client-cert", Certificate::A.pem().replace('\n', "%0A"))
        };
        judge(host, "if_present", vec![
            (told(bearer(&of_a)), Some(CertificateMismatch)),
            (told(bearer(&of_a).certificate(Certificate::B)), Some(CertificateMismatch)),
        ]);
    }

    fn who_need_not_be_bound_and_who_must(host) {
        let plain = token(Value::Null);
        judge(host, "if_present", vec![
            (bearer(&plain), None),
            (bearer(&plain).certificate(Certificate::A), None),
        ]);
        judge(host, "require", vec![
            (bearer(&plain), Some(CertificateMismatch)),
            (bearer(&plain).certificate(Certificate::A), Some(CertificateMismatch)),
            (bearer(&bound(Certificate::A)).certificate(Certificate::A), None),
            (bearer(&bound(Certificate::A)), Some(CertificateMismatch)),
        ]);
        judge(host, "ignore", vec![(bearer(&bound(Certificate::A)).certificate(Certificate::B), None)]);
    }

    fn a_binding_that_cannot_be_checked_is_not_met(host) {
        let digest = base64url(Certificate::A.sha256());
        let cut = &digest[..42];
        let with_a = |cnf: Value| bearer(&token(cnf)).certificate(Certificate::A);
        judge(host, "if_present", vec![
            (with_a(json!({ "jkt": digest })), Some(CertificateMismatch)),
            (with_a(json!({ "jkt": digest, "x5t#S256": digest })), Some(CertificateMismatch)),
            (with_a(json!({})), Some(CertificateMismatch)),
            (with_a(json!({ "x5t#S256": "" })), Some(BadClaim)),
            (with_a(json!({ "x5t#S256": cut })), Some(BadClaim)),
            (with_a(json!({ "x5t#S256": format!("{digest}=") })), Some(BadClaim)),
            (with_a(json!({ "x5t#S256": [digest] })), Some(BadClaim)),
            (with_a(json!({ "X5T#S256": digest })), Some(CertificateMismatch)),
            (with_a(json!(digest)), Some(BadClaim)),
        ]);
    }
}
