use super::*;
use crate::config::OnError;

fn plan(text: &str) -> Result<Plan, ConfigProblem> {
    Plan::new(serde_json::from_str(text).unwrap(), |_| None)
}

/// Two providers with fetched keys, and the rest of a configuration.
fn with(rest: &str) -> Result<Plan, ConfigProblem> {
    let remote =
        |host: &str| format!(r#"{{"http_uri": {{"uri": "https://{host}/keys", "cluster": "{host}"}}}}"#);
    plan(&format!(
        r#"{{"providers": {{"auth0": {{"issuer": "https://a", "remote_jwks": {a}}}, "okta": {{"remote_jwks": {b}}}}}, {rest}}}"#,
        a = remote("a"),
        b = remote("b"),
    ))
}

fn required(plan: &Plan) -> Vec<String> {
    plan.rules.iter().map(|rule| format!("{:?}", rule.required)).collect()
}

#[test]
fn names_become_places() {
    let plan = with(
        r#""requirement_map": {"any": {"requires_any": {"requirements": [{"provider_name": "okta"}, {"allow_missing": {}}]}}},
           "rules": [
             {"match": {"paths": [{"prefix": "/a"}]}, "requires": {"provider_name": "auth0"}},
             {"match": {"paths": [{"prefix": "/b"}]}, "requirement_name": "any", "required_scopes": ["read"]},
             {"requires": {"provider_and_audiences": {"provider_name": "okta", "audiences": ["x"]}}},
             {}
           ]"#,
    )
    .unwrap();
    assert_eq!(
        required(&plan),
        [
            "Provider(0, None)",
            "Any([Provider(1, None), AllowMissing])",
            "Provider(1, Some([\"x\"]))",
            "Nothing"
        ]
    );
    assert_eq!(plan.rules[1].scopes, ["read"]);
    let names: Vec<_> =
        plan.providers.iter().map(|provider| (provider.name.as_str(), provider.source)).collect();
    assert_eq!(names, [("auth0", 0), ("okta", 1)]);
    assert_eq!((plan.providers_of("https://a"), plan.providers_of("https://z")), (&[0][..], &[1][..]));
}

#[test]
fn defaults_are_filled_in() {
    let plan = with(r#""rules": []"#).unwrap();
    let provider = &plan.providers[0].config;
    let header = &provider.from_headers[0];
    assert_eq!((header.name.as_str(), header.value_prefix.as_str()), ("authorization", "Bearer "));
    assert_eq!(provider.from_params, ["access_token"]);
    let Source::Remote(source) = &plan.sources[0] else { panic!("{:?}", plan.sources) };
    let seconds = |duration: tollgate_policy::Duration| duration.as_nanos() / 1_000_000_000;
    assert_eq!(seconds(source.cache_duration), 600);
    assert_eq!(seconds(source.failed_refetch_duration), 1);
    assert_eq!((source.num_retries, seconds(source.base_interval), seconds(source.max_interval)), (1, 1, 10));
    assert_eq!(source.refetch_on_unknown_kid.map(seconds), Some(30));
    assert_eq!((seconds(source.stale_if_error), source.max_bytes, source.max_keys), (3600, 262_144, 100));
    assert_eq!(plan.config.on_error, OnError::Deny);
}

#[test]
fn an_unknown_name_is_refused_with_those_that_are_known() {
    let problem = with(
        r#""rules": [{}, {}, {"requires": {"requires_any": {"requirements": [{"allow_missing": {}}, {"provider_name": "auht0"}]}}}]"#,
    )
    .unwrap_err();
    assert_eq!(
        problem.to_string(),
        "rules[2].requires.requires_any.requirements[1].provider_name: no provider is named `auht0`; there is `auth0`, `okta`"
    );
}
