//! The clock and the ticks.

use crate::script::calls::{call, continue_stream, get_time, set_context, set_tick};
use crate::script::{Arg, Step};
use crate::{Case, Sheet};

/// The sheets. A tick's runs are counted, so that who counts them has a sheet of its own.
pub fn sheets() -> Vec<Sheet> {
    vec![
        Sheet::new("the clock", clock()),
        Sheet::new("ticks", ticks()),
        Sheet::new("ticks that go on", vec![again()]),
        Sheet::new("ticks that are set anew", vec![anew()]),
    ]
}

const HOLD: Step = Step::Return(1);

fn go_on() -> [Step; 3] {
    [set_tick(0), set_context(Arg::Stream), continue_stream(0)]
}

fn clock() -> Vec<Case> {
    let wasi = |clock: u32| call("clock_time_get", [clock.into(), Arg::Number(0), Arg::OutSome64]);
    let resolution = |clock: u32| call("clock_res_get", [clock.into(), Arg::Out64]);
    let on = |name: &str, says: &str, steps: Vec<Step>| {
        Case::new(format!("time/{name}"), says).on("request_headers", steps)
    };
    vec![
        on("now", "the time is told", vec![get_time(), set_context(Arg::Root), get_time()]),
        Case::new("time/phases", "in every phase")
            .on("response_headers", [get_time()])
            .on("log", [get_time()])
            .on("delete", [get_time()]),
        on("wall", "clock 0 of WASI is the time of day", vec![wasi(0)]),
        on("monotonic", "clock 1 of WASI runs", vec![wasi(1)]),
        on("other-clocks", "there are no other clocks: 58", vec![wasi(2), wasi(3), wasi(4), wasi(u32::MAX)]),
        on(
            "precision",
            "the precision that is asked for is not looked at",
            vec![call("clock_time_get", [0u32.into(), Arg::Number(u64::MAX), Arg::OutSome64])],
        ),
        on(
            "resolution",
            "both clocks have a resolution of 1 ns",
            vec![resolution(0), resolution(1), resolution(2)],
        ),
    ]
}

fn ticks() -> Vec<Case> {
    let case = |name: &str, says: &str| Case::new(format!("time/tick/{name}"), says);
    vec![
        case("once", "a stream sets the tick of its root context")
            .on("request_headers", [set_tick(10), HOLD])
            .on("tick", go_on()),
        case("of-the-root", "and so does the root context in effect")
            .on("request_headers", [set_context(Arg::Root), set_tick(10), HOLD])
            .on("tick", go_on()),
        case("stopped", "0 stops it, also when there is none")
            .on("request_headers", [set_tick(0), set_tick(10), set_tick(0)])
            .on("tick", []),
        case("huge", "a period of 49 days is Ok").on("request_headers", [set_tick(u32::MAX), set_tick(0)]),
        case("from-the-log", "it can be set in any phase").on("log", [set_tick(10), set_tick(0)]),
    ]
}

fn again() -> Case {
    let steps = [Step::OnlyRun(3)].into_iter().chain(go_on());
    Case::new("time/tick-again/three", "it comes again each time its period is over, until it is stopped")
        .on("request_headers", [set_tick(10), HOLD])
        .on("tick", steps)
}

fn anew() -> Case {
    let steps = [set_tick(20), Step::OnlyRun(2)].into_iter().chain(go_on());
    Case::new("time/tick-anew/two", "a tick may set its own period anew")
        .on("request_headers", [set_tick(10), HOLD])
        .on("tick", steps)
}
