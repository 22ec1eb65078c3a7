//! A table of attacks and their expected results, on both hosts.
//!
//! Each row is sent twice through one proxy: the cache must not change the result. A rejected row must have
//! its reason in the response and in the log, and must not reach the upstream. An allowed row must not pass a
//! token or forged output headers to the upstream.

mod claims;
mod form;
mod header;
mod outputs;
mod places;
mod rules;
mod setup;
mod signature;

use serde_json::{Value, json};
pub use setup::wall_clock;
use setup::{Forge, config};
use std::collections::BTreeSet;
use tollgate_host_test::{ClientView, Exchange, Host, Request, UpstreamRequest, on_both_hosts};
use tollgate_jwt_authn_policy::Reason;
use tollgate_mint::{Signer, jwks};
use tollgate_policy::ResponseDetails;

/// A row of the table.
pub struct Attack {
    /// Description.
    pub name: &'static str,
    /// Request.
    pub request: Request,
    /// Expected result.
    pub expected: Expected,
}

/// Expected result of a request.
pub enum Expected {
    /// The filter rejects it.
    Refused(Reason),
    /// Envoy rejects it before the filters.
    NotAccepted(u16),
    /// It is allowed, because it is not an attack or has no effect. The upstream sees these values of these
    /// headers, joined by commas.
    Passes(Vec<(&'static str, Option<String>)>),
}

/// A rejected row.
pub fn refused(name: &'static str, reason: Reason, request: Request) -> Attack {
    Attack { name, request, expected: Expected::Refused(reason) }
}

/// An allowed row, with the headers that the upstream sees.
pub fn passes(name: &'static str, request: Request, upstream: &[(&'static str, Option<&str>)]) -> Attack {
    let upstream = upstream.iter().map(|(name, value)| (*name, value.map(str::to_owned))).collect();
    Attack { name, request, expected: Expected::Passes(upstream) }
}

/// A request with a token in `Authorization`.
pub fn bearer(path: &str, token: impl AsRef<[u8]>) -> Request {
    Request::get(path).header("authorization", [b"Bearer ", token.as_ref()].concat())
}

fn table(forge: &Forge) -> Vec<Attack> {
    let parts = [
        header::attacks,
        signature::attacks,
        form::attacks,
        claims::attacks,
        places::attacks,
        outputs::attacks,
        rules::attacks,
    ];
    parts.iter().flat_map(|part| part(forge)).collect()
}

/// The filter under attack, and the table.
pub fn whole(host: Host) -> (Value, Vec<Attack>) {
    let forge = Forge::new(host);
    (config(forge.now), table(&forge))
}

on_both_hosts! {
    fn every_attack_comes_to_nothing(host) {
        let forge = Forge::new(host);
        let rows: Vec<Attack> = [table(&forge), table(&forge)].into_iter().flatten().collect();
        let names: BTreeSet<_> = rows.iter().map(|row| row.name).collect();
        assert_eq!(names.len() * 2, rows.len(), "two rows have one name");
        let refused = rows.iter().filter(|row| matches!(row.expected, Expected::Refused(_))).count();
        assert!(refused / 2 >= 60, "{refused}");
        let scenario = crate::support::with(config(forge.now));
        let scenario = rows.iter().fold(scenario, |scenario, row| scenario.request(row.request.clone()));
        let outcome = host.run(&scenario);
        let wrong = |(row, exchange): (&Attack, &Exchange)| {
            let told = judge(row, exchange, host).err()?;
            Some(format!("{}: {told}", row.name))
        };
        let wrong: Vec<_> = rows.iter().zip(&outcome.exchanges).filter_map(wrong).collect();
        assert!(wrong.is_empty(), "{} of {} rows\n{}", wrong.len(), rows.len(), wrong.join("\n"));
    }
}

/// The filter does not start with keys that others could compute.
#[test]
fn weak_keys_are_refused_with_the_configuration() {
    let rsa = Signer::with_key("RS256", "rsa1024-0");
    let secret = Signer::with_key("HS256", "secret31-0");
    let private =
        json!({ "keys": [{ "kty": "OKP", "crv": "Ed25519", "x": "AAAA", "d": "AAAA" }] }).to_string();
    let mixed = jwks(&[&rsa, &Signer::es256()]);
    for (keys, why) in [
        (jwks(&[&rsa]), "RSA modulus has less than 2048 bits"),
        (mixed, "RSA modulus has less than 2048 bits"),
        (rsa.public_pem(), "RSA modulus has less than 2048 bits"),
        (jwks(&[&secret]), "too weak"),
        (private, "`d` belongs to a private key"),
        ("secret".into(), "local_jwks"),
        ("{\"keys\":[]}".into(), "local_jwks"),
    ] {
        let provider = json!({ "issuer": setup::ISSUER, "local_jwks": { "inline_string": keys } });
        let refused =
            Host::Emulator.try_run(&crate::support::with(json!({ "providers": { "weak": provider } })));
        let logs = refused.expect_err(why).logs;
        assert!(logs.iter().any(|line| line.text.contains(why)), "{why}: {logs:?}");
    }
}

fn judge(row: &Attack, exchange: &Exchange, host: Host) -> Result<(), String> {
    let ClientView::Response(response) = &exchange.client else {
        return Err(format!("{:?}", exchange.client));
    };
    let seen = || {
        let body = response.body();
        format!("{} `{}` `{}`", response.status, exchange.details, String::from_utf8_lossy(&body))
    };
    let demand =
        |holds: bool, what: &str| if holds { Ok(()) } else { Err(format!("{what}, not {}", seen())) };
    match &row.expected {
        Expected::Refused(reason) => {
            let details = reason.details().into_owned();
            let details = if host == Host::Envoy { logged(&details) } else { details };
            demand(exchange.details == details, &format!("details `{details}`"))?;
            demand(response.status == reason.status(), &format!("status {}", reason.status()))?;
            demand(response.body() == reason.text().as_bytes(), &format!("body `{}`", reason.text()))?;
            demand(exchange.upstream.is_empty(), "nothing upstream")?;
            let challenge = response.headers.get("www-authenticate").unwrap_or_default();
            demand(challenge.starts_with(b"Bearer realm="), "a challenge")
        }
        Expected::NotAccepted(status) => {
            demand(response.status == *status, &format!("status {status}"))?;
            demand(exchange.upstream.is_empty(), "nothing upstream")
        }
        Expected::Passes(headers) => {
            let [request] = exchange.upstream.as_slice() else {
                return demand(false, "one request upstream");
            };
            no_token(request)?;
            headers.iter().try_for_each(|(name, value)| {
                let all: Vec<_> = request.headers.get_all(name).map(String::from_utf8_lossy).collect();
                let there = (!all.is_empty()).then(|| all.join(","));
                if there == *value {
                    Ok(())
                } else {
                    Err(format!("upstream `{name}` is {there:?}, not {value:?}"))
                }
            })
        }
    }
}

/// Details in a log line contain no white space.
fn logged(details: &str) -> String {
    details.replace(' ', "_")
}

/// Fails if the upstream receives a token, in any encoding.
fn no_token(request: &UpstreamRequest) -> Result<(), String> {
    let holds = |value: &[u8]| {
        let text = String::from_utf8_lossy(value).to_ascii_lowercase().replace("%2e", ".");
        text.contains(".eyj")
    };
    match request.headers.0.iter().find(|(_, value)| holds(value)) {
        Some((name, _)) => Err(format!("a token went upstream in `{}`", name.escape_ascii())),
        None if holds(request.path.as_bytes()) => Err(format!("a token went upstream in `{}`", request.path)),
        None => Ok(()),
    }
}
