#![expect(clippy::string_slice, reason = "the texts are ASCII")]

use super::*;
use proptest::prelude::*;
use tollgate_policy::Percent;

const TRACE: &str = "4bf92f3577b34da6a3ce929d0e0e4736";
const PARENT: &str = "00f067aa0ba902b7";
const DRAWS: Draws = Draws { request_id: [1; 16], trace_id: [0xaa; 16], parent_id: [0xbb; 8], sampling: 0 };

/// The headers of a request after the decision, and the events.
struct Run {
    parent: Option<String>,
    state: Option<String>,
    context: Option<TraceParent>,
    events: Vec<Event>,
}

fn run(config: &TraceContext, headers: &[(&str, &str)], draws: Option<&Draws>) -> Run {
    let pairs: Vec<(&[u8], &[u8])> = headers.iter().map(|(n, v)| (n.as_bytes(), v.as_bytes())).collect();
    let (mut edits, mut events) = (Vec::new(), Events::default());
    let context = decide(config, Headers(&pairs), draws, &mut edits, &mut events);
    let after = |name: &str| {
        let text = |value: &[u8]| String::from_utf8(value.to_vec()).unwrap();
        let values: Vec<_> = headers.iter().filter(|(n, _)| *n == name).map(|(_, v)| *v).collect();
        match edits.iter().find(|edit| edit.name().as_str() == name) {
            Some(edit) => edit.value().map(text),
            None => (!values.is_empty()).then(|| values.join(",")),
        }
    };
    Run { parent: after("traceparent"), state: after("tracestate"), context, events: events.iter().collect() }
}

fn with(change: impl FnOnce(&mut TraceContext)) -> TraceContext {
    let mut config = TraceContext::default();
    change(&mut config);
    config
}

fn valid() -> String {
    format!("00-{TRACE}-{PARENT}-01")
}

/// Trace Context level 1, "traceparent header field values", and the cases of the W3C's own test suite.
#[test]
fn validates_traceparent_like_the_w3c_tests() {
    for (value, accepted) in [
        (format!("00-{TRACE}-{PARENT}-00"), true),
        (format!("00-{TRACE}-{PARENT}-01"), true),
        (format!("00-{TRACE}-{PARENT}-ff"), true),
        (format!("00-00000000000000000000000000000001-{PARENT}-00"), true),
        // The version: two digits in lower case, not ff.
        (format!("ff-{TRACE}-{PARENT}-01"), false),
        (format!("0-{TRACE}-{PARENT}-01"), false),
        (format!(".0-{TRACE}-{PARENT}-01"), false),
        (format!("0A-{TRACE}-{PARENT}-01"), false),
        (format!("000-{TRACE}-{PARENT}-01"), false),
        // Version 00 ends after the flags. A later version may continue after a hyphen.
        (format!("00-{TRACE}-{PARENT}-01-"), false),
        (format!("00-{TRACE}-{PARENT}-01-what"), false),
        (format!("00-{TRACE}-{PARENT}-01."), false),
        (format!("cc-{TRACE}-{PARENT}-01"), true),
        (format!("cc-{TRACE}-{PARENT}-01-"), true),
        (format!("cc-{TRACE}-{PARENT}-01-what-the-future"), true),
        (format!("cc-{TRACE}-{PARENT}-01.what"), false),
        (format!("cc-{TRACE}-{PARENT}-0"), false),
        // The ids: exact lengths, lower case, not all zeros.
        (format!("00-{}-{PARENT}-01", "0".repeat(32)), false),
        (format!("00-{TRACE}-{}-01", "0".repeat(16)), false),
        (format!("00-{}-{PARENT}-01", TRACE.to_uppercase()), false),
        (format!("00-{TRACE}-{}-01", PARENT.to_uppercase()), false),
        (format!("00-.{}-{PARENT}-01", &TRACE[1..]), false),
        (format!("00-{}-{PARENT}-01", &TRACE[1..]), false),
        (format!("00-{TRACE}0-{PARENT}-01",), false),
        (format!("00-{TRACE}-{}-01", &PARENT[1..]), false),
        (format!("00-{TRACE}-{PARENT}0-01"), false),
        // The flags: two digits in lower case.
        (format!("00-{TRACE}-{PARENT}-1"), false),
        (format!("00-{TRACE}-{PARENT}-.0"), false),
        (format!("00-{TRACE}-{PARENT}-0A"), false),
        (format!("00-{TRACE}-{PARENT}-"), false),
        (format!("00-{TRACE}-{PARENT}"), false),
        // The delimiters.
        (format!("00_{TRACE}-{PARENT}-01"), false),
        (format!("00-{TRACE}_{PARENT}-01"), false),
        (format!("00-{TRACE}-{PARENT}_01"), false),
        (format!("00-{}-{}-{PARENT}-01", &TRACE[..15], &TRACE[16..]), false),
        (format!(" 00-{TRACE}-{PARENT}-01"), false),
        (format!("{0},{0}", valid()), false),
        (String::new(), false),
    ] {
        assert_eq!(TraceParent::parse(value.as_bytes()).is_some(), accepted, "{value}");
    }
}

