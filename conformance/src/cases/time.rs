//! The clock and the timer.

use crate::script::calls::{call, continue_stream, get_time, set_context, set_tick};
use crate::script::{Arg, Step};
use crate::{Case, Sheet};

/// Returns the sheets. Cases that count the runs of on_tick need a sheet of their own.
pub fn sheets() -> Vec<Sheet> {
    vec![
        Sheet::new("the clock", clock()),
        Sheet::new("ticks", ticks()),
        Sheet::new("repeated ticks", vec![repeated()]),
        Sheet::new("changed ticks", vec![changed()]),
    ]
}

const HOLD: Step = Step::Return(1);

fn stop_and_continue() -> [Step; 3] {
    [set_tick(0), set_context(Arg::Stream), continue_stream(0)]
}

fn clock() -> Vec<Case> {
    let wasi = |clock: u32| call("clock_time_get", [clock.into(), Arg::Number(0), Arg::OutSome64]);
    let resolution = |clock: u32| call("clock_res_get", [clock.into(), Arg::Out64]);
    let on = |name: &str, title: &str, steps: Vec<Step>| {
        Case::new(format!("time/{name}"), title).on("request_headers", steps)
    };
    vec![
        on("now", "returns the time", vec![get_time(), set_context(Arg::Root), get_time()]),
        Case::new("time/phases", "returns the time in every callback")
            .on("response_headers", [get_time()])
            .on("log", [get_time()])
            .on("delete", [get_time()]),
        on("wall", "WASI clock 0 is the time of day", vec![wasi(0)]),
        on("monotonic", "WASI clock 1 is monotonic", vec![wasi(1)]),
        on("other-clocks", "other WASI clocks return 58", vec![wasi(2), wasi(3), wasi(4), wasi(u32::MAX)]),
        on(
            "precision",
            "the requested precision is ignored",
            vec![call("clock_time_get", [0u32.into(), Arg::Number(u64::MAX), Arg::OutSome64])],
        ),
        on(
            "resolution",
            "both WASI clocks have a resolution of 1 ns",
            vec![resolution(0), resolution(1), resolution(2)],
        ),
    ]
}

fn ticks() -> Vec<Case> {
    let case = |name: &str, title: &str| Case::new(format!("time/tick/{name}"), title);
    vec![
        case("once", "a stream sets the timer of its root context")
            .on("request_headers", [set_tick(10), HOLD])
            .on("tick", stop_and_continue()),
        case("of-the-root", "a root context that is the effective context sets its timer")
            .on("request_headers", [set_context(Arg::Root), set_tick(10), HOLD])
            .on("tick", stop_and_continue()),
        case("stopped", "0 stops the timer, or does nothing if none is set")
            .on("request_headers", [set_tick(0), set_tick(10), set_tick(0)])
            .on("tick", []),
        case("huge", "accepts a period of 49 days").on("request_headers", [set_tick(u32::MAX), set_tick(0)]),
        case("from-the-log", "can be called in any callback").on("log", [set_tick(10), set_tick(0)]),
    ]
}

fn repeated() -> Case {
    let steps = [Step::OnlyRun(3)].into_iter().chain(stop_and_continue());
    Case::new("time/tick-again/three", "the timer ticks once per period until it is stopped")
        .on("request_headers", [set_tick(10), HOLD])
        .on("tick", steps)
}

fn changed() -> Case {
    let steps = [set_tick(20), Step::OnlyRun(2)].into_iter().chain(stop_and_continue());
    Case::new("time/tick-anew/two", "on_tick can set its own period")
        .on("request_headers", [set_tick(10), HOLD])
        .on("tick", steps)
}
