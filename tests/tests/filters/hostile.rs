//! Bytes that an attacker may send.

use crate::Subject;
use proptest::prelude::*;
use proptest::sample::{Index, select};
use proptest::strategy::ValueTree as _;
use proptest::test_runner::{Config, RngSeed, TestRunner};
use tollgate_host_test::emulator::Emulator;
use tollgate_host_test::{ClientView, Request};

/// Number of changed requests.
const REQUESTS: u32 = 300;

/// A change of a request.
#[derive(Clone, Debug)]
enum Change {
    /// Replaces the value of a header by bytes.
    Value(Index, Vec<u8>),
    /// Repeats a header with other bytes.
    Repeat(Index, Vec<u8>),
    /// Cuts the value of a header.
    Cut(Index, Index),
    /// Adds a header that some filter or proxy gives a meaning.
    Add(&'static str, Vec<u8>),
    Path(Vec<u8>),
}

/// Bytes that a header may contain, often parts of tokens, lists and numbers.
fn bytes() -> impl Strategy<Value = Vec<u8>> {
    let parts = [
        "",
        " ",
        ",",
        ";",
        "=",
        "\"",
        "%",
        "%00",
        "%2e",
        ".",
        "..",
        "/",
        "\\",
        "e30",
        "00",
        "-",
        "1e999",
        "\t",
        "18446744073709551616",
        "Bearer ",
        "a=b",
        "[",
        "{}",
        "null",
        "\u{fc}",
        "\u{1f600}",
        "=?x?=",
    ];
    let part = prop_oneof![
        select(parts.map(|part| part.as_bytes().to_vec()).to_vec()),
        prop::collection::vec(select((0x20..=0xffu8).filter(|byte| *byte != 0x7f).collect::<Vec<_>>()), 0..8),
        (select(vec![b'a', b'0', b'%', b',', 0xff]), select(vec![100usize, 5000]))
            .prop_map(|(byte, times)| vec![byte; times]),
    ];
    prop::collection::vec(part, 0..6).prop_map(|parts| parts.concat().trim_ascii().to_vec())
}

fn change() -> impl Strategy<Value = Change> {
    let names = [
        "authorization",
        "content-length",
        "content-type",
        "cookie",
        "forwarded",
        "grpc-timeout",
        "host",
        "origin",
        "traceparent",
        "tracestate",
        "x-envoy-original-path",
        "x-forwarded-for",
        "x-request-id",
    ];
    // `host` and `content-length` describe the message itself.
    let names: Vec<_> = names.into_iter().filter(|name| !["host", "content-length"].contains(name)).collect();
    prop_oneof![
        (any::<Index>(), bytes()).prop_map(|(at, value)| Change::Value(at, value)),
        (any::<Index>(), bytes()).prop_map(|(at, value)| Change::Repeat(at, value)),
        (any::<Index>(), any::<Index>()).prop_map(|(at, end)| Change::Cut(at, end)),
        (select(names), bytes()).prop_map(|(name, value)| Change::Add(name, value)),
        bytes().prop_map(Change::Path),
    ]
}

fn changed(mut request: Request, change: &Change) -> Request {
    let headers = &mut request.headers.0;
    match change {
        Change::Value(at, value) | Change::Repeat(at, value) if !headers.is_empty() => {
            let at = at.index(headers.len());
            match change {
                Change::Value(..) => headers[at].1.clone_from(value),
                _ => headers.push((headers[at].0.clone(), value.clone())),
            }
        }
        Change::Cut(at, end) if !headers.is_empty() => {
            let at = at.index(headers.len());
            let end = end.index(headers[at].1.len() + 1);
            headers[at].1.truncate(end);
        }
        Change::Add(name, value) => headers.push(((*name).as_bytes().to_vec(), value.clone())),
        Change::Path(path) => {
            let visible = path.iter().filter(|byte| byte.is_ascii_graphic()).map(|byte| char::from(*byte));
            request.path = std::iter::once('/').chain(visible).collect();
        }
        Change::Value(..) | Change::Repeat(..) | Change::Cut(..) => {}
    }
    request
}

/// Sends changed requests to one worker, 20 at once. Nothing may trap or remain open, and each client gets a
/// response, or a reset if the configuration has this fault.
pub(crate) fn no_bytes_trap(subject: &Subject) {
    let scenario = subject.everything();
    let may_reset = crate::config(scenario).to_string().contains("\"reset\":");
    let config = Config {
        cases: REQUESTS,
        rng_seed: RngSeed::Fixed(1),
        failure_persistence: None,
        ..Config::default()
    };
    let mut runner = TestRunner::new(config);
    let drawn = (select(scenario.requests.clone()), prop::collection::vec(change(), 1..4));
    let mut emulator = Emulator::new(scenario).expect("the configuration was rejected");
    let mut requests = Vec::new();
    for _ in 0..REQUESTS {
        let (request, changes) = drawn.new_tree(&mut runner).expect("it has no filter").current();
        requests.push(changes.iter().fold(request, changed));
    }
    for together in requests.chunks(20) {
        let handles: Vec<_> = together.iter().map(|request| emulator.request(0, request)).collect();
        for (request, handle) in together.iter().zip(handles) {
            let exchange = emulator.finish_request(handle);
            assert!(emulator.traps().is_empty(), "{request:?}: {:#?}", emulator.traps());
            let is_answered = matches!(exchange.client, ClientView::Response(_));
            let is_reset = exchange.details == "wasm_close_stream" && may_reset;
            assert!(is_answered || is_reset, "{request:?}: {:?}", exchange.client);
        }
    }
    assert_eq!(emulator.open_streams(), 0);
}
