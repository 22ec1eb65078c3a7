//! Requests of a fetch, and evaluation of their responses.

use super::{discovery, ms, rules};
use crate::remote::{Body, Exchange, Failure, Next, Request, Response, Rules};
use tollgate_policy::Duration;

fn ok<'r>(headers: &'r [(&'r [u8], &'r [u8])], body: &'r [u8]) -> Response<'r> {
    Response { status: 200, headers, body }
}

fn asked(next: Next) -> Request {
    match next {
        Next::Ask(request) => request,
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_document_is_asked_for_where_it_is() {
    let (mut exchange, next) = Exchange::begin(&rules(), None);
    let request = asked(next);
    assert_eq!(
        (&*request.cluster, &*request.authority, &*request.path),
        ("keys", "keys.example", "/jwks?v=1")
    );
    assert_eq!((request.timeout, request.max_bytes, &*request.etag), (ms(1000), 1000, &b""[..]));
    let next = exchange.answered(&rules(), ok(&[(b"etag", b"\"a\"")], b"{}"));
    let uri = "https://keys.example/jwks?v=1".into();
    assert_eq!(next, Next::Document { life: ms(600_000), uri, etag: b"\"a\"".to_vec() });
}

#[test]
fn only_200_is_an_answer_and_304_if_it_was_asked_for() {
    for status in [100, 199, 201, 204, 301, 302, 304, 307, 400, 401, 403, 404, 429, 500, 503] {
        let (mut exchange, _) = Exchange::begin(&rules(), None);
        let next =
            exchange.answered(&rules(), Response { status, headers: &[(b"location", b"/else")], body: b"" });
        assert_eq!(next, Next::Failed(Failure::Status(status)));
    }
    let known =
        Body { lease: 1, uri: "https://keys.example/jwks?v=1".into(), etag: b"\"a\"".to_vec(), text: vec![] };
    let (mut exchange, next) = Exchange::begin(&rules(), Some(&known));
    assert_eq!(asked(next).etag, b"\"a\"");
    let headers: &[(&[u8], &[u8])] = &[(b"cache-control", b"max-age=60")];
    let next = exchange.answered(&rules(), Response { status: 304, headers, body: b"" });
    assert_eq!(next, Next::Unchanged { life: ms(60_000) });
}

#[test]
fn an_etag_of_another_url_is_not_sent() {
    let known =
        Body { lease: 1, uri: "https://keys.example/old".into(), etag: b"\"a\"".to_vec(), text: vec![] };
    let (mut exchange, next) = Exchange::begin(&rules(), Some(&known));
    assert_eq!(asked(next).etag, b"");
    let next = exchange.answered(&rules(), Response { status: 304, headers: &[], body: b"" });
    assert_eq!(next, Next::Failed(Failure::Status(304)));
}

fn discovered(rules: &Rules, body: &str) -> Next {
    let (mut exchange, _) = Exchange::begin(rules, None);
    exchange.answered(rules, ok(&[], body.as_bytes()))
}

#[test]
fn an_issuers_path_comes_before_the_well_known_one() {
    for (issuer, path) in [
        ("https://id.example", "/.well-known/openid-configuration"),
        ("https://id.example/", "/.well-known/openid-configuration"),
        ("https://id.example/realms/a", "/realms/a/.well-known/openid-configuration"),
        ("https://id.example/realms/a/", "/realms/a/.well-known/openid-configuration"),
    ] {
        let request = asked(Exchange::begin(&discovery(issuer, None), None).1);
        assert_eq!((&*request.cluster, &*request.authority, &*request.path), ("issuer", "id.example", path));
    }
}

#[test]
fn the_issuer_says_where_its_keys_are() {
    let text = r#"{"issuer": "https://id.example", "jwks_uri": "https://k.example:8443/keys", "scopes_supported": ["a"]}"#;
    for (jwks_cluster, cluster) in [(None, "issuer"), (Some("keys"), "keys")] {
        let rules = discovery("https://id.example", jwks_cluster);
        let (mut exchange, _) = Exchange::begin(&rules, None);
        let request = asked(exchange.answered(&rules, ok(&[], text.as_bytes())));
        assert_eq!(
            (&*request.cluster, &*request.authority, &*request.path),
            (cluster, "k.example:8443", "/keys")
        );
        let Next::Document { uri, .. } = exchange.answered(&rules, ok(&[], b"{}")) else { panic!() };
        assert_eq!(uri, "https://k.example:8443/keys");
    }
}

#[test]
fn another_issuers_configuration_is_refused_however_alike() {
    let rules = discovery("https://id.example/a", None);
    for issuer in
        ["https://id.example/a/", "https://ID.example/a", "http://id.example/a", "https://id.example", ""]
    {
        let text = format!(r#"{{"issuer": "{issuer}", "jwks_uri": "https://id.example/keys"}}"#);
        assert_eq!(discovered(&rules, &text), Next::Failed(Failure::OtherIssuer), "{issuer}");
    }
}

#[test]
fn a_configuration_that_is_none_is_refused() {
    let rules = discovery("https://id.example", None);
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
        assert!(matches!(discovered(&rules, text), Next::Failed(Failure::Discovery(_))), "{text}");
    }
    let plain = discovery("http://id.example", None);
    let text = r#"{"issuer": "http://id.example", "jwks_uri": "http://id.example/keys"}"#;
    assert!(matches!(discovered(&plain, text), Next::Ask(_)));
}

fn life(headers: &[(&[u8], &[u8])]) -> Duration {
    let (mut exchange, _) = Exchange::begin(&rules(), None);
    match exchange.answered(&rules(), ok(headers, b"")) {
        Next::Document { life, .. } => life,
        other => panic!("{other:?}"),
    }
}

#[test]
fn cache_control_shortens_the_life_within_bounds() {
    let cc = |value: &'static [u8]| life(&[(b"cache-control", value)]);
    assert_eq!(life(&[]), ms(600_000));
    for (value, milliseconds) in [
        (&b"max-age=60"[..], 60_000),
        (b"public, Max-Age=60, must-revalidate", 60_000),
        (b"max-age=\"60\"", 60_000),
        (b"max-age = 60", 60_000),
        (b"max-age=90, max-age=60", 60_000),
        (b"max-age=100000", 600_000),
        (b"max-age=99999999999999999999999", 600_000),
        (b"max-age=18446744073709551615", 600_000),
        (b"max-age=0", 10_000),
        (b"max-age=3", 10_000),
        (b"no-store", 10_000),
        (b"No-Cache", 10_000),
        (b"no-cache=\"set-cookie\", max-age=60", 60_000),
        (b"max-age=-1", 600_000),
        (b"max-age=1e3", 600_000),
        (b"max-age", 600_000),
        (b"s-maxage=60", 600_000),
        (b",,=,", 600_000),
        (b"\xff", 600_000),
    ] {
        assert_eq!(cc(value), ms(milliseconds), "{}", value.escape_ascii());
    }
    assert_eq!(life(&[(b"cache-control", b"public"), (b"cache-control", b"max-age=60")]), ms(60_000));
    assert_eq!(life(&[(b"cache-control", b"max-age=60"), (b"age", b"20")]), ms(40_000));
    assert_eq!(life(&[(b"cache-control", b"max-age=60"), (b"age", b"90")]), ms(10_000));
    assert_eq!(life(&[(b"cache-control", b"max-age=60"), (b"age", b"x")]), ms(60_000));
    assert_eq!(life(&[(b"age", b"20")]), ms(600_000));
}

#[test]
fn a_cache_duration_below_the_floor_counts() {
    let rules = Rules { life: ms(500), ..rules() };
    let (mut exchange, _) = Exchange::begin(&rules, None);
    let next = exchange.answered(&rules, ok(&[(b"cache-control", b"no-store")], b""));
    assert!(matches!(next, Next::Document { life, .. } if life == ms(500)));
}
