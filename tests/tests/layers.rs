//! Dependencies have one direction: `types <- {sdk, vocabulary <- {kit, policy}} <- shell`. Cargo prevents
//! cycles; these tests prevent other dependencies.

use serde_json::Value;
use std::collections::BTreeMap;
use std::process::Command;

/// Returns the packages of the workspace with their dependencies, except dev-dependencies.
fn packages() -> BTreeMap<String, Vec<String>> {
    let cargo = Command::new(env!("CARGO"))
        .args(["metadata", "--no-deps", "--format-version", "1", "--offline"])
        .output()
        .expect("cannot run cargo");
    let metadata: Value = serde_json::from_slice(&cargo.stdout).expect("output of cargo is not JSON");
    let text = |value: &Value| value.as_str().expect("expected a string").to_owned();
    let list = |value: &Value| value.as_array().expect("expected an array").clone();
    list(&metadata["packages"])
        .iter()
        .map(|package| {
            let normal = list(&package["dependencies"]).into_iter().filter(|d| d["kind"].is_null());
            (text(&package["name"]), normal.map(|d| text(&d["name"])).collect())
        })
        .collect()
}

#[track_caller]
fn may_only_depend_on(dependencies: &[String], allowed: impl Fn(&str) -> bool, name: &str) {
    let others: Vec<_> = dependencies.iter().filter(|d| !allowed(d)).collect();
    assert!(others.is_empty(), "{name}: dependencies {others:?} are not allowed");
}

#[test]
fn policies_do_not_depend_on_a_host() {
    let pure = [
        "base64",
        "foldhash",
        "regex-lite",
        "schemars",
        "serde",
        "serde_json",
        "siphasher",
        "tollgate-cel",
        "tollgate-cel",
        "tollgate-counting",
        "tollgate-jose",
        "tollgate-jwt-authn-plan",
        "tollgate-jwt-authn-token",
        "tollgate-policy",
        "tollgate-rate-limit-service",
        "tollgate-types",
    ];
    let packages = packages();
    let is_policy =
        |name: &str| ["-policy", "-plan", "-token", "-counting"].iter().any(|end| name.ends_with(end));
    let policies: Vec<_> = packages.iter().filter(|(name, _)| is_policy(name)).collect();
    assert!(policies.len() >= 2, "{packages:?}");
    for (name, dependencies) in policies {
        may_only_depend_on(dependencies, |d| pure.contains(&d), name);
    }
}

#[test]
fn a_shell_depends_only_on_its_policy_and_the_sdk() {
    let packages = packages();
    let shells = packages.keys().filter_map(|name| {
        let policy = format!("{name}-policy");
        packages.contains_key(&policy).then_some((name, policy)).filter(|(name, _)| *name != "tollgate")
    });
    let mut count = 0;
    for (shell, policy) in shells {
        let allowed =
            ["tollgate", "tollgate-counting", "tollgate-jose", "tollgate-kit", "tollgate-policy", &policy];
        may_only_depend_on(&packages[shell], |d| allowed.contains(&d), shell);
        count += 1;
    }
    assert!(count > 0);
}

#[test]
fn the_kit_depends_on_no_filter() {
    let allowed = ["tollgate", "tollgate-counting", "tollgate-policy"];
    may_only_depend_on(&packages()["tollgate-kit"], |d| allowed.contains(&d), "the kit");
}

#[test]
fn only_one_crate_depends_on_prost() {
    let packages = packages();
    let service = "tollgate-rate-limit-service";
    may_only_depend_on(&packages[service], |d| d == "prost", service);
    for (name, dependencies) in packages.iter().filter(|(name, _)| *name != service) {
        assert!(!dependencies.iter().any(|d| d == "prost"), "{name}: dependency on prost is not allowed");
    }
}

#[test]
fn token_crates_do_not_depend_on_a_host() {
    let pure = ["base64", "serde", "serde_json"];
    let cryptography = ["ed25519-dalek", "hmac", "p256", "p384", "p521", "rsa", "sha2", "spki"];
    let allowed = [&pure[..], &cryptography].concat();
    may_only_depend_on(&packages()["tollgate-jose"], |d| allowed.contains(&d), "tollgate-jose");
}

#[test]
fn the_expression_language_depends_on_no_other_crate() {
    let allowed = ["regex-lite", "serde_json"];
    may_only_depend_on(&packages()["tollgate-cel"], |d| allowed.contains(&d), "tollgate-cel");
}

#[test]
fn the_sdk_has_few_dependencies() {
    // `proxy-wasm` is optional.
    let allowed =
        ["getrandom", "log", "proxy-wasm", "serde", "serde_json", "tollgate-macros", "tollgate-types"];
    may_only_depend_on(&packages()["tollgate"], |d| allowed.contains(&d), "the SDK");
}

#[test]
fn the_shared_types_depend_on_no_host_and_no_vocabulary() {
    let allowed = ["schemars", "serde", "serde_json", "tollgate-macros"];
    may_only_depend_on(&packages()["tollgate-types"], |d| allowed.contains(&d), "the shared types");
    let allowed = ["regex-lite", "serde_json", "tollgate-types"];
    may_only_depend_on(&packages()["tollgate-policy"], |d| allowed.contains(&d), "the vocabulary");
}

#[test]
fn the_test_host_depends_on_no_sdk_and_no_filter() {
    let ours_allowed = ["tollgate-pack"];
    may_only_depend_on(
        &packages()["tollgate-host-test"],
        |d| !d.starts_with("tollgate") || ours_allowed.contains(&d),
        "the test host",
    );
}

#[test]
fn the_cli_depends_on_no_sdk_and_no_filter() {
    // `explain` and `authz test` decide with the policy of the rbac filter, without its module.
    let ours_allowed =
        ["tollgate-host-test", "tollgate-pack", "tollgate-policy", "tollgate-rbac-policy", "tollgate-types"];
    may_only_depend_on(
        &packages()["tollgate-cli"],
        |d| !d.starts_with("tollgate") || ours_allowed.contains(&d),
        "the CLI",
    );
}
