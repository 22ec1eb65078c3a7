//! Invalid pointers and lengths: the status that each host call returns, and the order of its checks.

use crate::script::calls::{call, define_metric, enqueue, pairs, register_queue, set_shared};
use crate::script::{Arg, Step};
use crate::{Case, Sheet};

/// Returns the sheets.
pub fn sheets() -> Vec<Sheet> {
    vec![Sheet::new("wild pointers", wild()), Sheet::new("order of checks", order())]
}

/// A valid argument.
#[derive(Clone)]
enum Good {
    /// A number of 32 bits.
    N(u32),
    /// A number of 64 bits.
    L,
    /// Bytes.
    B(Vec<u8>),
    /// Bytes that must not be empty: an empty target ends the Envoy process.
    Full(Vec<u8>),
    /// An output address of a 32-bit number.
    O,
    /// An output address of the token of a new stream. Without the token nothing could close the stream.
    Opened,
    /// An output address of a 64-bit number.
    O64,
    /// Output addresses of bytes.
    OO,
}
use Good::{B, Full, L, N, O, O64, OO, Opened};

fn b(text: &str) -> Good {
    B(text.into())
}

/// The host calls with arguments that are valid, or nearly valid, in `on_request_headers`.
fn table() -> Vec<(&'static str, Vec<Good>)> {
    let call_headers = || B(pairs(&[(":method", "GET"), (":path", "/wild"), (":authority", "o")]));
    let service = || Full(b"\x0a\x06\x0a\x04grpc".to_vec());
    vec![
        ("proxy_log", vec![N(2), b("a line")]),
        ("proxy_get_log_level", vec![O]),
        ("proxy_get_status", vec![O, OO]),
        ("proxy_get_current_time_nanoseconds", vec![O64]),
        ("proxy_get_property", vec![b("plugin_name"), OO]),
        ("proxy_set_property", vec![b("wild"), b("v")]),
        ("proxy_get_header_map_value", vec![N(0), b(":method"), OO]),
        ("proxy_add_header_map_value", vec![N(0), b("x"), b("1")]),
        ("proxy_replace_header_map_value", vec![N(0), b("x"), b("1")]),
        ("proxy_remove_header_map_value", vec![N(0), b("x")]),
        ("proxy_get_header_map_pairs", vec![N(0), OO]),
        ("proxy_set_header_map_pairs", vec![N(2), b("")]),
        ("proxy_get_header_map_size", vec![N(0), O]),
        ("proxy_get_buffer_status", vec![N(6), O, O]),
        ("proxy_get_buffer_bytes", vec![N(6), N(0), N(0), OO]),
        ("proxy_set_buffer_bytes", vec![N(0), N(0), N(0), b("x")]),
        ("proxy_http_call", vec![b("other"), call_headers(), b("x"), b(""), N(1000), O]),
        ("proxy_grpc_call", vec![service(), b("s"), b("m"), b(""), b("x"), N(1000), O]),
        ("proxy_grpc_stream", vec![service(), b("s"), b("m"), b(""), Opened]),
        ("proxy_grpc_send", vec![N(5), b("x"), N(0)]),
        ("proxy_get_shared_data", vec![b("wild"), OO, O]),
        ("proxy_set_shared_data", vec![b("wild"), b("v"), N(0)]),
        ("proxy_register_shared_queue", vec![b("wild"), O]),
        ("proxy_resolve_shared_queue", vec![b(""), b("wild"), O]),
        ("proxy_enqueue_shared_queue", vec![N(1), b("x")]),
        ("proxy_dequeue_shared_queue", vec![N(1), OO]),
        ("proxy_define_metric", vec![N(0), b("wild"), O]),
        ("proxy_get_metric", vec![N(4), O64]),
        ("proxy_call_foreign_function", vec![b("compress"), b("x"), OO]),
        ("fd_fdstat_get", vec![N(1), O]),
        ("fd_tell", vec![N(1), O64]),
        ("random_get", vec![O, N(4)]),
        ("clock_time_get", vec![N(0), L, O64]),
        ("clock_res_get", vec![N(0), O64]),
        ("args_sizes_get", vec![O, O]),
        ("environ_sizes_get", vec![O, O]),
    ]
}

/// Converts a valid argument for the script.
fn good(arg: &Good) -> Arg {
    match arg {
        N(number) => Arg::Number(u64::from(*number)),
        L => Arg::Number(0),
        B(bytes) | Full(bytes) => Arg::Bytes(bytes.clone()),
        O | O64 | Opened => Arg::Room(8),
        OO => Arg::OutLength,
    }
}

