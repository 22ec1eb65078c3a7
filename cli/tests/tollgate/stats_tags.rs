use crate::support::{hello, tollgate};
use serde_json::{Value, json};
use std::net::SocketAddr;
use tollgate_host_test::envoy::bootstrap::{INGRESS, bootstrap, connection_manager, listener, wasm};
use tollgate_host_test::envoy::{Options, Process};
use tollgate_host_test::scenario::text::yaml;
use tollgate_host_test::{Filter, Wasm};

fn configured(package: &str, config: Value) -> Filter {
    Filter::new(Wasm::package(package)).config(config)
}

#[test]
fn envoy_turns_names_into_labels_with_the_printed_rules() {
    let everything =
        configured("fixture-everything", json!({ "teams": ["red", "blue-1"], "stat_prefix": "edge.eu" }));
    let rates = json!([{ "sliding_window": { "requests": 1, "window": "1h" } }]);
    let limits = json!({ "domain": "shop", "limits": { "per_user": { "rates": rates } } });
    let rate_limit = configured("tollgate-rate-limit", limits);
    let paths = [&everything, &rate_limit].map(|filter| filter.wasm.path().display().to_string());
    let said = tollgate(&["stats-tags", &paths[0], &paths[1]]);
    assert_eq!(said.exit, 0, "{said:?}");
    let rules = yaml::document(&said.out, yaml::Dialect::V1_1).unwrap();

    let manager = connection_manager(vec![wasm(&everything), wasm(&rate_limit)], &[]);
    let listener = listener(INGRESS, SocketAddr::from(([127, 0, 0, 1], 0)), manager);
    let mut config = bootstrap(&[listener], &[]);
    config["stats_config"] = rules["stats_config"].clone();
    let envoy = Process::start(&config, &Options::default()).unwrap_or_else(|error| panic!("{error}"));
    let page = envoy.admin_page("/stats/prometheus").unwrap();
    let has = |name: &str, labels: &[&str]| {
        page.lines().any(|line| {
            let Some((found, rest)) = line.split_once('{') else { return false };
            let Some((found_labels, _)) = rest.split_once('}') else { return false };
            let mut found_labels: Vec<_> =
                found_labels.split(',').filter(|label| !label.is_empty()).collect();
            found_labels.sort_unstable();
            found == name && found_labels == labels
        })
    };
    let metrics = page.lines().filter(|line| line.contains("everything") || line.contains("rate_limit"));
    let metrics = metrics.collect::<Vec<_>>().join("\n");
    for (name, labels) in [
        ("everything_edge_eu_ticks", &[][..]),
        ("everything_edge_eu_called", &[r#"phase="request_headers""#]),
        ("everything_edge_eu_called", &[r#"phase="response""#]),
        ("everything_edge_eu_teams", &[r#"phase="response""#, r#"team="red""#]),
        ("everything_edge_eu_teams", &[r#"phase="request_headers""#, r#"team="blue-1""#]),
        ("rate_limit_denied", &[r#"reason="local_rate_limited""#]),
        ("rate_limit_shadow_denied", &[r#"reason="host_error""#]),
        ("rate_limit_limit", &[r#"event="shadow_rate_limited""#, r#"limit="per_user""#]),
        ("rate_limit_failure_mode_allowed", &[]),
    ] {
        assert!(has(name, labels), "missing {name} {labels:?} in\n{metrics}");
    }
}

#[test]
fn prints_the_rules_of_a_module_once() {
    let path = Wasm::package("fixture-everything").path().display().to_string();
    let said = tollgate(&["stats-tags", &path, &path, "--json"]).json();
    let tag = |label: &str, regex: &str| json!({ "tag_name": label, "regex": regex });
    let expected = [
        tag("phase", r"^wasmcustom\.everything\.(?:.+\.)?called(\.([^.]+))$"),
        tag("team", r"^wasmcustom\.everything\.(?:.+\.)?teams(\.([^.]+))\.[^.]+$"),
        tag("phase", r"^wasmcustom\.everything\.(?:.+\.)?teams\.[^.]+(\.([^.]+))$"),
    ];
    assert_eq!(said["stats_config"]["stats_tags"], json!(expected));
}

#[test]
fn a_module_without_families_has_no_rules() {
    let said = tollgate(&["stats-tags", &hello()]);
    assert_eq!((said.exit, said.out.as_str()), (0, "stats_config:\n  stats_tags: []\n"));
}
