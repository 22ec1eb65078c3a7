//! Metrics.

use crate::case::Loaded;
use crate::script::calls::{define_metric, get_metric, increment_metric, record_metric, set_context};
use crate::script::{Arg, Step};
use crate::{Case, Sheet};

const COUNTER: u32 = 0;
const GAUGE: u32 = 1;
const HISTOGRAM: u32 = 2;

/// Returns the sheets.
pub fn sheets() -> Vec<Sheet> {
    let plugin = |name, vm_id| Loaded { vm_id, ..Loaded::new(name) };
    vec![
        Sheet::new("metrics", cases()),
        Sheet::new("metrics of one VM", chain("one-vm"))
            .filters(vec![plugin("first", "vm"), plugin("second", "vm")]),
        Sheet::new("metrics of two VMs", chain("two-vms"))
            .filters(vec![plugin("first", "vm 1"), plugin("second", "vm 2")]),
    ]
}

fn case(name: &str, title: &str, steps: impl IntoIterator<Item = Step>) -> Case {
    Case::new(format!("metrics/{name}"), title).on("request_headers", steps)
}

fn add(offset: i64) -> Step {
    increment_metric(Arg::Kept(0), offset)
}

fn record(value: i64) -> Step {
    record_metric(Arg::Kept(0), value)
}

fn get() -> Step {
    get_metric(Arg::Kept(0))
}

fn cases() -> Vec<Case> {
    let counter = |name: &str| define_metric(COUNTER, name);
    let gauge = |name: &str| define_metric(GAUGE, name);
    let histogram = |name: &str| define_metric(HISTOGRAM, name);
    vec![
        case(
            "define",
            "returns ids that start at 1 and grow by 4; the low bits are the kind",
            [counter("d1"), counter("d2"), gauge("d1"), gauge("d2"), histogram("d1"), histogram("d2")],
        ),
        case(
            "define-again",
            "returns a new id for a known name, with the same value",
            [counter("again"), add(5), counter("again"), get(), add(1), get()],
        ),
        case(
            "unknown-kind",
            "returns BadArgument for a kind above 2",
            [define_metric(3, "k"), define_metric(4, "k"), define_metric(u32::MAX, "k")],
        ),
        case(
            "same-name",
            "a counter and a gauge of the same name have separate values",
            [counter("same"), add(1), gauge("same"), add(10), get(), counter("same"), get()],
        ),
        case("counter", "increments a counter", [counter("c1"), get(), add(1), get(), add(41), get()]),
        case(
            "counter-zero",
            "returns BadArgument when a counter is incremented by 0",
            [counter("c2"), add(0), get()],
        ),
        case(
            "counter-negative",
            "returns BadArgument when a counter is incremented by a negative number",
            [counter("c3"), add(5), add(-1), get()],
        ),
        case(
            "counter-record",
            "recording a value in a counter adds it",
            [counter("c4"), record(5), record(7), get()],
        ),
        case(
            "counter-record-negative",
            "recording a negative value in a counter subtracts it",
            [counter("c5"), record(7), record(-5), get()],
        ),
        case(
            "counter-large",
            "a counter has 64 bits",
            [counter("c6"), add(i64::MAX), get(), add(i64::MAX), add(1), get()],
        ),
        case(
            "counter-wrap",
            "a counter wraps around",
            [counter("c7"), add(i64::MAX), add(i64::MAX), add(1), add(1), get()],
        ),
        case("gauge", "a gauge rises and falls", [gauge("g1"), add(5), add(-3), get()]),
        case("gauge-zero", "a gauge can be incremented by 0", [gauge("g2"), add(0), get()]),
        case(
            "gauge-record",
            "recording a value in a gauge sets it",
            [gauge("g3"), record(5), record(7), get()],
        ),
        case(
            "gauge-below-zero",
            "a gauge that falls below 0 wraps around",
            [gauge("g4"), add(-1), get(), add(2), get()],
        ),
        case(
            "gauge-negative",
            "a negative value in a gauge becomes a large number",
            [gauge("g5"), record(-1), get()],
        ),
        case(
            "histogram",
            "a histogram accepts values; reading it returns BadArgument",
            [histogram("h1"), record(5), get()],
        ),
        case("histogram-add", "incrementing a histogram returns BadArgument", [histogram("h2"), add(5)]),
        case(
            "unknown-counter",
            "an unknown counter id returns NotFound",
            [get_metric(4000), increment_metric(4000, 1i64), record_metric(4000, 1i64)],
        ),
        case(
            "unknown-gauge",
            "an unknown gauge id returns NotFound",
            [get_metric(4001), increment_metric(4001, 1i64), record_metric(4001, 1i64)],
        ),
        case(
            "unknown-histogram",
            "for an unknown histogram id, operations that histograms do not support return BadArgument",
            [get_metric(4002), increment_metric(4002, 1i64), record_metric(4002, 1i64)],
        ),
        case(
            "unknown-kind-of-id",
            "an id of an unknown kind returns BadArgument",
            [
                get_metric(4003),
                increment_metric(4003, 1i64),
                record_metric(4003, 1i64),
                get_metric(7),
                get_metric(u32::MAX),
            ],
        ),
        case(
            "id-zero",
            "id 0 is an unknown counter",
            [get_metric(0), increment_metric(0, 1i64), record_metric(0, 1i64), increment_metric(0, 0i64)],
        ),
        case(
            "negative-before-unknown",
            "an unknown counter is checked before the offset",
            [increment_metric(4000, 0i64), increment_metric(4000, -1i64)],
        ),
        case("empty-name", "accepts an empty name", [counter(""), add(1), get()]),
        case(
            "odd-names",
            "accepts any text as a name",
            [
                counter("with space"),
                add(1),
                get(),
                counter("a.b-c/d{e=\"f\"}"),
                add(1),
                get(),
                counter("\u{e9}"),
                add(1),
                get(),
            ],
        ),
        case(
            "case-of-name",
            "compares names case-sensitively",
            [counter("Case"), add(1), counter("case"), get()],
        ),
        case("long-name", "accepts a name of 1000 characters", [counter(&"n".repeat(1000)), add(1), get()]),
        case(
            "root",
            "a root context has the same ids",
            [counter("root"), add(1), set_context(Arg::Root), add(1), get()],
        ),
        case("later", "a value outlives its stream", [counter("c1"), get()]),
        Case::new("metrics/phases", "metrics work in every callback")
            .on("request_headers", [counter("phases"), add(1)])
            .on("response_headers", [add(1), get()])
            .on("log", [add(1), get()])
            .on("delete", [add(1), get()]),
    ]
}

fn chain(name: &str) -> Vec<Case> {
    let counter = || define_metric(COUNTER, "shared");
    let title = "filters that define the same name share its value in all VMs; each VM has its own ids";
    vec![
        Case::new(format!("metrics/{name}"), title)
            .on("request_headers", [counter(), add(1)])
            .on_filter(1, "request_headers", [counter(), add(10), get()])
            .on("response_headers", [get()]),
        Case::new(format!("metrics/{name}/ids"), "an id of another filter is valid only in the same VM")
            .on("request_headers", [define_metric(GAUGE, "first's"), add(5)])
            .on_filter(1, "request_headers", [get_metric(5), get_metric(9)]),
    ]
}
