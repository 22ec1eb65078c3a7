//! Requests that match a rule, and those that do not.

use super::decision_of_rule;

/// Checks a rule in a policy that denies and in one that allows: for attributes with one value, both match
/// the same requests.
fn check(rule: &str, yes: &[&str], no: &[&str]) {
    for attributes in yes {
        assert_eq!(decision_of_rule("DENY", rule, attributes), "deny default/a[0]", "{rule}: {attributes}");
        assert_eq!(decision_of_rule("ALLOW", rule, attributes), "allow", "{rule}: {attributes}");
    }
    for attributes in no {
        assert_eq!(decision_of_rule("DENY", rule, attributes), "allow", "{rule}: {attributes}");
        assert_eq!(decision_of_rule("ALLOW", rule, attributes), "deny", "{rule}: {attributes}");
    }
}

/// Returns the name of the negation of a field.
fn negation(field: &str) -> String {
    let mut letters = field.chars();
    let first = letters.next().map(|letter| letter.to_ascii_uppercase());
    format!("not{}{}", first.unwrap(), letters.as_str())
}

fn source(field: &str, values: &str, yes: &[&str], no: &[&str]) {
    check(&format!("from: [{{source: {{{field}: [{values}]}}}}]"), yes, no);
    check(&format!("from: [{{source: {{{}: [{values}]}}}}]", negation(field)), no, yes);
}

fn operation(field: &str, values: &str, yes: &[&str], no: &[&str]) {
    check(&format!("to: [{{operation: {{{field}: [{values}]}}}}]"), yes, no);
    check(&format!("to: [{{operation: {{{}: [{values}]}}}}]", negation(field)), no, yes);
}

fn when(key: &str, values: &str, yes: &[&str], no: &[&str]) {
    check(&format!("when: [{{key: '{key}', values: [{values}]}}]"), yes, no);
    check(&format!("when: [{{key: '{key}', notValues: [{values}]}}]"), no, yes);
}

#[test]
fn principals_have_wildcards_at_their_ends() {
    let cart = "source.principal=other/ns/shop/sa/cart";
    let pay = "source.principal=other/ns/pay/sa/api";
    for by in [source as fn(&str, &str, &[&str], &[&str]), |_, values, yes, no| {
        when("source.principal", values, yes, no);
    }] {
        by("principals", "other/ns/shop/sa/cart", &[cart], &[pay, ""]);
        by("principals", "other/ns/shop/*", &[cart], &[pay, ""]);
        by("principals", "'*/sa/cart'", &[cart], &[pay, ""]);
        by("principals", "'*/sa/cart', other/ns/pay/sa/api", &[cart, pay], &["source.principal=x/y", ""]);
        by("principals", "'*'", &[cart, pay], &["", "request.path=/a"]);
    }
}

#[test]
fn trust_domains_of_the_mesh_stand_for_each_other() {
    let [new, old, local, other] =
        ["td", "old-td", "cluster.local", "x-td"].map(|td| format!("source.principal={td}/ns/a/sa/b"));
    let (new, old, local, other): (&str, &str, &str, &str) = (&new, &old, &local, &other);
    for value in ["cluster.local/ns/a/sa/b", "td/ns/a/sa/b", "old-td/ns/a/sa/*"] {
        source("principals", value, &[new, old], &[local, other]);
    }
    source("principals", "x-td/ns/a/sa/b", &[other], &[new, old, local]);
    source("principals", "'*/ns/a/sa/b'", &[new, old, local, other], &[]);
    // As in Istio, the other trust domains of the mesh are added to those that match.
    source("principals", "'*-td/ns/a/sa/b'", &[new, old, other], &[local]);
    // As in Istio, a principal with fewer parts is not extended.
    source("principals", "td/ns/*", &[new], &[old, local, other]);
    source("trustDomains", "td", &[new, old], &[local, other, ""]);
    source("trustDomains", "'*-td'", &[old, other], &[new, local, ""]);
    source("trustDomains", "cluster.local", &[local], &[new, old, other]);
    when("source.trustDomain", "'*'", &[local, new], &[""]);
}

#[test]
fn namespaces_and_service_accounts_are_those_of_the_peer() {
    let (cart, api) = ("source.principal=td/ns/shop/sa/cart", "source.principal=x/ns/default/sa/api");
    source("namespaces", "shop", &[cart], &[api, ""]);
    source("namespaces", "'sh*', '*-x'", &[cart, "source.principal=x/ns/a-x/sa/b"], &[api]);
    source("namespaces", "'s*o*'", &[cart], &[api, "source.principal=x/ns/so.x/sa/b/c", ""]);
    source(
        "namespaces",
        "'a.*.b'",
        &["source.principal=x/ns/a.x.b/sa/c"],
        &["source.principal=x/ns/aaxbb/sa/c"],
    );
    source("namespaces", "'*'", &[cart, api], &["source.principal=x/y", ""]);
    when("source.namespace", "shop", &[cart], &[api]);
    source("serviceAccounts", "shop/cart", &[cart], &[api, ""]);
    source("serviceAccounts", "api", &[api], &[cart, "source.principal=x/ns/shop/sa/api"]);
    when("source.serviceAccount", "shop/cart, api", &[cart, api], &["source.principal=x/ns/shop/sa/api", ""]);
}