#[test]
fn clears_unknown_flags() {
    let parent = TraceParent::parse(format!("00-{TRACE}-{PARENT}-fd").as_bytes()).unwrap();
    assert_eq!(parent.encode(), format!("00-{TRACE}-{PARENT}-01").as_bytes());
    let later = TraceParent::parse(format!("cc-{TRACE}-{PARENT}-03-x").as_bytes()).unwrap();
    assert_eq!(later.encode(), format!("00-{TRACE}-{PARENT}-03").as_bytes());
    assert!(later.is_sampled() && later.is_random());
}

#[test]
fn forwards_a_valid_context_unchanged() {
    let run = run(
        &TraceContext::default(),
        &[("traceparent", &valid()), ("tracestate", "a=1, b=2 ")],
        Some(&DRAWS),
    );
    assert_eq!((run.parent, run.state.as_deref()), (Some(valid()), Some("a=1, b=2 ")));
    assert_eq!(run.events, [Event::TraceContinued, Event::TraceSampled]);
    assert_eq!(&run.context.unwrap().trace_id(), TRACE.as_bytes());
}

#[test]
fn forwards_a_context_of_a_later_version_unchanged() {
    let later = format!("cc-{TRACE}-{PARENT}-01-what");
    assert_eq!(run(&TraceContext::default(), &[("traceparent", &later)], None).parent, Some(later));
}

#[test]
fn continuing_changes_only_the_parent_id() {
    let config = with(|c| c.mode = Mode::Continue);
    let run = run(&config, &[("traceparent", &valid()), ("tracestate", "a=1")], Some(&DRAWS));
    assert_eq!(run.parent, Some(format!("00-{TRACE}-bbbbbbbbbbbbbbbb-01")));
    assert_eq!(run.state.as_deref(), Some("a=1"));
}

#[test]
fn continuing_without_random_bytes_keeps_the_parent() {
    let config = with(|c| c.mode = Mode::Continue);
    let run = run(&config, &[("traceparent", &valid())], None);
    assert_eq!(run.parent, Some(valid()));
    assert_eq!(run.events, [Event::TraceContinued, Event::TraceSampled, Event::RandomUnavailable]);
}

#[test]
fn restarts_an_invalid_or_repeated_traceparent() {
    let (valid, new) = (valid(), format!("00-{}-{}-03", "aa".repeat(16), "bb".repeat(8)));
    for parents in [vec!["garbage"], vec![&valid, &valid], vec![&valid, ""]] {
        let mut headers: Vec<_> = parents.iter().map(|value| ("traceparent", *value)).collect();
        headers.push(("tracestate", "a=1"));
        let run = run(&TraceContext::default(), &headers, Some(&DRAWS));
        assert_eq!((run.parent, run.state), (Some(new.clone()), None), "{parents:?}");
        let expected =
            [Event::TraceRestarted, Event::TraceparentInvalid, Event::TraceSampled, Event::TracestateDropped];
        assert_eq!(run.events, expected);
    }
}

