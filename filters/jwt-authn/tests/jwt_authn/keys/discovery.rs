//! OpenID Connect Discovery: the discovery document contains the URL of the keys.

use super::*;
use tollgate_host_test::on_both_hosts;

fn discovering(configuration: Value) -> Scenario {
    let config = json!({
        "providers": {"a": {
            "issuer": "http://id.test/realms/a/",
            "remote_jwks": {
                "oidc_discovery": {"cluster": "issuer", "jwks_cluster": "keys", "timeout": "1s"},
                "retry_policy": {"num_retries": 0},
            },
        }},
        "rules": [{"requires": {"provider_name": "a"}}],
    });
    let issuer = Upstream::answers("issuer", vec![reply(Response::new(404))]).on(
        "/realms/a/.well-known/openid-configuration",
        vec![reply(Response::new(200).chunk(configuration.to_string()))],
    );
    let token = key(0).token(&json!({"iss": "http://id.test/realms/a/", "exp": 4_000_000_000u64}));
    with(config, vec![set(&[&key(0)])]).upstream(issuer).request(with_token(&token))
}

on_both_hosts! {
    fn keys_are_where_the_issuer_says(host) {
        let configuration = json!({
            "issuer": "http://id.test/realms/a/",
            "jwks_uri": "http://certs.test:8080/realms/a/certs?v=2",
            "token_endpoint": "http://id.test/token",
        });
        let outcome = host.run(&discovering(configuration));
        outcome.has_statuses(&[200]);
        outcome.callout("issuer", 0).start("GET id.test /realms/a/.well-known/openid-configuration");
        outcome.callout("keys", 0).start("GET certs.test:8080 /realms/a/certs?v=2");
    }

    fn another_issuers_configuration_is_not_followed(host) {
        let configuration = json!({"issuer": "http://id.test/realms/a", "jwks_uri": "http://certs.test/certs"});
        let outcome = host.run(&discovering(configuration));
        outcome.has_statuses(&[503]);
        assert!(!outcome.callouts.contains_key("keys") || outcome.callouts["keys"].is_empty());
    }

    fn nor_is_one_that_is_none(host) {
        host.run(&discovering(json!(["http://certs.test/certs"]))).has_statuses(&[503]);
    }
}
