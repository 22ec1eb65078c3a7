//! The JSON Schema, and Istio's own definition of `AuthorizationPolicy`, if available (`ISTIO_CRDS`).

use crate::istio::{AuthorizationPolicy, Condition, From, Istio, Operation, Rule, Source, Spec, To};
use serde_json::Value;
use std::collections::BTreeSet;
use tollgate_filter_testing::schema;
use tollgate_policy::Config;
use tollgate_policy::config::Object;

#[test]
fn the_schema_describes_every_field() {
    let schema = schema::of::<Istio>();
    schema::describes_every_field(&schema);
    assert_eq!(schema["required"], serde_json::json!(["policies"]));
    assert_eq!(schema["properties"]["trust_domains"]["default"], serde_json::json!(["cluster.local"]));
    let principals = &schema["$defs"]["Source"]["properties"]["principals"];
    assert_eq!((&principals["type"], &principals["minItems"]), (&"array".into(), &1.into()));
    assert_eq!(principals["items"], serde_json::json!({"type": "string"}));
    assert_eq!(schema["$defs"]["From"]["required"], serde_json::json!(["source"]));
}

/// Returns the names of the fields of a type.
fn fields<T: Config + Object>() -> BTreeSet<String> {
    T::blank().fields().iter().map(|field| field.name.into()).collect()
}

#[test]
fn every_field_of_a_policy_is_known() {
    let Some(path) = std::env::var_os("ISTIO_CRDS") else {
        println!("not run: set ISTIO_CRDS to Istio's crds.yaml to check `policies` against it");
        return;
    };
    let text = std::fs::read_to_string(&path).unwrap();
    let crds: Vec<Value> = serde_saphyr::from_multiple(&text).unwrap();
    let crd = crds.iter().find(|crd| crd["spec"]["names"]["kind"] == "AuthorizationPolicy").unwrap();
    let versions = crd["spec"]["versions"].as_array().unwrap();
    let names: BTreeSet<_> = versions.iter().map(|version| version["name"].as_str().unwrap()).collect();
    assert_eq!(names, BTreeSet::from(["v1", "v1beta1"]));
    for version in versions {
        let policy = &version["schema"]["openAPIV3Schema"];
        let check = |path: &str, known: BTreeSet<String>| {
            let theirs = path.split('.').filter(|step| !step.is_empty()).fold(policy, |schema, step| {
                let schema = &schema["properties"][step];
                if schema["items"].is_object() { &schema["items"] } else { schema }
            });
            let theirs: BTreeSet<_> = theirs["properties"].as_object().unwrap().keys().cloned().collect();
            assert_eq!(theirs, known, "{path}");
        };
        // Kubernetes adds the other fields of a resource.
        let mut resource = fields::<AuthorizationPolicy>();
        for field in ["apiVersion", "kind", "metadata"] {
            assert!(resource.remove(field), "{field}");
        }
        check("", resource);
        let mut spec = fields::<Spec>();
        // Rejected with an explanation.
        assert!(Spec::blank().instead().iter().any(|(name, _)| *name == "provider"));
        spec.insert("provider".into());
        check("spec", spec);
        check("spec.rules", fields::<Rule>());
        check("spec.rules.from", fields::<From>());
        check("spec.rules.from.source", fields::<Source>());
        check("spec.rules.to", fields::<To>());
        check("spec.rules.to.operation", fields::<Operation>());
        check("spec.rules.when", fields::<Condition>());
    }
}