#[test]
fn removes_an_untrusted_context_without_random_bytes() {
    let config = with(|c| c.trust = Trust::Restart);
    let headers = [("traceparent", &*valid()), ("tracestate", "a=1")];
    let with_draws = run(&config, &headers, Some(&DRAWS));
    assert!(with_draws.parent.unwrap().starts_with("00-aaaa"));
    assert_eq!(with_draws.state, None);
    let without = run(&config, &headers, None);
    assert_eq!((without.parent, without.state, without.context), (None, None, None));
    assert_eq!(without.events, [Event::TracestateDropped, Event::RandomUnavailable]);
}

#[test]
fn starts_a_trace_and_samples_by_the_draw() {
    let config = with(|c| c.random_sampling = Percent::try_from(50.0).unwrap());
    for (sampling, flags, events) in [
        (u64::MAX / 2, "03", vec![Event::TraceGenerated, Event::TraceSampled]),
        (u64::MAX / 2 + 1, "02", vec![Event::TraceGenerated]),
    ] {
        let run = run(&config, &[], Some(&Draws { sampling, ..DRAWS }));
        assert_eq!(run.parent, Some(format!("00-{}-{}-{flags}", "aa".repeat(16), "bb".repeat(8))));
        assert_eq!(run.events, events);
    }
}

#[test]
fn makes_no_edits_without_a_context_and_random_bytes() {
    let run = run(&TraceContext::default(), &[("x-other", "a")], None);
    assert_eq!((run.parent, run.context), (None, None));
    assert_eq!(run.events, [Event::RandomUnavailable]);
}

#[test]
fn removes_a_tracestate_without_traceparent() {
    let run = run(&TraceContext::default(), &[("tracestate", "a=1")], Some(&DRAWS));
    assert_eq!(run.state, None);
    assert_eq!(run.events, [Event::TraceGenerated, Event::TraceSampled, Event::TracestateDropped]);
}

#[test]
fn combines_tracestates_and_removes_invalid_ones() {
    let parent = valid();
    let state = |values: &[&str]| {
        let mut headers = vec![("traceparent", parent.as_str())];
        headers.extend(values.iter().map(|value| ("tracestate", *value)));
        let run = run(&with(|c| c.mode = Mode::Continue), &headers, Some(&DRAWS));
        (run.state, run.events.contains(&Event::TracestateDropped))
    };
    assert_eq!(state(&["a=1", "b=2 , c=3", ""]), (Some("a=1,b=2,c=3".into()), false));
    assert_eq!(state(&["a=1", "b"]), (None, true));
    assert_eq!(state(&["", " ,\t"]), (None, false));
}

/// Level 1, "list-members", with the keys of level 2.
#[test]
fn validates_members() {
    let (key, value) = ("k".repeat(256), "v".repeat(256));
    for (list, accepted) in [
        ("a=1".into(), true),
        ("a=1,b=2".into(), true),
        (" a=1 \t,\t b=2".into(), true),
        ("a=1,,b=2".into(), true),
        ("a= 1 2".into(), true),
        ("0a=1".into(), true),
        ("tenant@system=1".into(), true),
        ("a_-*/@z=1".into(), true),
        ("a=!~<".into(), true),
        ("a=1,a=2".into(), true),
        (format!("{}=v", &key[..256]), true),
        (format!("k={}", &value[..256]), true),
        (format!("{key}k=v"), false),
        (format!("k={value}v"), false),
        ("a".into(), false),
        ("a=".into(), false),
        ("=1".into(), false),
        ("A=1".into(), false),
        ("_a=1".into(), false),
        ("@a=1".into(), false),
        ("a =1".into(), false),
        ("a b=1".into(), false),
        ("a=1=2".into(), false),
        ("a=\u{7f}".into(), false),
        ("a=\t1\tb".into(), false),
        ("a=ä".into(), false),
        ("a=1;b=2".into(), false),
        (vec!["a=1"; 32].join(","), true),
        (vec!["a=1"; 33].join(","), false),
    ] {
        let list: String = list;
        let state = TraceState::combine([list.as_bytes()].into_iter());
        assert_eq!(state != TraceState::Invalid, accepted, "{list}");
    }
}

