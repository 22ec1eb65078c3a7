use super::*;
use crate::Then;

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

fn mark_of(policy: &Policy, document: Option<&Document>, world: &mut World, path: &str) -> String {
    let decision = with_request(path, &[], |request| policy.decide(request, document, world).injected);
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
        assert_eq!(mark_of(&policy, Some(&document), &mut world, "/cart"), expected, "{text}");
    }
    // Rules of the document are counted under one name.
    assert_eq!(world.events[&(2, "delays_injected")], 1);
    assert_eq!(policy.plan().statistics, ["base", "outage-cart", "other"]);
    world.now.0 += 2 * 3_600_000_000_000;
    let document = document(&policy, r#"{"experiments": [{"name": "outage"}]}"#);
    assert_eq!(mark_of(&policy, Some(&document), &mut world, "/cart"), "base;reset", "its time is over");
}

#[test]
fn a_stop_works_in_an_invalid_document() {
    let policy = policy(CONTROLLED);
    let stop = document(&policy, r#"{"enabled": false, "experiments": 7, "unknown": {}}"#);
    assert_eq!(mark_of(&policy, Some(&stop), &mut World::default(), "/"), "");
    for (text, expected) in [
        (r#"{"enabled": 0}"#, "enabled: invalid type"),
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

/// Filters with different experiments can share a document.
#[test]
fn unknown_experiments_are_skipped() {
    let policy = policy(CONTROLLED);
    let first = document(&policy, r#"{"experiments": [{"name": "x"}, {"name": "outage"}]}"#);
    assert_eq!(mark_of(&policy, Some(&first), &mut World::default(), "/cart"), "outage-cart;abort");
    let warning = "control: unknown experiments `x`, expected `faults` or those of the configuration";
    assert_eq!(first.warning(None).as_deref(), Some(warning));
    assert_eq!(first.warning(Some(&first)), None);
    let second = document(&policy, r#"{"experiments": [{"name": "y"}, {"name": "x"}]}"#);
    assert!(second.warning(Some(&first)).is_some_and(|warning| warning.contains("`y`,")));
}

#[test]
fn a_stop_outlives_its_document() {
    let json =
        CONTROLLED.replace(r#""cluster": "control"}"#, r#""cluster": "control"}, "on_missing": "continue""#);
    let mut policy = policy(&json);
    let mut world = World::default();
    policy.read(br#"{"enabled": false}"#).unwrap();
    policy.read(b"oops").unwrap_err();
    assert_eq!(mark_of(&policy, None, &mut world, "/"), "");
    policy.read(b"{}").unwrap();
    assert_eq!(mark_of(&policy, None, &mut world, "/"), "base;reset");
}

#[test]
fn a_stop_reaches_a_request_at_the_upstream() {
    let policy = rule(
        r#""response": {"percentage": 100, "delay": {"fixed": "10s"}, "bytes_per_second": 1, "truncate_after": 9}"#,
    );
    let stop = document(&policy, r#"{"enabled": false}"#);
    let mut world = World::default();
    let mut injected = decide(&policy, &mut world, "/", &[]).injected.unwrap();
    let decision = policy.respond(&mut injected, Some(&stop), &mut world);
    assert!(decision.then == Then::Pass && !decision.changes_length);
    assert_eq!((world.count("stopped"), world.count("responses_injected"), world.active), (1, 0, 0));
    assert!(injected.body().is_none());
    // After its delay, a request has no fault that could be stopped.
    let delay = rule(r#""delay": {"percentage": 100, "fixed": "1s"}"#);
    let mut delayed = decide(&delay, &mut world, "/", &[]).injected.unwrap();
    delay.resume(&mut delayed, None, &mut world);
    delay.respond(&mut delayed, Some(&stop), &mut world);
    assert_eq!(world.count("stopped"), 1);
}

#[test]
fn without_a_document_the_filter_stops_or_continues() {
    let stops = policy(CONTROLLED);
    let continues = policy(
        &CONTROLLED.replace(r#""cluster": "control"}"#, r#""cluster": "control"}, "on_missing": "continue""#),
    );
    let mut world = World::default();
    assert_eq!(mark_of(&stops, None, &mut world, "/cart"), "");
    assert_eq!(mark_of(&continues, None, &mut world, "/cart"), "base;reset");
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
        assert_eq!(mark_of(&policy, None, &mut world, "/"), expected, "{minutes}");
    }
}

#[test]
fn a_stop_ends_a_delay_and_all_that_follows() {
    let policy = rule(
        r#""delay": {"percentage": 100, "fixed": "10s"}, "abort": {"percentage": 100, "http_status": 503}"#,
    );
    let mut world = World::default();
    let mut injected = decide(&policy, &mut world, "/", &[]).injected.unwrap();
    let stop = document(&policy, r#"{"enabled": false}"#);
    assert_eq!(policy.resume(&mut injected, Some(&stop), &mut world), Then::Pass);
    assert_eq!((world.count("stopped"), world.count("aborts_injected"), world.active), (1, 0, 0));
    assert!(!injected.changes_response());
}

#[test]
fn a_stop_ends_a_delay_and_a_rate_of_a_response() {
    let policy = rule(
        r#""response": {"percentage": 100, "delay": {"fixed": "10s"}, "bytes_per_second": 1, "truncate_after": 9}"#,
    );
    let stop = document(&policy, r#"{"enabled": false}"#);
    let mut world = World::default();
    let mut injected = decide(&policy, &mut world, "/", &[]).injected.unwrap();
    assert!(matches!(policy.respond(&mut injected, None, &mut world).then, Then::Delay(_)));
    assert_eq!(policy.resume(&mut injected, Some(&stop), &mut world), Then::Pass);
    assert_eq!((world.count("stopped"), world.active, injected.changes_response()), (1, 0, false));

    let policy = rule(r#""response": {"percentage": 100, "bytes_per_second": 1, "truncate_after": 9}"#);
    let mut injected = decide(&policy, &mut world, "/", &[]).injected.unwrap();
    policy.respond(&mut injected, None, &mut world);
    assert!(matches!(policy.pass(&mut injected, 5, false, &mut world), Then::Delay(_)));
    assert!(injected.holds_body() && world.active == 1);
    assert_eq!(policy.resume(&mut injected, Some(&stop), &mut world), Then::Pass);
    assert_eq!((world.count("stopped"), world.active, injected.holds_body()), (2, 0, false));
    // The body stays as short as its headers said.
    assert!(injected.body().is_some());
    assert_eq!(policy.pass(&mut injected, 50, false, &mut world), Then::Pass);
}