/// Returns the invalid forms of an argument.
fn bad(arg: &Good) -> Vec<Vec<Arg>> {
    const WILD: u64 = u32::MAX as u64;
    let numbers = |list: &[u64]| list.iter().map(|n| Arg::Number(*n)).collect::<Vec<_>>();
    match arg {
        N(_) | L | Opened => vec![],
        B(_) => vec![
            numbers(&[WILD, 1]),
            numbers(&[0, WILD]),
            numbers(&[WILD - 15, 32]),
            numbers(&[WILD, WILD]),
            numbers(&[WILD, 0]),
        ],
        Full(_) => vec![numbers(&[WILD, 1]), numbers(&[0, WILD]), numbers(&[WILD - 15, 32])],
        O | O64 => vec![numbers(&[WILD]), numbers(&[WILD - 3]), numbers(&[0x7fff_ffff])],
        OO => vec![
            vec![Arg::Number(WILD), Arg::Room(4)],
            vec![Arg::Room(4), Arg::Number(WILD)],
            numbers(&[WILD, WILD]),
        ],
    }
}

/// Steps that a call needs to return a result.
fn prepared(name: &str) -> Vec<Step> {
    match name {
        "proxy_get_shared_data" => vec![set_shared("wild", "v", 0)],
        "proxy_dequeue_shared_queue" => {
            let items = (0..4).map(|_| enqueue(Arg::Kept(0), "x"));
            [register_queue("wild")].into_iter().chain(items).collect()
        }
        "proxy_get_metric" => vec![define_metric(0, "wild")],
        _ => vec![],
    }
}

fn wild() -> Vec<Case> {
    let mut cases = Vec::new();
    for (name, args) in table() {
        for (at, arg) in args.iter().enumerate() {
            let wrong: Vec<Step> = bad(arg)
                .into_iter()
                .map(|wrong| {
                    let mut all = Vec::new();
                    for (other, arg) in args.iter().enumerate() {
                        if other == at { all.extend(wrong.clone()) } else { all.push(good(arg)) }
                    }
                    call(name, all)
                })
                .collect();
            if wrong.is_empty() {
                continue;
            }
            let slug = name.trim_start_matches("proxy_").replace('_', "-");
            let fault = if name.starts_with("proxy_") { "InvalidMemoryAccess" } else { "21" };
            let what = match arg {
                B(_) | Full(_) => format!("outside the memory returns {fault}, even with length 0"),
                _ if name == "fd_fdstat_get" => "is not checked".to_owned(),
                _ => format!("outside the memory returns {fault}"),
            };
            let title = format!("`{name}` argument {} {what}", at + 1);
            cases.push(
                Case::new(format!("memory/{slug}/{}", at + 1), title)
                    .on("request_headers", [prepared(name), wrong].concat()),
            );
        }
    }
    cases
}