#[test]
fn request_principals_are_an_issuer_and_a_subject() {
    const CLAIMS: [&str; 2] = ["request.auth.claims[iss]", "request.auth.claims[sub]"];
    let token = |issuer: &str, subject: &str| format!("{}={issuer} {}={subject}", CLAIMS[0], CLAIMS[1]);
    let ann = token("https://idp.example", "ann");
    // Its subject has a slash, so that issuer and subject together read like those of `ann`.
    let forged = token("https:", "/idp.example/ann");
    let bob = token("https://other.example", "bob");
    let (ann, bob, forged): (&str, &str, &str) = (&ann, &bob, &forged);
    for by in [source as fn(&str, &str, &[&str], &[&str]), |_, values, yes, no| {
        when("request.auth.principal", values, yes, no);
    }] {
        let field = "requestPrincipals";
        by(field, "'https://idp.example/ann'", &[ann], &[bob, forged, ""]);
        by(field, "'https://idp.example/*'", &[ann], &[bob, forged, ""]);
        by(field, "'https://idp.example/a*'", &[ann], &[bob, ""]);
        by(field, "'*.example/bob'", &[bob], &[ann, ""]);
        by(field, "'*/bob'", &[bob], &[ann, ""]);
        by(field, "'*nn'", &[ann, forged], &[bob, ""]);
        by(field, "'https:*'", &[ann, bob], &["", "request.path=/a"]);
        by(field, "'*'", &[ann, bob], &["", "request.auth.claims[sub]=ann"]);
        by(field, "'https://other.example/bob', 'https://idp.example/ann'", &[ann, bob], &[forged, ""]);
    }
}

#[test]
fn addresses_are_those_of_the_peer_or_the_client() {
    let addresses = "source.ip=10.1.2.3 remote.ip=2001:db8::1 destination.ip=192.0.2.1";
    source("ipBlocks", "10.0.0.0/8", &[addresses], &["source.ip=11.0.0.1 remote.ip=10.0.0.1", ""]);
    source("ipBlocks", "10.1.2.3, 10.1.2.4", &[addresses], &["source.ip=10.1.2.5"]);
    source("remoteIpBlocks", "'2001:db8::/32'", &[addresses], &["source.ip=2001:db8::1"]);
    when("source.ip", "10.0.0.0/8", &[addresses], &["remote.ip=10.0.0.1"]);
    when("remote.ip", "'2001:db8::/32'", &[addresses], &["source.ip=2001:db8::1"]);
    when("destination.ip", "192.0.2.1", &[addresses], &["destination.ip=192.0.2.2", ""]);
    source("ipBlocks", "0.0.0.0/0", &[addresses], &["source.ip=2001:db8::1"]);
}

#[test]
fn operations_compare_host_method_path_and_port() {
    operation(
        "hosts",
        "Shop.example",
        &["request.host=shop.example", "request.host=shop.example:8080"],
        &["request.host=a.shop.example", ""],
    );
    operation("hosts", "'*.EXAMPLE'", &["request.host=a.example:1"], &["request.host=example"]);
    operation("hosts", "'shop.*'", &["request.host=shop.org"], &["request.host=a.shop.org"]);
    operation(
        "hosts",
        "'shop.example:8080'",
        &["request.host=shop.example:8080"],
        &["request.host=shop.example"],
    );
    operation(
        "methods",
        "GET, 'PO*'",
        &["request.method=GET", "request.method=POST"],
        &["request.method=PUT", ""],
    );
    operation("methods", "'*'", &["request.method=get"], &[""]);
    operation(
        "ports",
        "'80', '8080'",
        &["destination.port=80", "destination.port=8080"],
        &["destination.port=81", ""],
    );
    operation(
        "paths",
        "/a, '/b/*', '*.json'",
        &["request.path=/a", "request.path=/b/", "request.path=/b/c/d", "request.path=/c.json"],
        &["request.path=/a/", "request.path=/b", "request.path=/A"],
    );
    operation(
        "paths",
        "'/a/{*}/b/{**}'",
        &["request.path=/a/x/b/", "request.path=/a/x/b/c/d"],
        &["request.path=/a/x/b", "request.path=/a//b/c", "request.path=/a/x/y/b/c"],
    );
    operation("paths", "'/{**}/b', /c", &["request.path=/a/b", "request.path=/c"], &["request.path=/b"]);
    operation("paths", "'*', /a", &["request.path=/b"], &[""]);
}

