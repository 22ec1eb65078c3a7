//! Traces of host calls.

use crate::call;
use crate::guest::Guest;
use tollgate_host_test::emulator::state::{Status, pairs};
use tollgate_host_test::emulator::{Call, Emulator, End, Value, diff};
use tollgate_host_test::{Request, Scenario};

fn calls(scenario: &Scenario) -> Vec<Call> {
    let mut emulator = Emulator::new(scenario).unwrap();
    emulator.request(0, &Request::get("/"));
    emulator.calls()
}

#[test]
fn a_trace_shows_arguments_status_and_results() {
    let list = pairs::encode(&[(b"a".to_vec(), b"1".to_vec())]);
    let guest = Guest::new().on(
        "request_headers",
        [
            call!("get_header_map_value", 0, ":path", _, _),
            call!("set_header_map_pairs", 1, list),
            call!("log", 2, (-1), 4),
            call!("define_metric", 0, "n", _),
            call!("increment_metric", 4, (-1i64)),
        ],
    );
    let calls = calls(&guest.scenario());
    let at = |name: &str| calls.iter().find(|call| call.name == name).unwrap();
    assert_eq!(
        *at("proxy_get_header_map_value"),
        Call {
            thread: 1,
            context: 2,
            callback: "proxy_on_request_headers",
            name: "proxy_get_header_map_value",
            args: vec![("map", Value::Number(0)), ("key", Value::Bytes(b":path".to_vec()))],
            end: End::Status(Status::Ok),
            results: vec![Value::Bytes(b"/".to_vec())],
        }
    );
    assert_eq!(
        at("proxy_get_header_map_value").to_string(),
        r#"[1#2] proxy_get_header_map_value(map=0, key=":path") -> Ok "/""#
    );
    let pairs = at("proxy_set_header_map_pairs");
    assert_eq!(pairs.args[1].1, Value::Pairs(vec![(b"a".to_vec(), b"1".to_vec())]));
    assert_eq!(at("proxy_log").args[1].1, Value::Wild { pointer: u32::MAX, length: 4 });
    assert_eq!(at("proxy_log").end, End::Status(Status::InvalidMemoryAccess));
    assert_eq!(at("proxy_increment_metric").args[1].1, Value::Signed(-1));
}

#[test]
fn compares_two_traces_call_by_call() {
    let guest = |value: &str| {
        Guest::new()
            .on("request_headers", [call!("log", 2, "a"), call!("log", 2, value), call!("log", 2, "c")])
    };
    let (first, second) = (calls(&guest("b").scenario()), calls(&guest("x").scenario()));
    assert_eq!(diff(&first, &first), None);
    let told = diff(&first, &second).unwrap();
    let changed: Vec<_> = told.lines().filter(|line| !line.starts_with(' ')).collect();
    let line = |sign, text| format!(r#"{sign} [1#2] proxy_log(level=2, message="{text}") -> Ok"#);
    assert_eq!(changed, [line('-', "b"), line('+', "x")]);
}

#[test]
fn keeps_only_the_last_calls() {
    let scenario = Guest::new().on("request_headers", [call!("log", 2, "a")]).scenario();
    let run = |room| {
        let mut emulator = Emulator::builder(&scenario).keep_calls(room).start().unwrap();
        for _ in 0..5 {
            emulator.request(0, &Request::get("/"));
        }
        (emulator.calls().len(), emulator.calls_forgotten(), emulator.logs().len())
    };
    assert_eq!(run(100), (5, 0, 5));
    assert_eq!(run(2), (2, 3, 5));
    assert_eq!(run(0), (0, 0, 5));
}
