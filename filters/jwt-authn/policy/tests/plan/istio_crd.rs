//! Istio's own definition of `RequestAuthentication`, if available (`ISTIO_CRDS`).

use serde_json::{Value, json};
use std::collections::BTreeSet;

const SCHEMA: &str = include_str!("../../../config.schema.json");

fn names(properties: &Value) -> BTreeSet<String> {
    properties.as_object().unwrap().keys().cloned().collect()
}

#[test]
fn every_field_of_a_rule_is_known() {
    let Some(path) = std::env::var_os("ISTIO_CRDS") else {
        println!("not run: set ISTIO_CRDS to Istio's crds.yaml to check `jwtRules` against it");
        return;
    };
    let text = std::fs::read_to_string(&path).unwrap();
    let crds: Vec<Value> = serde_saphyr::from_multiple(&text).unwrap();
    let crd = crds.iter().find(|crd| crd["spec"]["names"]["kind"] == "RequestAuthentication").unwrap();
    let ours: Value = serde_json::from_str(SCHEMA).unwrap();
    let versions = crd["spec"]["versions"].as_array().unwrap();
    assert!(versions.iter().any(|version| version["name"] == "v1"));
    for version in versions {
        let spec = &version["schema"]["openAPIV3Schema"]["properties"]["spec"];
        let theirs = &spec["properties"]["jwtRules"]["items"]["properties"];
        let mut known = names(&ours["$defs"]["JwtRule"]["properties"]);
        known.insert("jwks_uri".into());
        // Newer versions of Istio have it.
        let theirs_or_newer: BTreeSet<_> = names(theirs).into_iter().chain(["presence".into()]).collect();
        assert_eq!(theirs_or_newer, known);
        for (list, of) in [("fromHeaders", "IstioHeader"), ("outputClaimToHeaders", "IstioClaimToHeader")] {
            let theirs = names(&theirs[list]["items"]["properties"]);
            assert_eq!(theirs, names(&ours["$defs"][of]["properties"]), "{list}");
        }
    }
    let rule = json!({"issuer": "https://a.example", "jwks_uri": "https://a.example/keys"});
    crate::plan(json!({"jwtRules": [rule]})).unwrap();
}
