//! Output headers that are forged by a client or by a claim.

use super::setup::Forge;
use super::{Attack, bearer, passes};
use serde_json::{Value, json};
use tollgate_host_test::Request;

/// No output headers.
const NOTHING: &[(&str, Option<&str>)] =
    &[("x-jwt-payload", None), ("x-sub", None), ("x-name", None), ("x-roles", None)];

pub fn attacks(forge: &Forge) -> Vec<Attack> {
    forged(forge).into_iter().chain(claims(forge)).collect()
}

fn forged(forge: &Forge) -> Vec<Attack> {
    let says = |request: Request| {
        request
            .header("x-jwt-payload", "e30")
            .header("x-sub", "admin")
            .header("x-name", "Admin")
            .header("x-roles", "admin")
    };
    let bad = forge.own_rsa.clone().without_kid().token(&forge.claims());
    let alice = [("x-sub", Some("alice")), ("x-name", None), ("x-roles", None)];
    let repeated = (0..10)
        .fold(Request::get("/open/"), |request, _| request.header("x-sub", "admin").header("X-SUB", "root"));
    let shown = bearer("/", forge.good());
    vec![
        passes("forged results with a token", says(shown.clone()), &alice),
        passes(
            "forged results in capitals",
            shown.clone().header("X-SUB", "admin").header("X-Name", "Admin"),
            &alice,
        ),
        passes("forged results twice", shown.header("x-sub", "admin").header("x-sub", "root"), &alice),
        passes("forged results where no rule is", says(Request::get("/open/")), NOTHING),
        passes("forged results many times", repeated, NOTHING),
        passes("forged results where a token may be missing", says(Request::get("/optional/")), NOTHING),
        passes("forged results with a bad token where it may be", says(bearer("/whatever/", bad)), NOTHING),
        passes(
            "forged results of another provider",
            says(bearer("/other/", forge.other.token(&forge.with(json!({ "iss": super::setup::OTHER }))))),
            NOTHING,
        ),
        passes(
            "forged sign of a verified token",
            bearer("/extract/", forge.good()).header("x-jwt-signature-verified", "true"),
            &[("x-jwt-signature-verified", Some("false"))],
        ),
        passes(
            "forged sign of a verified token, elsewhere",
            bearer("/", forge.good()).header("x-jwt-signature-verified", "true"),
            &[("x-jwt-signature-verified", None)],
        ),
    ]
}

/// Claims that would break out of their header. The request is allowed without the claim.
fn claims(forge: &Forge) -> Vec<Attack> {
    let row = |name, change: Value, upstream: &[(&'static str, Option<&str>)]| {
        passes(name, bearer("/", forge.token(change)).header("x-name", "forged"), upstream)
    };
    let no_name = &[("x-name", None), ("x-admin", None), ("x-sub", Some("alice"))];
    vec![
        row("a header in a claim", json!({ "name": "a\r\nx-admin: 1" }), no_name),
        row("a line end in a claim", json!({ "name": "a\nb" }), no_name),
        row("a carriage return in a claim", json!({ "name": "a\rb" }), no_name),
        row("NUL in a claim", json!({ "name": "a\0b" }), no_name),
        row("a control character in a claim", json!({ "name": "a\u{1b}[2Jb" }), no_name),
        row("spaces around a claim", json!({ "name": " admin " }), no_name),
        row("a claim that is null", json!({ "name": null }), no_name),
        row("a claim that is empty", json!({ "name": "" }), no_name),
        row(
            "a comma in an element",
            json!({ "roles": ["a,admin"] }),
            &[("x-roles", Some("WyJhLGFkbWluIl0="))],
        ),
        row("a line end in an element", json!({ "roles": ["a\r\nx-admin: 1"] }), &[("x-admin", None)]),
        row("a line end in the subject", json!({ "sub": "a\nb" }), &[("x-sub", None)]),
        row("another script in a claim", json!({ "name": "\u{202e}nimda" }), &[("x-sub", Some("alice"))]),
    ]
}
