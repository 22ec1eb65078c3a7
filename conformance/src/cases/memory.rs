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
enum Valid {
    /// A number of 32 bits.
    U32(u32),
    /// A number of 64 bits.
    U64,
    /// Bytes.
    Bytes(Vec<u8>),
    /// Bytes that must not be empty: an empty target ends the Envoy process.
    NonEmpty(Vec<u8>),
    /// An output address of a 32-bit number.
    Out32,
    /// An output address of the token of a new stream. Without the token nothing could close the stream.
    OutToken,
    /// An output address of a 64-bit number.
    Out64,
    /// Output addresses of bytes.
    OutBytes,
}
use Valid::{Bytes, NonEmpty, Out32, Out64, OutBytes, OutToken, U32, U64};

fn bytes(text: &str) -> Valid {
    Bytes(text.into())
}

/// The host calls with arguments that are valid, or nearly valid, in `on_request_headers`.
fn table() -> Vec<(&'static str, Vec<Valid>)> {
    let call_headers = || Bytes(pairs(&[(":method", "GET"), (":path", "/wild"), (":authority", "o")]));
    let service = || NonEmpty(b"\x0a\x06\x0a\x04grpc".to_vec());
    vec![
        ("proxy_log", vec![U32(2), bytes("a line")]),
        ("proxy_get_log_level", vec![Out32]),
        ("proxy_get_status", vec![Out32, OutBytes]),
        ("proxy_get_current_time_nanoseconds", vec![Out64]),
        ("proxy_get_property", vec![bytes("plugin_name"), OutBytes]),
        ("proxy_set_property", vec![bytes("wild"), bytes("v")]),
        ("proxy_get_header_map_value", vec![U32(0), bytes(":method"), OutBytes]),
        ("proxy_add_header_map_value", vec![U32(0), bytes("x"), bytes("1")]),
        ("proxy_replace_header_map_value", vec![U32(0), bytes("x"), bytes("1")]),
        ("proxy_remove_header_map_value", vec![U32(0), bytes("x")]),
        ("proxy_get_header_map_pairs", vec![U32(0), OutBytes]),
        ("proxy_set_header_map_pairs", vec![U32(2), bytes("")]),
        ("proxy_get_header_map_size", vec![U32(0), Out32]),
        ("proxy_get_buffer_status", vec![U32(6), Out32, Out32]),
        ("proxy_get_buffer_bytes", vec![U32(6), U32(0), U32(0), OutBytes]),
        ("proxy_set_buffer_bytes", vec![U32(0), U32(0), U32(0), bytes("x")]),
        ("proxy_http_call", vec![bytes("other"), call_headers(), bytes("x"), bytes(""), U32(1000), Out32]),
        ("proxy_grpc_call", vec![service(), bytes("s"), bytes("m"), bytes(""), bytes("x"), U32(1000), Out32]),
        ("proxy_grpc_stream", vec![service(), bytes("s"), bytes("m"), bytes(""), OutToken]),
        ("proxy_grpc_send", vec![U32(5), bytes("x"), U32(0)]),
        ("proxy_get_shared_data", vec![bytes("wild"), OutBytes, Out32]),
        ("proxy_set_shared_data", vec![bytes("wild"), bytes("v"), U32(0)]),
        ("proxy_register_shared_queue", vec![bytes("wild"), Out32]),
        ("proxy_resolve_shared_queue", vec![bytes(""), bytes("wild"), Out32]),
        ("proxy_enqueue_shared_queue", vec![U32(1), bytes("x")]),
        ("proxy_dequeue_shared_queue", vec![U32(1), OutBytes]),
        ("proxy_define_metric", vec![U32(0), bytes("wild"), Out32]),
        ("proxy_get_metric", vec![U32(4), Out64]),
        ("proxy_call_foreign_function", vec![bytes("compress"), bytes("x"), OutBytes]),
        ("fd_fdstat_get", vec![U32(1), Out32]),
        ("fd_tell", vec![U32(1), Out64]),
        ("random_get", vec![Out32, U32(4)]),
        ("clock_time_get", vec![U32(0), U64, Out64]),
        ("clock_res_get", vec![U32(0), Out64]),
        ("args_sizes_get", vec![Out32, Out32]),
        ("environ_sizes_get", vec![Out32, Out32]),
    ]
}

/// Converts a valid argument for the script.
fn valid(arg: &Valid) -> Arg {
    match arg {
        U32(number) => Arg::Number(u64::from(*number)),
        U64 => Arg::Number(0),
        Bytes(bytes) | NonEmpty(bytes) => Arg::Bytes(bytes.clone()),
        Out32 | Out64 | OutToken => Arg::Room(8),
        OutBytes => Arg::OutLength,
    }
}

/// Returns the invalid forms of an argument.
fn invalid(arg: &Valid) -> Vec<Vec<Arg>> {
    const WILD: u64 = u32::MAX as u64;
    let numbers = |list: &[u64]| list.iter().map(|n| Arg::Number(*n)).collect::<Vec<_>>();
    match arg {
        U32(_) | U64 | OutToken => vec![],
        Bytes(_) => vec![
            numbers(&[WILD, 1]),
            numbers(&[0, WILD]),
            numbers(&[WILD - 15, 32]),
            numbers(&[WILD, WILD]),
            numbers(&[WILD, 0]),
        ],
        NonEmpty(_) => vec![numbers(&[WILD, 1]), numbers(&[0, WILD]), numbers(&[WILD - 15, 32])],
        Out32 | Out64 => vec![numbers(&[WILD]), numbers(&[WILD - 3]), numbers(&[0x7fff_ffff])],
        OutBytes => vec![
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
            let wrong: Vec<Step> = invalid(arg)
                .into_iter()
                .map(|wrong| {
                    let mut all = Vec::new();
                    for (other, arg) in args.iter().enumerate() {
                        if other == at { all.extend(wrong.clone()) } else { all.push(valid(arg)) }
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
                Bytes(_) | NonEmpty(_) => format!("outside the memory returns {fault}, even with length 0"),
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
