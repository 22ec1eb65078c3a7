//! The JSON Schema of the outer messages. Inner messages have no schema: their names have two notations.

tollgate_policy::if_schema! { use super::Envoy; }

tollgate_policy::json_schema_of!(Envoy, |_generator| {
    use tollgate_policy::config::derived::schemars::json_schema;
    use tollgate_policy::config::derived::serde_json::json;

    let list = |docs: &str| {
        let items = json!({ "type": "object" });
        json!({ "description": docs, "type": "array", "minItems": 1, "items": items })
    };
    let object = |docs: &str| json!({ "description": docs, "type": "object" });
    let rules = |docs: &str| {
        let policy = json!({
            "type": "object",
            "properties": {
                "permissions": list("Permissions, as in Envoy; one of them must match."),
                "principals": list("Principals, as in Envoy; one of them must match."),
                "condition": object("Condition in CEL, parsed, as in Envoy."),
            },
            "required": ["permissions", "principals"],
        });
        json!({
            "description": docs,
            "type": "object",
            "properties": {
                "action": {
                    "description": "Effect of the policies: reject all other requests, reject these \
                                    requests, or only log these requests.",
                    "enum": ["ALLOW", "DENY", "LOG"],
                    "default": "ALLOW",
                },
                "policies": {
                    "description": "Policies by name, evaluated in the lexical order of their names.",
                    "type": "object",
                    "additionalProperties": policy,
                },
            },
        })
    };
    let shadow_rules = rules("Policies that are evaluated but not enforced.");
    let shadow_matcher = object("Tree of matchers that is evaluated but not enforced.");
    let track = json!({
        "description": "Only `true` is accepted: requests are always counted by policy.",
        "const": true,
    });
    json_schema!({
        "description": "Configuration of Envoy's RBAC filter, `envoy.extensions.filters.http.rbac.v3.RBAC`. \
                        Names of fields are in snake_case or lowerCamelCase.",
        "type": "object",
        "properties": {
            "@type": {
                "description": "Type of the configuration, as in Envoy.",
                "const": "type.googleapis.com/envoy.extensions.filters.http.rbac.v3.RBAC",
            },
            "rules": rules("Policies. Without `rules` and `matcher`, every request is allowed."),
            "matcher": object("Tree of matchers, instead of `rules`. Other requests are rejected."),
            "shadow_rules": shadow_rules.clone(),
            "shadowRules": shadow_rules,
            "shadow_matcher": shadow_matcher.clone(),
            "shadowMatcher": shadow_matcher,
            "track_per_rule_stats": track.clone(),
            "trackPerRuleStats": track,
        },
        "additionalProperties": false,
    })
});
