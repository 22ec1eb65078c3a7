//! State outside of streams: properties, shared cells, queues, metrics, foreign functions, random bytes.

use crate::support::{doing, request, with};
use serde_json::json;
use std::time::Duration;
use tollgate_host_test::emulator::Emulator;
use tollgate_host_test::{ClientView, Configuration, on_both_hosts};

/// Envoy does this when a listener is updated.
#[test]
fn a_rejected_configuration_keeps_the_previous_one() {
    let mut emulator = Emulator::new(&with(json!({"tick_ms": 50}))).expect("the filter loads");
    let misspelt = Configuration::Text(br#"{"tick": 50}"#.to_vec());
    emulator.reconfigure(0, &misspelt).expect_err("a misspelt field is rejected");
    let handle = emulator.request(0, &request("random"));
    let exchange = emulator.finish_request(handle);
    assert!(matches!(exchange.client, ClientView::Response(response) if response.status == 200));
    let before = emulator.metric("everything.ticks");
    emulator.advance(Duration::from_millis(200));
    assert!(emulator.metric("everything.ticks") > before);
}

on_both_hosts! {
    fn reads_properties_by_their_types(host) {
        let scenario = with(json!({})).request(request("properties").header("x-team", "red"));
        let outcome = host.run(&scenario);
        outcome.upstream(0)
            .header("x-source", "127.0.0.1")
            .header("x-mtls", "Some(false)")
            .header("x-plugin", "fixture-everything")
            .header("x-has-time", "true")
            .header("x-absent", "None")
            .header("x-team", "red")
            .header("x-node", "tollgate")
            .header("x-filter-state", "kept")
            .header("x-nul", "None");
    }

    fn reads_a_property_with_a_path_known_at_run_time(host) {
        let at = |path: &str| request("path").header("x-path", path);
        let scenario = with(json!({})).request(at("plugin_name")).request(at("request.no_such_thing"));
        let outcome = host.run(&scenario);
        outcome.upstream(0).header("x-value", &format!("{:?}", Some(b"fixture-everything")));
        outcome.upstream(1).header("x-value", "None");
    }

    fn passes_state_to_later_filters(host) {
        host.run(&doing(&["state"])).upstream(0).header("x-state", "kept");
    }

    fn counts_in_a_shared_cell(host) {
        let outcome = host.run(&doing(&["shared", "shared", "shared"]));
        for index in 0..3 {
            outcome.upstream(index).header("x-count", &(index + 1).to_string());
        }
    }

    fn receives_items_of_its_queue(host) {
        let scenario = doing(&["queue", "queue"]).settings(|s| s.linger = Duration::from_millis(200));
        host.run(&scenario).has_metric("everything.queued", 2);
    }

    fn updates_metrics_and_logs_every_stream(host) {
        let outcome = host.run(&doing(&["gauge", "reply"]));
        outcome.has_metric("everything.level", 5).has_metric("everything.logged", 2);
    }

    fn counts_by_labels_of_an_enum_and_of_a_list(host) {
        let scenario = with(json!({"teams": ["red", "blue"], "stat_prefix": "edge"}))
            .request(request("random").header("x-team", "blue"))
            .request(request("random").header("x-team", "green"));
        host.run(&scenario)
            .has_metric("everything.edge.called.request_headers", 2)
            .has_metric("everything.edge.called.response", 4)
            .has_metric("everything.edge.teams.blue.request_headers", 1)
            .has_metric("everything.edge.teams.red.request_headers", 0);
    }

    fn rejects_a_name_that_a_metric_cannot_have(host) {
        let refused = host.try_run(&with(json!({"teams": ["a.b"]})).request(request("random"))).unwrap_err();
        let expected = "metric `everything.teams.a.b`: invalid name, expected letters, digits and `_-`";
        assert!(refused.logs.iter().any(|line| line.text.contains(expected)), "{refused:?}");
    }

    fn calls_functions_of_the_host_by_name(host) {
        let outcome = host.run(&doing(&["foreign", "random"]));
        let failed =
            |status: &str| format!(r#"Err(Host {{ call: "call_foreign_function", status: {status} }})"#);
        outcome
            .upstream(0)
            .header("x-unpacked", "hello hello hello")
            .header("x-not-packed", &failed("SerializationFailure"))
            .header("x-cleared", "true")
            .header("x-valid", "true")
            .header("x-invalid", "false")
            .header("x-no-key", &failed("BadArgument"))
            .header("x-envoy-string", "text")
            .header("x-unknown-key", &failed("NotFound"))
            .header("x-declared", r#"Err(Host { call: "set_property", status: BadArgument })"#)
            .header("x-port-is-set", "true")
            .header("x-path", "/")
            .header("x-wrong-type", r#"Err(Malformed("call_foreign_function"))"#)
            .header("x-no-expression", &failed("BadArgument"))
            .header("x-unknown", "None");
        outcome.upstream(1).header("x-random", "true");
    }
}
