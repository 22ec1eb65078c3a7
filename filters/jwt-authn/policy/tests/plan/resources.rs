//! Protected resources and their metadata (RFC 9728).

use crate::{plan, provider, refused};
use serde_json::{Value, json};
use tollgate_jwt_authn_policy::plan::{Plan, PlannedResource};
use tollgate_policy::RequestFacts;

fn planned(resources: Value) -> Plan {
    let providers = json!({
        "a": provider(json!({})),
        "b": provider(json!({"issuer": "not a url", "from_headers": [{"name": "x"}]})),
    });
    plan(json!({"providers": providers, "protected_resources": resources})).unwrap()
}

fn metadata(resource: Value) -> Value {
    serde_json::from_slice(&planned(json!([resource])).resources[0].metadata).unwrap()
}

fn facts<'a>(method: &'a str, authority: &'a str, path: &'a str) -> RequestFacts<'a> {
    let [method, authority, path] = [method, authority, path].map(str::as_bytes);
    RequestFacts { method, authority, path, ..RequestFacts::default() }
}

#[test]
fn metadata_names_the_issuers_and_the_ways_to_send_a_token() {
    assert_eq!(
        metadata(json!({"resource": "https://api.example/mcp"})),
        json!({
            "resource": "https://api.example/mcp",
            "authorization_servers": ["https://a.example"],
            "bearer_methods_supported": ["header", "query"],
        })
    );
    let all = json!({
        "resource": "https://api.example",
        "authorization_servers": ["https://other.example/tenant"],
        "scopes_supported": ["read", "write"],
        "resource_name": "The \"API\"",
        "resource_documentation": "https://docs.example/",
    });
    let mut expected = all.clone();
    expected["bearer_methods_supported"] = json!(["header", "query"]);
    assert_eq!(metadata(all), expected);
}

#[test]
fn the_location_is_between_host_and_path() {
    for (resource, url) in [
        ("https://api.example", "https://api.example/.well-known/oauth-protected-resource"),
        ("https://api.example/", "https://api.example/.well-known/oauth-protected-resource"),
        ("https://api.example/a/b", "https://api.example/.well-known/oauth-protected-resource/a/b"),
        ("http://api.example:8080/a/", "http://api.example:8080/.well-known/oauth-protected-resource/a/"),
    ] {
        assert_eq!(planned(json!([{"resource": resource}])).resources[0].metadata_url, url);
    }
}

#[test]
fn the_most_specific_resource_applies() {
    let plan = planned(json!([
        {"resource": "https://api.example"},
        {"resource": "https://api.example/mcp"},
        {"resource": "https://api.example/mcp/inner"},
        {"resource": "https://Other.example:8443/x"},
    ]));
    let url = |resource: Option<&PlannedResource>| resource.map(|resource| resource.metadata_url.clone());
    let of = |authority: &str, path: &str| url(plan.resource(&facts("GET", authority, path)));
    let at = |path: &str| Some(format!("https://api.example/.well-known/oauth-protected-resource{path}"));
    assert_eq!(of("api.example", "/"), at(""));
    assert_eq!(of("API.example:8080", "/mcp?x=1"), at("/mcp"));
    assert_eq!(of("api.example", "/mcp/tools"), at("/mcp"));
    assert_eq!(of("api.example", "/mcpx"), at(""));
    assert_eq!(of("api.example", "/mcp/inner/x"), at("/mcp/inner"));
    assert!(
        of("other.example", "/x/y").is_some_and(|url| url.starts_with("https://Other.example:8443/.well"))
    );
    assert_eq!((of("other.example", "/y"), of("evil.example", "/mcp")), (None, None));

    let document = |method: &str, authority: &str, path: &str| {
        url(plan.resource_of_metadata(&facts(method, authority, path)))
    };
    let path = "/.well-known/oauth-protected-resource";
    assert_eq!(document("GET", "api.example", path), at(""));
    assert_eq!(document("HEAD", "api.example:80", &format!("{path}/mcp?x")), at("/mcp"));
    for (method, authority, path) in [
        ("POST", "api.example", path.to_owned()),
        ("GET", "evil.example", path.to_owned()),
        ("GET", "api.example", format!("{path}/other")),
        ("GET", "api.example", format!("{path}/")),
        ("GET", "api.example", format!("{path}x")),
        ("GET", "api.example", format!("/{path}")),
    ] {
        assert_eq!(document(method, authority, &path), None, "{method} {authority}{path}");
    }
}

#[test]
fn rejects_resources_that_clients_could_not_use() {
    let error = |resource: Value| refused(json!({"protected_resources": [resource]}));
    for (resource, message) in [
        (json!({"resource": "api"}), "resource: `api` is not an absolute URL"),
        (
            json!({"resource": "https://a.example?x=1"}),
            "resource: `https://a.example?x=1` has a query but no path",
        ),
        (
            json!({"resource": "https://a.example/?x=1"}),
            "resource: `https://a.example/?x=1` must not have a query",
        ),
        (
            json!({"resource": "https://a.example/\""}),
            "resource: `https://a.example/\\\"` contains a character",
        ),
        (
            json!({"resource": "https://a.example/#x"}),
            "resource: `https://a.example/#x` must not have a fragment",
        ),
        (
            json!({"resource": "https://a.example", "authorization_servers": ["b"]}),
            "authorization_servers[0]: `b` is not an absolute URL",
        ),
        (
            json!({"resource": "https://a.example", "scopes_supported": ["a b"]}),
            "scopes_supported[0]: invalid scope",
        ),
        (
            json!({"resource": "https://a.example", "resource_documentation": "docs"}),
            "resource_documentation: `docs` is not an absolute URL",
        ),
    ] {
        let found = error(resource);
        assert!(found.starts_with(&format!("protected_resources[0].{message}")), "{found}");
    }
    let twice = json!([{"resource": "https://a.example/x"}, {"resource": "https://A.example:8443/x/"}]);
    let found = refused(json!({"protected_resources": twice}));
    assert_eq!(found, "protected_resources[1].resource: another resource has the same host and path");
}