#[test]
fn conditions_compare_headers_claims_and_metadata() {
    when(
        "request.headers[X-Team]",
        "a, 'b*'",
        &["request.headers[x-team]=a", "request.headers[x-team]=bc"],
        &["request.headers[x-team]=c", ""],
    );
    when("request.headers[x-team]", "'*'", &["request.headers[x-team]="], &[""]);
    when(
        "request.headers[:authority]",
        "A.example",
        &["request.host=a.example:1"],
        &["request.host=b.example"],
    );
    when("request.headers[Host]", "a.example", &["request.host=a.example"], &[""]);
    when("request.headers[:method]", "GET", &["request.method=GET"], &["request.method=PUT"]);
    when("request.headers[:scheme]", "https", &["request.scheme=https"], &["request.scheme=http"]);
    when("request.experimental.inline.headers[x-team]", "a", &["request.headers[x-team]=a"], &[""]);
    when("request.auth.audiences", "a", &["request.auth.audiences=b request.auth.audiences=a"], &[""]);
    when("request.auth.presenter", "a", &["request.auth.presenter=a"], &["request.auth.presenter=b"]);
    when(
        "request.auth.claims[groups]",
        "'ad*'",
        &["request.auth.claims[groups]=x request.auth.claims[groups]=admin"],
        &["request.auth.claims[groups]=x", ""],
    );
    when(
        "request.auth.claims[a][b.c]",
        "d",
        &["request.auth.claims[a][b.c]=d"],
        &["request.auth.claims[a]=d"],
    );
    // `*` requires a text, as in Istio.
    when("request.auth.claims[a]", "'*', b", &["request.auth.claims[a]=b"], &["request.auth.claims[a]=", ""]);
    when("connection.sni", "'*.example'", &["connection.sni=a.example"], &["connection.sni=example", ""]);
    when("destination.port", "'443'", &["destination.port=443"], &["destination.port=80"]);
    let metadata = "metadata[envoy.filters.http.lua][team]";
    for value in ["a", "'[a]'", "'[a*]'"] {
        let yes = format!("{metadata}=b {metadata}=a");
        when("experimental.envoy.filters.http.lua[team]", value, &[&yes], &[&format!("{metadata}=b"), ""]);
    }
}

#[test]
fn sources_are_alternatives_and_fields_are_conditions() {
    let rule = "
        from:
          - source: {namespaces: [shop], notPrincipals: ['*/sa/bad']}
          - source: {ipBlocks: [10.0.0.0/8]}
        to:
          - operation: {methods: [GET], paths: [/a]}
          - operation: {methods: [PUT]}
        when:
          - {key: 'request.headers[x-a]', values: ['1'], notValues: ['2']}
          - {key: 'request.headers[x-b]', notValues: ['*']}";
    let (shop, get) = ("source.principal=td/ns/shop/sa/ok", "request.method=GET request.path=/a");
    check(
        rule,
        &[
            &format!("{shop} {get} request.headers[x-a]=1"),
            "source.ip=10.1.1.1 request.method=PUT request.headers[x-a]=1",
        ],
        &[
            &format!("{shop} {get}"),
            &format!("{shop} request.method=GET request.path=/b request.headers[x-a]=1"),
            &format!("source.principal=td/ns/shop/sa/bad {get} request.headers[x-a]=1"),
            &format!("{get} request.headers[x-a]=1"),
            &format!("{shop} {get} request.headers[x-a]=1 request.headers[x-b]=1"),
        ],
    );
}

#[test]
fn an_added_value_never_helps_the_client() {
    let added = "request.headers[x-a]=1 request.headers[x-a]=2";
    let allowed = "request.headers[x-a]=1 request.headers[x-a]=3x";
    let rule = "when: [{key: 'request.headers[x-a]', values: ['1', '3*']}]";
    assert_eq!(decision_of_rule("ALLOW", rule, added), "deny");
    assert_eq!(decision_of_rule("ALLOW", rule, allowed), "allow");
    assert_eq!(decision_of_rule("DENY", rule, added), "deny default/a[0]");
    let rule = "when: [{key: 'request.headers[x-a]', notValues: ['1', '3*']}]";
    assert_eq!(decision_of_rule("ALLOW", rule, added), "deny");
    assert_eq!(decision_of_rule("DENY", rule, added), "deny default/a[0]");
    assert_eq!(decision_of_rule("DENY", rule, allowed), "allow");
}
