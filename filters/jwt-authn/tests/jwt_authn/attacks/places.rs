//! Tokens in unexpected locations, several tokens, and unusual encodings.

use super::setup::Forge;
use super::{Attack, Expected, bearer, passes, refused};
use serde_json::json;
use tollgate_host_test::Request;
use tollgate_jwt_authn_policy::Reason::{
    BadFormat, HeaderNotBase64, HeaderNotJson, Missing, SignatureInvalid, SignatureNotBase64, TooManyTokens,
};

const ALICE: &[(&str, Option<&str>)] = &[("x-sub", Some("alice")), ("authorization", None), ("cookie", None)];

pub fn attacks(forge: &Forge) -> Vec<Attack> {
    [headers(forge), queries(forge), cookies(forge), elsewhere(forge)].into_iter().flatten().collect()
}

/// A token with good claims, signed with the wrong key.
fn bad(forge: &Forge) -> String {
    forge.own_rsa.clone().without_kid().token(&forge.claims())
}

fn headers(forge: &Forge) -> Vec<Attack> {
    let (good, bad) = (forge.good(), bad(forge));
    let authorization = |value: String| Request::get("/").header("Authorization", value);
    let both =
        |first: &str, second: &str| bearer("/", first).header("authorization", format!("Bearer {second}"));
    vec![
        // Envoy joins them with a comma; its own filter uses the first token.
        refused("a good Authorization and a bad one", BadFormat, both(&good, &bad)),
        refused("a bad Authorization and a good one", BadFormat, both(&bad, &good)),
        refused(
            "a good Authorization and a bad x-token",
            SignatureInvalid,
            bearer("/", &good).header("x-token", &bad),
        ),
        refused(
            "a bad Authorization and a good x-token",
            SignatureInvalid,
            bearer("/", &bad).header("x-token", &good),
        ),
        refused("two tokens with a space between", BadFormat, authorization(format!("Bearer {good} {bad}"))),
        refused(
            "two tokens with a comma between",
            BadFormat,
            authorization(format!("Bearer {good}, Bearer {bad}")),
        ),
        refused(
            "parameters after the token",
            SignatureNotBase64,
            authorization(format!("Bearer {good}, realm=\"x\"")),
        ),
        refused("another scheme", Missing, authorization(format!("Basic {good}"))),
        refused("no scheme", Missing, authorization(good.clone())),
        refused("a tab after the scheme", Missing, authorization(format!("Bearer\t{good}"))),
        refused("a scheme alone", Missing, authorization("Bearer".into())),
        refused("a scheme that is longer", Missing, authorization(format!("Bearers {good}"))),
        refused("an empty Authorization", Missing, authorization(String::new())),
        refused(
            "a byte of 255 after the token",
            SignatureNotBase64,
            bearer("/", [good.as_bytes(), b"\xff"].concat()),
        ),
        refused("nothing but bytes of 255", BadFormat, bearer("/", [0xff; 20])),
        passes("the scheme in lower case", authorization(format!("bearer {good}")), ALICE),
        passes("the scheme in capitals", authorization(format!("BEARER {good}")), ALICE),
        passes("spaces after the scheme", authorization(format!("Bearer    {good}")), ALICE),
        refused("the same Authorization twice", BadFormat, both(&good, &good)),
    ]
}

fn queries(forge: &Forge) -> Vec<Attack> {
    let (good, bad) = (forge.good(), bad(forge));
    let bob = forge.token(json!({ "sub": "bob" }));
    let escaped = |text: &str| text.bytes().map(|byte| format!("%{byte:02x}")).collect::<String>();
    let get = |query: String| Request::get(&format!("/?{query}"));
    let first: String = good.chars().take(1).collect();
    vec![
        refused(
            "a good token and a bad one in the query",
            SignatureInvalid,
            get(format!("access_token={good}&access_token={bad}")),
        ),
        refused(
            "a bad token and a good one in the query",
            SignatureInvalid,
            get(format!("access_token={bad}&access_token={good}")),
        ),
        refused(
            "a bad token in the query and a good header",
            SignatureInvalid,
            bearer(&format!("/?access_token={bad}"), &good),
        ),
        refused("an empty token in the query and a good header", BadFormat, bearer("/?access_token=", &good)),
        refused(
            "a token that is escaped twice",
            BadFormat,
            get(format!("access_token={}", escaped(&escaped(&good)))),
        ),
        refused("half an escape in the token", SignatureNotBase64, get(format!("access_token={good}%2"))),
        refused("a parameter in capitals", Missing, get(format!("ACCESS_TOKEN={good}"))),
        refused("a parameter in brackets", Missing, get(format!("access_token[]={good}"))),
        refused("a parameter after a semicolon", Missing, get(format!("a=1;access_token={good}"))),
        passes("a token that is escaped", get(format!("a=1&access_token={}&b=2", escaped(&good))), ALICE),
        passes("a parameter that is escaped", get(format!("%61ccess%5ftoken={good}")), ALICE),
        passes(
            "a letter that is escaped",
            get(format!("access_token={}{}", escaped(&first), &good[1..])),
            ALICE,
        ),
        // Both tokens are valid; as in Envoy, both are passed on.
        passes(
            "a token of each of two callers",
            bearer(&format!("/?access_token={bob}"), &good),
            &[("x-sub", Some("alice,bob")), ("authorization", None)],
        ),
    ]
}

