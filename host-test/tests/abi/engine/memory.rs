//! Memory of the filters and of the emulator.

use crate::call;
use crate::guest::{Guest, wat};
use tollgate_host_test::emulator::Emulator;
use tollgate_host_test::{ClientView, Request};

const PAGE: usize = 65_536;

fn ask(emulator: &mut Emulator) -> ClientView {
    let handle = emulator.request(0, &Request::get("/"));
    emulator.finish_request(handle).client
}

#[test]
fn reports_memory_per_vm_and_the_callback_that_grew_it() {
    let grow = wat("(drop (memory.grow (i32.const 2)))");
    let trap = wat("(if (i32.eq (local.get 0) (i32.const 3)) (then unreachable))");
    let mut emulator = Guest::new().on("request_headers", [grow, trap]).start();
    ask(&mut emulator);
    assert_eq!(emulator.memory(0, 0), 34 * PAGE);
    ask(&mut emulator);
    let marks = emulator.memory_marks();
    let told: Vec<_> = marks.iter().map(|mark| (mark.thread, mark.bytes / PAGE, mark.lost)).collect();
    assert_eq!(
        told,
        [(0, 32, false), (0, 32, false), (0, 32, false), (1, 36, true)],
        "a base, a canary, the main thread, the worker"
    );
    let growth: Vec<_> = marks[3].growth.iter().map(|(name, by)| (*name, by / PAGE)).collect();
    assert_eq!(growth, [("_initialize", 32), ("proxy_on_request_headers", 4)]);
}

#[test]
fn failed_growth_is_not_reported() {
    let grow = wat("(drop (memory.grow (i32.const 16384)))");
    let mut emulator = Guest::new().on("request_headers", [grow]).start();
    ask(&mut emulator);
    assert_eq!(emulator.memory(0, 0), 32 * PAGE);
}

#[test]
fn finds_leaks_but_ignores_growth_at_start() {
    let leak = |until: u32| {
        let grow = format!(
            "(if (i32.lt_u (local.get 0) (i32.const {until})) (then (drop (memory.grow (i32.const 1)))))"
        );
        Guest::new().on("request_headers", [wat(&grow)]).start()
    };
    leak(5).assert_memory_is_steady(20, |emulator, _| {
        ask(emulator);
    });
    let told = std::panic::catch_unwind(|| {
        leak(1_000).assert_memory_is_steady(20, |emulator, _| {
            ask(emulator);
        });
    });
    let told = told.unwrap_err().downcast_ref::<String>().unwrap().clone();
    assert!(told.contains("VM 3 on thread 1 grew") && told.contains("proxy_on_request_headers"), "{told}");
}

#[test]
fn taken_results_are_returned_once() {
    let mut emulator = Guest::new().on("request_headers", [call!("log", 2, "x")]).start();
    for _ in 0..3 {
        emulator.request(0, &Request::get("/"));
    }
    let first = emulator.drain();
    assert_eq!((first.exchanges.len(), first.logs.len()), (3, 3));
    assert!(!first.trace.is_empty());
    emulator.request(0, &Request::get("/"));
    let second = emulator.drain();
    assert_eq!((second.exchanges.len(), second.logs.len(), second.trace.len()), (1, 1, 1));
}
