//! Requests of a fetch, and evaluation of their responses.

use super::{ms, rules, uri};
use crate::Duration;
use crate::fetch::{Body, Exchange, Failure, Next, Request, Response, Rules, Source, Step, Target};

fn ok<'r>(headers: &'r [(&'r [u8], &'r [u8])], body: &'r [u8]) -> Response<'r> {
    Response { status: 200, headers, body }
}

fn asked(next: Next) -> Request {
    match next {
        Next::Ask(request) => request,
        other => panic!("{other:?}"),
    }
}

/// The value of `if-none-match`.
fn etag(request: &Request) -> Option<Vec<u8>> {
    request.headers.iter().find(|(name, _)| name.as_str() == "if-none-match").map(|(_, value)| value.clone())
}

/// The headers of a request, as text.
fn headers(request: &Request) -> Vec<String> {
    let text =
        |(name, value): &(crate::HeaderName, Vec<u8>)| format!("{name}: {}", String::from_utf8_lossy(value));
    request.headers.iter().map(text).collect()
}

const USER_AGENT: &str = concat!("user-agent: tollgate/", env!("CARGO_PKG_VERSION"));

#[test]
fn requests_a_document_at_its_url() {
    let (mut exchange, next) = Exchange::begin(&rules(), &uri(), None);
    let request = asked(next);
    assert_eq!(
        (&*request.cluster, &*request.authority, &*request.path),
        ("keys", "keys.example", "/jwks?v=1")
    );
    assert_eq!((request.timeout, request.max_bytes), (ms(1000), 1000));
    assert_eq!(headers(&request), ["accept: application/json", USER_AGENT]);
    let next = exchange.answered(&rules(), &uri(), ok(&[(b"etag", b"\"a\"")], b"{}"));
    let uri = "https://keys.example/jwks?v=1".into();
    assert_eq!(next, Next::Document { life: ms(600_000), uri, etag: b"\"a\"".to_vec() });
}

#[test]
fn accepts_only_200_and_304_with_an_etag() {
    for status in [100, 199, 201, 204, 301, 302, 304, 307, 400, 401, 403, 404, 429, 500, 503] {
        let (mut exchange, _) = Exchange::begin(&rules(), &uri(), None);
        let next = exchange.answered(
            &rules(),
            &uri(),
            Response { status, headers: &[(b"location", b"/else")], body: b"" },
        );
        assert_eq!(next, Next::Failed(Failure::Status(status)));
    }
    let known =
        Body { lease: 1, uri: "https://keys.example/jwks?v=1".into(), etag: b"\"a\"".to_vec(), text: vec![] };
    let (mut exchange, next) = Exchange::begin(&rules(), &uri(), Some(&known));
    assert_eq!(etag(&asked(next)), Some(b"\"a\"".to_vec()));
    let headers: &[(&[u8], &[u8])] = &[(b"cache-control", b"max-age=60")];
    let next = exchange.answered(&rules(), &uri(), Response { status: 304, headers, body: b"" });
    assert_eq!(next, Next::Unchanged { life: ms(60_000) });
}

#[test]
fn an_etag_of_another_url_is_not_sent() {
    let known =
        Body { lease: 1, uri: "https://keys.example/old".into(), etag: b"\"a\"".to_vec(), text: vec![] };
    let (mut exchange, next) = Exchange::begin(&rules(), &uri(), Some(&known));
    assert_eq!(etag(&asked(next)), None);
    let next = exchange.answered(&rules(), &uri(), Response { status: 304, headers: &[], body: b"" });
    assert_eq!(next, Next::Failed(Failure::Status(304)));
}

/// A document whose URL is the body of another response.
struct Located;

impl Source for Located {
    fn place(&self) -> &str {
        "located"
    }

    fn begin(&self) -> Result<Step, String> {
        Ok(Step::Locate(Target::for_json("locator", "http://locator.example")))
    }

    fn follow(&self, body: &[u8]) -> Result<Step, String> {
        match str::from_utf8(body) {
            Ok("") | Err(_) => Err("not located".into()),
            Ok(uri) => Ok(Step::Document(Target { headers: vec![], ..Target::for_json("keys", uri) })),
        }
    }
}

#[test]
fn locates_a_document_first() {
    let rules = rules();
    let known = Body { lease: 1, uri: "https://a/b".into(), etag: b"\"a\"".to_vec(), text: vec![] };
    let (mut exchange, next) = Exchange::begin(&rules, &Located, Some(&known));
    let request = asked(next);
    let parts = (&*request.cluster, &*request.authority, &*request.path);
    assert_eq!(parts, ("locator", "locator.example", "/"));
    assert_eq!((request.max_bytes, etag(&request)), (64 << 10, None));
    let request = asked(exchange.answered(&rules, &Located, ok(&[], b"https://a/b")));
    assert_eq!((&*request.cluster, &*request.authority, &*request.path), ("keys", "a", "/b"));
    assert_eq!(headers(&request), ["if-none-match: \"a\"", USER_AGENT]);
    let next = exchange.answered(&rules, &Located, ok(&[], b"{}"));
    assert!(matches!(next, Next::Document { uri, .. } if uri == "https://a/b"));
}

#[test]
fn fails_if_a_document_cannot_be_located() {
    let located = |body: &[u8]| {
        let (mut exchange, _) = Exchange::begin(&rules(), &Located, None);
        exchange.answered(&rules(), &Located, ok(&[], body))
    };
    assert_eq!(located(b""), Next::Failed(Failure::Document("not located".into())));
    let what = "the URL of the document is not an absolute URL";
    assert_eq!(located(b"/b"), Next::Failed(Failure::Document(what.into())));
    let (mut exchange, _) = Exchange::begin(&rules(), &Located, None);
    let next = exchange.answered(&rules(), &Located, Response { status: 304, headers: &[], body: b"" });
    assert_eq!(next, Next::Failed(Failure::Status(304)));
}

fn life(headers: &[(&[u8], &[u8])]) -> Duration {
    let (mut exchange, _) = Exchange::begin(&rules(), &uri(), None);
    match exchange.answered(&rules(), &uri(), ok(headers, b"")) {
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
fn a_lifetime_below_the_floor_takes_precedence() {
    let rules = Rules { life: ms(500), ..rules() };
    let (mut exchange, _) = Exchange::begin(&rules, &uri(), None);
    let next = exchange.answered(&rules, &uri(), ok(&[(b"cache-control", b"no-store")], b""));
    assert!(matches!(next, Next::Document { life, .. } if life == ms(500)));
}

#[test]
fn sends_configured_headers_with_each_request() {
    let header = |name: &str, value: &str| (name.parse().unwrap(), value.to_owned());
    let configured =
        vec![header("User-Agent", "my proxy"), header("x-api-key", "k"), header("accept", "*/*")];
    let rules = Rules { headers: configured, ..rules() };
    let expected = ["user-agent: my proxy", "x-api-key: k", "accept: */*"];
    let (mut exchange, next) = Exchange::begin(&rules, &Located, None);
    assert_eq!(headers(&asked(next)), expected);
    let next = exchange.answered(&rules, &Located, ok(&[], b"https://a/b"));
    assert_eq!(headers(&asked(next)), expected);
    let (_, next) = Exchange::begin(&rules, &uri(), None);
    assert_eq!(headers(&asked(next)), expected);
    // Documents that were fetched with other headers are not shared.
    assert_ne!(rules.identity(), self::rules().identity());
}