fn cookies(forge: &Forge) -> Vec<Attack> {
    let (good, bad) = (forge.good(), bad(forge));
    let get = |cookies: String| Request::get("/").header("cookie", cookies);
    let many = (0..100).map(|n| format!("session=a.b.{n}")).collect::<Vec<_>>().join("; ");
    let headers = (0..90).fold(Request::get("/"), |request, n| request.header("x-token", format!("a.b.{n}")));
    let over = (0..120).fold(Request::get("/"), |request, n| request.header("x-token", format!("a.b.{n}")));
    vec![
        refused(
            "a good cookie and a bad one",
            SignatureInvalid,
            get(format!("session={good}; session={bad}")),
        ),
        refused(
            "a bad cookie and a good one",
            SignatureInvalid,
            get(format!("session={bad}; session={good}")),
        ),
        refused(
            "two cookie headers",
            SignatureInvalid,
            get(format!("session={good}")).header("cookie", format!("session={bad}")),
        ),
        refused(
            "a good cookie and a bad header",
            SignatureInvalid,
            bearer("/", &bad).header("cookie", format!("session={good}")),
        ),
        refused("a cookie in capitals", Missing, get(format!("SESSION={good}"))),
        refused("a cookie by a longer name", Missing, get(format!("session2={good}"))),
        refused("a cookie with a comma", Missing, get(format!("a=1, session={good}"))),
        refused("100 tokens in cookies", TooManyTokens, get(many)),
        refused("90 tokens in headers", TooManyTokens, headers),
        Attack { name: "120 tokens in headers", request: over, expected: Expected::NotAccepted(431) },
        passes("a cookie in quotes", get(format!("session=\"{good}\"")), ALICE),
        passes(
            "a cookie among others",
            get(format!("a=1; session={good}; b=2")),
            &[("x-sub", Some("alice")), ("cookie", Some("a=1; b=2"))],
        ),
    ]
}

fn elsewhere(forge: &Forge) -> Vec<Attack> {
    let good = forge.good();
    let form = Request::post("/", format!("access_token={good}"))
        .header("content-type", "application/x-www-form-urlencoded");
    vec![
        refused("no token", Missing, Request::get("/")),
        refused("a token in the body", Missing, form),
        refused(
            "a token in another header",
            Missing,
            Request::get("/").header("x-authorization", format!("Bearer {good}")),
        ),
        refused(
            "a token in Proxy-Authorization",
            Missing,
            Request::get("/").header("proxy-authorization", format!("Bearer {good}")),
        ),
        refused("a token in the path", Missing, Request::get(&format!("/access_token={good}"))),
        refused(
            "a token in a trailer",
            Missing,
            Request::post("/", "x").trailer("authorization", format!("Bearer {good}")),
        ),
        refused(
            "x-token with a scheme",
            HeaderNotBase64,
            Request::get("/").header("x-token", format!("Bearer {good}")),
        ),
        refused("x-token that is empty", BadFormat, Request::get("/").header("x-token", "")),
        refused("x-token that is dots", HeaderNotJson, Request::get("/").header("x-token", "..")),
        Attack {
            name: "a token in a fragment",
            request: Request::get(&format!("/#access_token={good}")),
            expected: Expected::NotAccepted(400),
        },
        Attack {
            name: "NUL in Authorization",
            request: bearer("/", format!("{good}\0")),
            expected: Expected::NotAccepted(400),
        },
    ]
}
