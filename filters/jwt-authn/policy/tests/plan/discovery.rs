//! Location of an issuer's keys by its discovery document.

use tollgate_jwt_authn_policy::config::OidcDiscovery;
use tollgate_jwt_authn_policy::plan::From;
use tollgate_policy::fetch::{Source, Step, Target};

fn discovery(issuer: &str, jwks_cluster: Option<&str>) -> From {
    let jwks_cluster = jwks_cluster.map(Into::into);
    let discovery = OidcDiscovery { cluster: "issuer".into(), jwks_cluster, timeout: None, clusters: None };
    From::Discovery { issuer: issuer.into(), discovery }
}

/// The error of a discovery document.
fn refused(from: &From, body: &str) -> String {
    from.follow(body.as_bytes()).map(|step| panic!("{body}: {step:?}")).unwrap_err()
}

#[test]
fn an_issuers_path_comes_before_the_well_known_one() {
    for (issuer, uri) in [
        ("https://id.example", "https://id.example/.well-known/openid-configuration"),
        ("https://id.example/", "https://id.example/.well-known/openid-configuration"),
        ("https://id.example/realms/a", "https://id.example/realms/a/.well-known/openid-configuration"),
        ("https://id.example/realms/a/", "https://id.example/realms/a/.well-known/openid-configuration"),
    ] {
        let step = discovery(issuer, None).begin();
        assert_eq!(step, Ok(Step::Locate(Target::for_json("issuer", uri))));
    }
}

#[test]
fn the_issuer_states_the_location_of_its_keys() {
    let text = r#"{"issuer": "https://id.example", "jwks_uri": "https://k.example:8443/keys", "scopes_supported": ["a"]}"#;
    for (jwks_cluster, cluster) in [(None, "issuer"), (Some("keys"), "keys")] {
        let step = discovery("https://id.example", jwks_cluster).follow(text.as_bytes());
        assert_eq!(step, Ok(Step::Document(Target::for_json(cluster, "https://k.example:8443/keys"))));
    }
}

#[test]
fn rejects_the_document_of_a_similar_issuer() {
    let from = discovery("https://id.example/a", None);
    for issuer in
        ["https://id.example/a/", "https://ID.example/a", "http://id.example/a", "https://id.example", ""]
    {
        let text = format!(r#"{{"issuer": "{issuer}", "jwks_uri": "https://id.example/keys"}}"#);
        let error = refused(&from, &text);
        assert_eq!(error, "the `issuer` of the discovery document differs from the provider's", "{issuer}");
    }
}

#[test]
fn rejects_an_invalid_discovery_document() {
    let from = discovery("https://id.example", None);
    for text in [
        "",
        "<html>",
        "[]",
        r#"{"issuer": "https://id.example"}"#,
        r#"{"issuer": "https://id.example", "jwks_uri": 1}"#,
        r#"{"issuer": "https://id.example", "jwks_uri": "/keys"}"#,
        r#"{"issuer": "https://id.example", "jwks_uri": "http://id.example/keys"}"#,
        r#"{"issuer": "https://id.example", "jwks_uri": "https://id.example/a\r\nhost: b"}"#,
        r#"{"issuer": "https://id.example", "issuer": "https://id.example", "jwks_uri": "https://id.example/keys"}"#,
    ] {
        let error = refused(&from, text);
        assert!(error.starts_with("the issuer's discovery document "), "{text}: {error}");
    }
    let plain = discovery("http://id.example", None);
    let text = r#"{"issuer": "http://id.example", "jwks_uri": "http://id.example/keys"}"#;
    assert!(matches!(plain.follow(text.as_bytes()), Ok(Step::Document(_))));
}
