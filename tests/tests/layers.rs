//! Dependencies point one way: `tollgate-policy <- policy <- shell -> sdk`. Cargo enforces that there is no way back;
//! this enforces that nobody opens another way.

use serde_json::Value;
use std::collections::BTreeMap;
use std::process::Command;

/// The packages of the workspace and what each says it depends on, except for tests.
fn packages() -> BTreeMap<String, Vec<String>> {
    let cargo = Command::new(env!("CARGO"))
        .args(["metadata", "--no-deps", "--format-version", "1", "--offline"])
        .output()
        .expect("cargo runs");
    let metadata: Value = serde_json::from_slice(&cargo.stdout).expect("cargo prints JSON");
    let text = |value: &Value| value.as_str().expect("a text").to_owned();
    let list = |value: &Value| value.as_array().expect("a list").clone();
    list(&metadata["packages"])
        .iter()
        .map(|package| {
            let normal = list(&package["dependencies"]).into_iter().filter(|d| d["kind"].is_null());
            (text(&package["name"]), normal.map(|d| text(&d["name"])).collect())
        })
        .collect()
}

#[track_caller]
fn may_only_depend_on(dependencies: &[String], allowed: impl Fn(&str) -> bool, who: &str) {
    let others: Vec<_> = dependencies.iter().filter(|d| !allowed(d)).collect();
    assert!(others.is_empty(), "{who} depends on {others:?}");
}

#[test]
fn policies_reach_no_host() {
    let pure = [
        "base64",
        "foldhash",
        "regex-lite",
        "schemars",
        "serde",
        "serde_json",
        "siphasher",
        "tollgate-jose",
        "tollgate-jwt-authn-cache",
        "tollgate-jwt-authn-extract",
        "tollgate-jwt-authn-plan",
        "tollgate-policy",
        "tollgate-rate-limit-service",
    ];
    let packages = packages();
    let is_one =
        |name: &str| ["-policy", "-plan", "-cache", "-extract"].iter().any(|end| name.ends_with(end));
    let policies: Vec<_> = packages.iter().filter(|(name, _)| is_one(name)).collect();
    assert!(policies.len() >= 2, "{packages:?}");
    for (name, dependencies) in policies {
        may_only_depend_on(dependencies, |d| pure.contains(&d), name);
    }
}

#[test]
fn a_shell_joins_its_policy_to_the_sdk_and_nothing_else() {
    let packages = packages();
    let shells = packages.keys().filter_map(|name| {
        let policy = format!("{name}-policy");
        packages.contains_key(&policy).then_some((name, policy)).filter(|(name, _)| *name != "tollgate")
    });
    let mut count = 0;
    for (shell, policy) in shells {
        let allowed = ["serde", "tollgate", "tollgate-jose", "tollgate-policy", &policy];
        may_only_depend_on(&packages[shell], |d| allowed.contains(&d), shell);
        count += 1;
    }
    assert!(count > 0);
}

#[test]
fn protobuf_is_read_and_written_in_one_place() {
    let packages = packages();
    let service = "tollgate-rate-limit-service";
    may_only_depend_on(&packages[service], |d| d == "prost", service);
    for (name, dependencies) in packages.iter().filter(|(name, _)| *name != service) {
        assert!(!dependencies.iter().any(|d| d == "prost"), "{name} depends on prost");
    }
}

#[test]
fn tokens_are_read_without_a_host() {
    let packages = packages();
    let pure = ["base64", "serde", "serde_json", "sha2", "tollgate-signature"];
    may_only_depend_on(&packages["tollgate-jose"], |d| pure.contains(&d), "tollgate-jose");
    let cryptography = ["ed25519-dalek", "hmac", "p256", "p384", "p521", "rsa", "sha2", "spki"];
    may_only_depend_on(&packages["tollgate-signature"], |d| cryptography.contains(&d), "tollgate-signature");
}

#[test]
fn the_sdk_is_thin() {
    let allowed = ["getrandom", "log", "serde", "serde_json", "tollgate-macros"];
    may_only_depend_on(&packages()["tollgate"], |d| allowed.contains(&d), "the SDK");
}

#[test]
fn the_test_host_knows_neither_the_sdk_nor_a_filter() {
    let ours_allowed = ["tollgate-pack"];
    may_only_depend_on(
        &packages()["tollgate-host-test"],
        |d| !d.starts_with("tollgate") || ours_allowed.contains(&d),
        "the test host",
    );
}

#[test]
fn the_command_line_knows_neither_the_sdk_nor_a_filter() {
    let ours_allowed = ["tollgate-host-test", "tollgate-pack"];
    may_only_depend_on(
        &packages()["tollgate-cli"],
        |d| !d.starts_with("tollgate") || ours_allowed.contains(&d),
        "the command line",
    );
}
