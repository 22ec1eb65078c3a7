//! Counts of instructions, and limits on them.

use crate::call;
use crate::guest::{Guest, wat};
use std::panic::AssertUnwindSafe;
use std::time::Duration;
use tollgate_host_test::emulator::{Cost, Emulator, Spent};
use tollgate_host_test::{ClientView, Request};

/// A loop that counts down from a number.
fn work(from: u32) -> String {
    format!(
        "(global.set $top (i32.const {from}))
        (loop $l (global.set $top (i32.sub (global.get $top) (i32.const 1))) (br_if $l (global.get $top)))
        (global.set $top (i32.const 1048576))"
    )
}

fn metered(guest: &Guest) -> Emulator {
    Emulator::builder(&guest.scenario()).metered().start().unwrap()
}

fn cost(emulator: &Emulator, callback: &str) -> Cost {
    emulator.costs().get(callback).copied().unwrap_or_default()
}

fn ask(emulator: &mut Emulator) -> ClientView {
    let handle = emulator.request(0, &Request::get("/"));
    emulator.finish_request(handle).client
}

#[test]
fn counts_the_same_instructions_per_callback_in_every_run() {
    let guest = Guest::new().on("request_headers", [wat(&work(100))]).on("log", [wat(&work(10))]);
    let run = || {
        let mut emulator = metered(&guest);
        ask(&mut emulator);
        ask(&mut emulator);
        emulator
    };
    let (first, second) = (run(), run());
    assert_eq!(first.costs(), second.costs());
    assert_eq!(first.spent().collect::<Vec<_>>(), second.spent().collect::<Vec<_>>());
    let (headers, log) = (cost(&first, "proxy_on_request_headers"), cost(&first, "proxy_on_log"));
    assert_eq!((headers.calls, headers.sum), (2, 2 * headers.most));
    // Ninety more iterations, of about six instructions each.
    assert!((360..=600).contains(&(headers.most - log.most)), "{headers:?} {log:?}");
    assert!((400..=700).contains(&headers.most), "{headers:?}");
    let last = first.spent().filter(|s| s.callback == "proxy_on_request_headers").last().unwrap();
    assert_eq!(
        *last,
        Spent { thread: 1, context: 3, callback: "proxy_on_request_headers", instructions: headers.most }
    );
    assert_eq!(first.instructions_per_request(), headers.most + log.most);
    assert_eq!(cost(&first, "_initialize").calls, 4, "a base, a canary, the main thread, a worker");
}

#[test]
fn counts_nothing_by_default() {
    let mut emulator = Guest::new().on("request_headers", []).start();
    ask(&mut emulator);
    assert!(emulator.costs().is_empty());
}

#[test]
fn a_test_can_bound_what_a_callback_costs() {
    let mut emulator = metered(&Guest::new().on("request_headers", [wat(&work(100))]));
    ask(&mut emulator);
    let most = cost(&emulator, "proxy_on_request_headers").most;
    emulator.assert_at_most("proxy_on_request_headers", most);
    for (callback, limit) in [("proxy_on_request_headers", most - 1), ("proxy_on_tick", 1_000_000)] {
        let told = std::panic::catch_unwind(AssertUnwindSafe(|| emulator.assert_at_most(callback, limit)))
            .unwrap_err();
        assert!(told.downcast_ref::<String>().unwrap().contains(callback));
    }
}

#[test]
fn the_cost_of_a_callback_includes_the_allocator() {
    let costs = |calls: Vec<_>| {
        let mut emulator = metered(&Guest::new().on("request_headers", calls));
        ask(&mut emulator);
        cost(&emulator, "proxy_on_request_headers").most
    };
    let wild = costs(vec![call!("get_header_map_value", 0, (-1), 5, _, _)]);
    let allocates = costs(vec![call!("get_header_map_value", 0, ":path", _, _)]);
    assert!(allocates > wild, "{allocates} {wild}");
}

#[test]
fn endless_loops_end_at_the_instruction_limit() {
    let endless = || wat("(loop $l (br $l))");
    for name in ["request_headers", "response_headers", "log", "done", "delete"] {
        let only_streams = wat("(if (i32.gt_u (local.get 0) (i32.const 1)) (then (loop $l (br $l))))");
        let run = || {
            let guest = Guest::new().on(name, [only_streams.clone()]);
            // The instruction limit stops it, not the clock.
            let builder = Emulator::builder(&guest.scenario()).instructions(100_000);
            let mut emulator = builder.patience(Duration::from_secs(600)).start().unwrap();
            ask(&mut emulator);
            emulator
        };
        let (first, second) = (run(), run());
        assert_eq!(first.traps().len(), 1, "{name}");
        assert_eq!(first.traps()[0].reason, "exceeded its instruction limit", "{name}");
        assert_eq!((first.traps(), first.costs()), (second.traps(), second.costs()), "{name}");
    }
    for name in ["_initialize", "configure", "vm_start"] {
        let guest = Guest::new().on(name, [endless()]);
        let refused = Emulator::builder(&guest.scenario()).instructions(100_000).start().unwrap_err();
        assert!(refused.reason.contains("exceeded its instruction limit"), "{name}: {}", refused.reason);
    }
}

#[test]
fn endless_loops_end_at_the_time_limit() {
    for name in ["_initialize", "configure"] {
        let guest = Guest::new().on(name, [wat("(loop $l (br $l))")]);
        let started = Emulator::builder(&guest.scenario()).patience(Duration::from_millis(50)).start();
        let reason = started.unwrap_err().reason;
        assert!(reason.contains("exceeded its time limit"), "{name}: {reason}");
    }
    let guest = Guest::new()
        .on("delete", [wat("(if (i32.gt_u (local.get 0) (i32.const 1)) (then (loop $l (br $l))))")]);
    let builder = Emulator::builder(&guest.scenario()).patience(Duration::from_millis(50));
    let mut emulator = builder.start().unwrap();
    ask(&mut emulator);
    assert_eq!(emulator.traps()[0].callback, "proxy_on_delete");
}