fn order() -> Vec<Case> {
    const WILD: u64 = u32::MAX as u64;
    let wild = || [Arg::Number(WILD), Arg::Number(1)];
    let on = |name: &str, title: &str, steps: Vec<Step>| {
        Case::new(format!("memory/order/{name}"), title).on("request_headers", steps)
    };
    let mixed = |name: &str, numbers: &[u64], wilds: usize| {
        let numbers = numbers.iter().map(|n| Arg::Number(*n));
        call(name, numbers.chain((0..wilds).flat_map(|_| wild())))
    };
    vec![
        on(
            "map",
            "an unknown map is checked before the memory",
            vec![
                mixed("proxy_get_header_map_value", &[8], 2),
                mixed("proxy_add_header_map_value", &[8], 2),
                mixed("proxy_replace_header_map_value", &[8], 2),
                mixed("proxy_remove_header_map_value", &[8], 1),
                mixed("proxy_get_header_map_pairs", &[8], 1),
                mixed("proxy_set_header_map_pairs", &[8], 1),
                mixed("proxy_get_header_map_size", &[8], 1),
            ],
        ),
        on(
            "map-out-of-reach",
            "an inaccessible map is checked after the input memory and before the output memory",
            vec![
                mixed("proxy_get_header_map_value", &[2], 2),
                mixed("proxy_add_header_map_value", &[2], 2),
                mixed("proxy_replace_header_map_value", &[2], 2),
                mixed("proxy_remove_header_map_value", &[2], 1),
                mixed("proxy_get_header_map_pairs", &[2], 1),
                mixed("proxy_set_header_map_pairs", &[2], 1),
                mixed("proxy_get_header_map_size", &[2], 1),
            ],
        ),
        on(
            "buffer",
            "an unknown buffer is checked before the memory",
            vec![
                mixed("proxy_get_buffer_status", &[9], 1),
                mixed("proxy_get_buffer_bytes", &[9, 0, 0], 1),
                mixed("proxy_set_buffer_bytes", &[9, 0, 0], 1),
            ],
        ),
        on(
            "buffer-out-of-reach",
            "an inaccessible buffer of a callout or of the plugin configuration returns NotFound before the memory is checked; a body does not",
            vec![
                mixed("proxy_get_buffer_status", &[7], 1),
                mixed("proxy_get_buffer_bytes", &[7, 0, 0], 1),
                mixed("proxy_set_buffer_bytes", &[7, 0, 0], 1),
                mixed("proxy_set_buffer_bytes", &[0, 0, 0], 1),
                mixed("proxy_set_buffer_bytes", &[6, 0, 0], 1),
            ],
        ),
        on("log", "an unknown log level is checked before the memory", vec![mixed("proxy_log", &[6], 1)]),
        on(
            "metric",
            "the memory is checked before the kind of a metric",
            vec![mixed("proxy_define_metric", &[9], 1)],
        ),
        on(
            "metric-unknown",
            "an unknown metric is checked before the output memory",
            vec![mixed("proxy_get_metric", &[4000, WILD], 0), mixed("proxy_get_metric", &[4003, WILD], 0)],
        ),
        on(
            "shared-data",
            "a missing key is checked before the output memory",
            vec![call(
                "proxy_get_shared_data",
                ["missing".into(), Arg::Number(WILD), Arg::Number(WILD), Arg::Number(WILD)],
            )],
        ),
        on(
            "shared-data-cas",
            "the memory of a value is checked before its CAS number",
            vec![call(
                "proxy_set_shared_data",
                ["k".into(), Arg::Number(WILD), Arg::Number(1), Arg::Number(77)],
            )],
        ),
        on(
            "queue",
            "enqueue checks the memory before the queue, dequeue the queue before the memory",
            vec![
                mixed("proxy_enqueue_shared_queue", &[9999], 1),
                mixed("proxy_dequeue_shared_queue", &[9999], 1),
            ],
        ),
        on(
            "queue-name",
            "an unknown queue is checked before the output memory",
            vec![call("proxy_resolve_shared_queue", ["".into(), "nobody's".into(), Arg::Number(WILD)])],
        ),
        on(
            "foreign",
            "an unknown function is checked after its arguments and before the output memory",
            vec![
                call(
                    "proxy_call_foreign_function",
                    ["nosuch".into(), Arg::Number(WILD), Arg::Number(1), Arg::OutLength],
                ),
                call(
                    "proxy_call_foreign_function",
                    ["nosuch".into(), "x".into(), Arg::Number(WILD), Arg::Number(WILD)],
                ),
            ],
        ),
        on(
            "foreign-failed",
            "the output memory is checked even if the function fails",
            vec![
                call(
                    "proxy_call_foreign_function",
                    ["uncompress".into(), "x".into(), Arg::Number(WILD), Arg::Number(WILD)],
                ),
                call(
                    "proxy_call_foreign_function",
                    ["clear_route_cache".into(), "".into(), Arg::Number(WILD), Arg::Number(WILD)],
                ),
            ],
        ),
        on(
            "property",
            "a missing property is checked before the output memory",
            vec![call("proxy_get_property", ["nosuch".into(), Arg::Number(WILD), Arg::Number(WILD)])],
        ),
        on(
            "http-call",
            "the memory of a callout is checked before its cluster",
            vec![call(
                "proxy_http_call",
                [
                    "nosuch".into(),
                    Arg::Number(WILD),
                    Arg::Number(1),
                    "".into(),
                    "".into(),
                    Arg::Number(1000),
                    Arg::Room(4),
                ],
            )],
        ),
        on(
            "reply",
            "the memory of a local reply is checked before the reply is sent",
            vec![
                call("proxy_send_local_response", {
                    let [pointer, length] = wild();
                    [Arg::Number(200), pointer, length, "b".into(), "".into(), Arg::Number(WILD)]
                }),
                call("proxy_send_local_response", {
                    let [pointer, length] = wild();
                    [Arg::Number(200), "d".into(), pointer, length, "".into(), Arg::Number(WILD)]
                }),
                call("proxy_send_local_response", {
                    let [pointer, length] = wild();
                    [Arg::Number(200), "d".into(), "b".into(), pointer, length, Arg::Number(WILD)]
                }),
            ],
        ),
        on(
            "empty-results",
            "an empty result is a null pointer, and nothing is allocated",
            vec![
                call(
                    "proxy_get_buffer_bytes",
                    [Arg::Number(6), Arg::Number(0), Arg::Number(0), Arg::OutBytes(None)],
                ),
                call("proxy_get_header_map_pairs", [Arg::Number(1), Arg::OutBytes(None)]),
                call("proxy_get_status", [Arg::Out32(None), Arg::OutBytes(None)]),
                call("proxy_get_property", ["plugin_root_id".into(), Arg::OutBytes(None)]),
            ],
        ),
    ]
}