#[test]
fn truncates_long_members_first_and_then_the_last() {
    let member = |key: char, length: usize| format!("{key}={}", "v".repeat(length - 2));
    let combined = |members: &[String]| {
        let list = members.join(",");
        match TraceState::combine([list.as_bytes()].into_iter()) {
            TraceState::Combined { value, truncated: true } => String::from_utf8(value).unwrap(),
            other => panic!("{other:?}"),
        }
    };
    let [a, long, c, d, e, f] = [('a', 100), ('b', 129), ('c', 128), ('d', 100), ('e', 100), ('f', 100)]
        .map(|(key, length)| member(key, length));
    assert_eq!(
        combined(&[a.clone(), long.clone(), c.clone(), d.clone(), e.clone()]),
        [&*a, &c, &d, &e].join(",")
    );
    assert_eq!(combined(&[long, a.clone(), c.clone(), d.clone(), e.clone(), f]), [&*a, &c, &d, &e].join(","));
    assert_eq!(combined(&[format!("{}={}", "k".repeat(256), "v".repeat(256))]), "");
    let exact = [member('a', 256), member('b', 255)].join(",");
    assert_eq!(exact.len(), 512);
    assert_eq!(TraceState::combine([exact.as_bytes()].into_iter()), TraceState::Unchanged);
}

#[test]
fn removes_a_state_without_members() {
    let state = format!("{}={}", "k".repeat(256), "v".repeat(256));
    let config = with(|c| c.mode = Mode::Continue);
    let run = run(&config, &[("traceparent", &valid()), ("tracestate", &state)], Some(&DRAWS));
    assert_eq!(run.state, None);
    assert!(run.events.contains(&Event::TracestateTruncated));
}

#[test]
fn passing_keeps_a_valid_state_and_removes_an_invalid_one() {
    let long = format!("{}={}", "k".repeat(256), "v".repeat(256));
    for (mode, draws) in [(Mode::Pass, Some(&DRAWS)), (Mode::Continue, None)] {
        let parent = valid();
        let state = |values: [&str; 2]| {
            let headers =
                [("traceparent", parent.as_str()), ("tracestate", values[0]), ("tracestate", values[1])];
            run(&with(|c| c.mode = mode), &headers, draws)
        };
        assert_eq!(state([&long, "a=1"]).state, Some(format!("{long},a=1")));
        let dropped = state(["a=1", "b"]);
        assert_eq!(dropped.state, None);
        assert!(dropped.events.contains(&Event::TracestateDropped));
    }
}

proptest! {
    #[test]
    fn parsing_a_traceparent_never_panics(value in proptest::collection::vec(any::<u8>(), 0..80)) {
        let _ = TraceParent::parse(&value);
    }

    #[test]
    fn parsing_an_almost_valid_traceparent_never_panics(value in "[0f]{1,3}-[0-9a-fG-]{30,34}-[0-9a-f]{15,17}-[0-9a-f]{1,3}(-.{0,4})?") {
        if let Some(parent) = TraceParent::parse(value.as_bytes()) {
            prop_assert_eq!(&parent.encode()[2..53], &value.as_bytes()[2..53]);
        }
    }

    #[test]
    fn parses_a_generated_context(trace_id: [u8; 16], parent_id: [u8; 8], sampled: bool) {
        let parent = TraceParent::random(trace_id, parent_id, sampled);
        prop_assert_eq!(TraceParent::parse(&parent.encode()), Some(parent));
        prop_assert_eq!(parent.is_sampled(), sampled);
    }

    #[test]
    fn output_is_valid_and_within_the_limits(
        lists in proptest::collection::vec("([a-z0-9=@ ,\t]{0,40}|([a-c]=[a-z]{1,140},){0,6})", 0..6),
    ) {
        let lists: Vec<&[u8]> = lists.iter().map(String::as_bytes).collect();
        let out = match TraceState::combine(lists.iter().copied()) {
            TraceState::Combined { value, .. } => value,
            TraceState::Unchanged => lists.concat(),
            TraceState::Absent | TraceState::Invalid => return Ok(()),
        };
        prop_assert!(out.len() <= 512);
        let members = out.split(|byte| *byte == b',').filter(|member| !member.trim_ascii().is_empty());
        prop_assert!(members.count() <= 32);
        let again = TraceState::combine([out.as_slice()].into_iter());
        prop_assert!(again == TraceState::Unchanged || out.is_empty(), "{:?}", again);
    }
}
