//! State beyond a stream: properties, shared cells, queues, metrics, foreign functions, randomness.

use crate::support::{doing, request, with};
use serde_json::json;
use std::time::Duration;
use tollgate_host_test::emulator::Emulator;
use tollgate_host_test::{ClientView, Configuration, on_both_hosts};

/// What an update of the listener does in Envoy.
#[test]
fn a_refused_configuration_leaves_the_one_before_it() {
    let mut emulator = Emulator::new(&with(json!({"tick_ms": 50}))).expect("it loads");
    let misspelt = Configuration::Text(br#"{"tick": 50}"#.to_vec());
    emulator.reconfigure(0, &misspelt).expect_err("a misspelt field");
    let handle = emulator.request(0, &request("random"));
    let exchange = emulator.finish_request(handle);
    assert!(matches!(exchange.client, ClientView::Response(response) if response.status == 200));
    let before = emulator.metric("everything.ticks");
    emulator.advance(Duration::from_millis(200));
    assert!(emulator.metric("everything.ticks") > before);
}

on_both_hosts! {
    fn reads_properties_by_their_types(host) {
        let outcome = host.run(&doing(&["properties"]));
        outcome.upstream(0)
            .header("x-source", "127.0.0.1")
            .header("x-mtls", "Some(false)")
            .header("x-plugin", "fixture-everything")
            .header("x-has-time", "true")
            .header("x-absent", "None");
    }

    fn reads_a_property_whose_path_is_known_only_now(host) {
        let at = |path: &str| request("path").header("x-path", path);
        let scenario = with(json!({})).request(at("plugin_name")).request(at("request.no_such_thing"));
        let outcome = host.run(&scenario);
        outcome.upstream(0).header("x-value", &format!("{:?}", Some(b"fixture-everything")));
        outcome.upstream(1).header("x-value", "None");
    }

    fn hands_state_to_later_filters(host) {
        host.run(&doing(&["state"])).upstream(0).header("x-state", "kept");
    }

    fn counts_in_a_shared_cell(host) {
        let outcome = host.run(&doing(&["shared", "shared", "shared"]));
        for index in 0..3 {
            outcome.upstream(index).header("x-count", &(index + 1).to_string());
        }
    }

    fn is_told_of_items_in_its_queue(host) {
        let scenario = doing(&["queue", "queue"]).settings(|s| s.linger = Duration::from_millis(200));
        host.run(&scenario).has_metric("everything.queued", 2);
    }

    fn keeps_metrics_and_sees_every_stream_in_the_log(host) {
        let outcome = host.run(&doing(&["gauge", "reply"]));
        outcome.has_metric("everything.level", 5).has_metric("everything.logged", 2);
    }

    fn calls_functions_of_the_host_by_name(host) {
        let outcome = host.run(&doing(&["foreign", "random"]));
        outcome.upstream(0).header("x-unpacked", "hello hello hello").header("x-unknown", "None");
        outcome.upstream(1).header("x-random", "true");
    }
}
