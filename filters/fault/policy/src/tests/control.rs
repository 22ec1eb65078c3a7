use super::*;
use crate::{Document, Then};

const CONTROLLED: &str = r#"{
    "control": {"http_uri": {"uri": "http://control/faults", "cluster": "control"}},
    "rules": [{"name": "base", "reset": {"percentage": 100}}],
    "experiments": [{"name": "outage", "until": "2026-12-25T13:00:00Z", "faults": [
        {"name": "cart", "match": {"paths": [{"prefix": "/cart"}]}, "abort": {"percentage": 100, "http_status": 503}}
    ]}]
}"#;

fn document(policy: &Policy, text: &str) -> Document {
    Document::parse(text.as_bytes(), policy.plan()).unwrap_or_else(|error| panic!("{error}: {text}"))
}

fn mark_of(policy: &Policy, control: Control<'_>, world: &mut World, path: &str) -> String {
    let decision = with_request(path, &[], |request| policy.decide(request, control, world).injected);
    decision.map_or(String::new(), |injected| injected.mark)
}

#[test]
fn the_document_switches_experiments() {
    let policy = policy(CONTROLLED);
    let mut world = World::default();
    for (text, expected) in [
        ("{}", "base;reset"),
        (r#"{"experiments": [{"name": "outage"}]}"#, "outage-cart;abort"),
        (r#"{"experiments": [{"name": "outage", "from": "2026-12-25T12:00:01Z"}]}"#, "base;reset"),
        (r#"{"experiments": [{"name": "outage", "until": "2026-12-25T12:00:00Z"}]}"#, "base;reset"),
        (
            r#"{"enabled": true, "experiments": [{"name": "new", "faults": [{"name": "x", "delay": {"percentage": 100, "fixed": "1s"}}]}, {"name": "outage"}]}"#,
            "new-x;delay=1000",
        ),
        (r#"{"enabled": false, "experiments": [{"name": "outage"}]}"#, ""),
    ] {
        let document = document(&policy, text);
        assert_eq!(mark_of(&policy, Control::Document(&document), &mut world, "/cart"), expected, "{text}");
    }
    // Rules of the document are counted under one name.
    assert_eq!(world.events[&(2, "delays_injected")], 1);
    assert_eq!(policy.plan().statistics, ["base", "outage-cart", "other"]);
    world.now.0 += 2 * 3_600_000_000_000;
    let document = document(&policy, r#"{"experiments": [{"name": "outage"}]}"#);
    assert_eq!(
        mark_of(&policy, Control::Document(&document), &mut world, "/cart"),
        "base;reset",
        "its time is over"
    );
}

#[test]
fn a_stop_works_in_an_invalid_document() {
    let policy = policy(CONTROLLED);
    let stop = document(&policy, r#"{"enabled": false, "experiments": 7, "unknown": {}}"#);
    assert_eq!(mark_of(&policy, Control::Document(&stop), &mut World::default(), "/"), "");
    for (text, expected) in [
        (r#"{"enabled": 0}"#, "enabled: invalid type"),
        (
            r#"{"experiments": [{"name": "x"}]}"#,
            "experiments[0].name: unknown experiment `x`, expected `faults` or one of the configuration",
        ),
        (
            r#"{"experiments": [{"name": "x", "faults": [{"name": "y"}]}]}"#,
            "experiments[0].faults[0]: no fault",
        ),
        (r#"{"faults": []}"#, "faults: unknown field"),
        ("", "the document is empty, expected a JSON object"),
        ("[]", "invalid type"),
    ] {
        let error = Document::parse(text.as_bytes(), policy.plan()).unwrap_err();
        assert!(error.starts_with(expected), "{error}: {text}");
    }
}

#[test]
fn without_a_document_the_filter_stops_or_continues() {
    let stops = policy(CONTROLLED);
    let continues = policy(
        &CONTROLLED.replace(r#""cluster": "control"}"#, r#""cluster": "control"}, "on_missing": "continue""#),
    );
    let mut world = World::default();
    assert_eq!(mark_of(&stops, Control::Missing, &mut world, "/cart"), "");
    assert_eq!(mark_of(&continues, Control::Missing, &mut world, "/cart"), "base;reset");
}

#[test]
fn without_a_control_endpoint_experiments_run_in_their_time() {
    let policy = policy(
        r#"{"experiments": [{"name": "e", "from": "2026-12-25T12:00:00Z", "until": "2026-12-25T12:30:00Z",
            "faults": [{"name": "r", "reset": {"percentage": 100}}]}]}"#,
    );
    for (minutes, expected) in [(0, "e-r;reset"), (29, "e-r;reset"), (30, "")] {
        let mut world = World::default();
        world.now.0 += minutes * 60_000_000_000;
        assert_eq!(mark_of(&policy, Control::Off, &mut world, "/"), expected, "{minutes}");
    }
}

#[test]
fn a_stop_ends_a_delay_and_all_that_follows() {
    let policy = rule(
        r#""delay": {"percentage": 100, "fixed": "10s"}, "abort": {"percentage": 100, "http_status": 503}"#,
    );
    let mut world = World::default();
    let mut injected = decide(&policy, &mut world, "/", &[]).injected.unwrap();
    assert_eq!(policy.after_delay(&mut injected, true, &mut world), Then::Pass);
    assert_eq!((world.count("stopped"), world.count("aborts_injected"), world.active), (1, 0, 0));
    assert!(!injected.changes_response());
}
