//! All forms of `JwtRequirement` in its comment, with requests that have all combinations of tokens.

use super::Example;
use super::examples::{FIRST, SECOND, by, first, keys, second};
use serde_json::{Value, json};
use tollgate_host_test::Request;
use tollgate_mint::Signer;

/// Requirements of two and three providers, in all combinations of `JwtRequirement`'s comment, and named
/// ones.
#[test]
fn requirements_are_put_together() {
    let any = |list: Value| json!({ "requires_any": { "requirements": list } });
    let all = |list: Value| json!({ "requires_all": { "requirements": list } });
    let (a, b, c) =
        (json!({ "provider_name": "a" }), json!({ "provider_name": "b" }), json!({ "provider_name": "c" }));
    let (missing, failed) = (json!({ "allow_missing": {} }), json!({ "allow_missing_or_failed": {} }));
    let rules: Vec<(&'static str, Value)> = vec![
        ("/empty", json!({})),
        ("/0", a.clone()),
        ("/any/2", any(json!([a, b]))),
        ("/all/2", all(json!([a, b]))),
        ("/1", all(json!([a, any(json!([b, c]))]))),
        ("/2", any(json!([a, all(json!([b, c]))]))),
        ("/3", any(json!([a, missing]))),
        ("/4", all(json!([any(json!([a, missing])), b]))),
        ("/5", any(json!([a, failed]))),
        ("/6", any(json!([a, b, missing]))),
        ("/7", missing),
        ("/8", failed),
    ];
    let paths: Vec<_> = rules.iter().map(|(path, _)| *path).chain(["/named", "/nowhere"]).collect();
    let rules = rules.into_iter().map(|(path, required)| {
        if required == json!({}) { (path, json!({})) } else { (path, json!({ "requires": required })) }
    });
    let provider = |issuer: &str, signer: &Signer, header: &str| {
        json!({
            "issuer": issuer,
            "local_jwks": keys(signer),
            "from_headers": [{ "name": header }],
            "claim_to_headers": [{ "header_name": format!("{header}-sub"), "claim_name": "sub" }],
        })
    };
    let third = Signer::ed_dsa();
    let tokens = |issuer: &str, signer: &Signer| {
        [None, Some(by(signer, issuer, json!({}))), Some(by(signer, issuer, json!({ "exp": 1 })))]
    };
    let all_tokens = [
        ("x-a", tokens(FIRST, &first())),
        ("x-b", tokens(SECOND, &second())),
        ("x-c", tokens("https://third.test", &third)),
    ];
    let mut requests = Vec::new();
    for path in &paths {
        // For each provider no token, a good one or a bad one.
        for kinds in (0..27).map(|n| [n / 9, n / 3 % 3, n % 3]) {
            let mut request = Request::get(path);
            for ((name, tokens), kind) in all_tokens.iter().zip(kinds) {
                if let Some(token) = &tokens[kind] {
                    request = request.header(name, token);
                }
            }
            // With a bad and a good token, Envoy's `allow_missing` depends on the token that it checks last.
            if *path != "/7" || !kinds.contains(&1) || !kinds.contains(&2) {
                requests.push(request);
            }
        }
    }
    let example = Example {
        providers: json!({
            "a": provider(FIRST, &first(), "x-a"),
            "b": provider(SECOND, &second(), "x-b"),
            "c": provider("https://third.test", &third, "x-c"),
        }),
        rules: rules.chain([("/named", json!({ "requirement_name": "both" }))]).collect(),
        more: json!({ "requirement_map": { "both": all(json!([a, c])) } }),
        requests,
    };
    example.agrees(&[]);
}
