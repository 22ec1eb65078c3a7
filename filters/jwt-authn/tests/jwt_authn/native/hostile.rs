//! The table of attacks through both filters: Envoy's filter allows all that this filter allows.

use super::{native, seen};
use crate::attacks::{self, Expected};
use serde_json::{Value, json};
use tollgate_host_test::{Host, Scenario};

/// Requests that this filter allows and Envoy's does not, intentionally.
pub const WIDER: [(&str, &str); 9] = [
    ("the scheme in lower case", "the case of a scheme is ignored (RFC 9110 section 11.1)"),
    ("the scheme in capitals", "the same"),
    ("a parameter that is escaped", "upstreams decode names of parameters too"),
    ("a header in a claim", "it creates no header; Envoy cannot write the header and responds with 503"),
    ("a line end in a claim", "the same"),
    ("a carriage return in a claim", "the same"),
    ("NUL in a claim", "the same"),
    ("a control character in a claim", "the same"),
    ("a line end in the subject", "the same"),
];

/// Fields that Envoy's provider does not have.
const OURS: [&str; 4] = ["allowed_types", "required_scopes", "required_claims", "allowed_algorithms"];

/// The configuration under attack, with the fields that Envoy's filter supports.
fn translated(mut config: Value) -> Value {
    for provider in config["providers"].as_object_mut().unwrap().values_mut() {
        provider.as_object_mut().unwrap().retain(|name, _| !OURS.contains(&name.as_str()));
        if provider["max_lifetime"] == json!("1h") {
            provider["max_lifetime"] = json!("3600s");
        }
    }
    for rule in config["rules"].as_array_mut().unwrap() {
        rule["match"] = rule["match"]["paths"][0].clone();
    }
    config.as_object_mut().unwrap().remove("revocation");
    config
}

#[test]
fn nothing_passes_that_envoy_refuses() {
    let (config, rows) = attacks::whole(Host::Envoy);
    let send = |scenario: Scenario| {
        rows.iter().fold(scenario, |scenario, row| scenario.request(row.request.clone()))
    };
    let native = Host::Envoy.run(&send(native(translated(config.clone()))));
    let ours = Host::Envoy.run(&send(crate::support::with(config)));
    let mut laxer = Vec::new();
    let mut stricter = Vec::new();
    for (index, row) in rows.iter().enumerate() {
        let (native, ours) = (&native.exchanges[index], &ours.exchanges[index]);
        match (native.upstream.is_empty(), ours.upstream.is_empty()) {
            (true, false) => laxer.push((row.name, seen(native))),
            (false, true) => stricter.push(row.name),
            _ => {}
        }
        assert_eq!(ours.upstream.is_empty(), !matches!(row.expected, Expected::Passes(_)), "{}", row.name);
    }
    laxer.retain(|(name, _)| !WIDER.iter().any(|(wider, _)| wider == name));
    assert!(laxer.is_empty(), "{laxer:#?}");
    // Otherwise this test could compare two filters that allow everything.
    assert!(stricter.len() < rows.len() / 2, "{stricter:#?}");
}
