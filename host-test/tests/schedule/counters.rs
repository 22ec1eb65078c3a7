//! Races of counters.

use crate::modules::{RACY, RIGHT, module, number, on_request};
use std::cell::RefCell;
use std::time::Duration;
use tollgate_host_test::emulator::schedule::{Coverage, End, Interleaved, Schedule};
use tollgate_host_test::{Filter, Request, Scenario, Wasm};

fn counts_to(expected: u64) -> impl Fn(&mut End) -> Result<(), String> {
    move |end| match number(end) {
        n if n == expected => Ok(()),
        n => Err(format!("expected a count of {expected}, found {n}")),
    }
}

fn two(body: &str) -> Interleaved {
    Interleaved::new(&on_request(body)).send(0, Request::get("/")).send(1, Request::get("/"))
}

#[test]
fn finds_a_racy_counter_and_replays_its_schedule() {
    let violation = two(RACY).exhaustive(counts_to(2)).unwrap_err();
    assert_eq!(violation.preemptions, 1);
    assert_eq!(violation.reason, "expected a count of 2, found 1");
    let text = violation.to_string();
    let printed = text.lines().find_map(|l| l.trim().strip_prefix("schedule: \"")?.strip_suffix('"'));
    let schedule: Schedule = printed.unwrap().parse().unwrap();
    assert_eq!(schedule.to_string(), "1 2 2 1");
    for step in [
        "1  [1#2] proxy_get_shared_data(key=\"n\") -> NotFound",
        "2  [2#2] proxy_get_shared_data(key=\"n\") -> NotFound",
        "3  [2#2] proxy_set_shared_data(key=\"n\", value=\"\\x01\\x00\\x00\\x00\\x00\\x00\\x00\\x00\", cas=0) -> Ok",
        "4  [1#2] proxy_set_shared_data(key=\"n\", value=\"\\x01\\x00\\x00\\x00\\x00\\x00\\x00\\x00\", cas=0) -> Ok",
    ] {
        assert!(text.contains(step), "{step}\n{text}");
    }
    let again = two(RACY).replay(&schedule, counts_to(2)).unwrap_err();
    assert_eq!((again.reason, again.schedule, again.calls), (violation.reason, schedule, violation.calls));
    // If one worker runs after the other, no update is lost.
    assert!(two(RACY).replay(&"1 1 2 2".parse().unwrap(), counts_to(2)).is_ok());
}

#[test]
fn a_retrying_counter_is_correct_in_every_order() {
    let report = two(RIGHT).exhaustive(counts_to(2)).unwrap();
    assert!(report.is_exhaustive());
    // Either worker runs first, or one reads and writes between the other's read and write, which the other
    // then repeats. Whether it reads before or after the other reads makes no difference, because two
    // adjacent reads commute.
    assert_eq!(report.schedules.len(), 4);
    let every = two(RIGHT).unreduced().exhaustive(counts_to(2)).unwrap();
    assert!(every.is_exhaustive());
    assert_eq!((every.schedules.len(), every.cut), (6, 0));
    let three = two(RIGHT).send(1, Request::get("/")).exhaustive(counts_to(3)).unwrap();
    assert!(three.is_exhaustive());
}

#[test]
fn three_retrying_workers_lose_no_update() {
    let scenario = on_request(RIGHT).settings(|s| s.workers = 3);
    let all = (0..3).fold(Interleaved::new(&scenario), |all, worker| all.send(worker, Request::get("/")));
    let report = all.exhaustive(counts_to(3)).unwrap();
    assert!(report.is_exhaustive());
    assert!(report.schedules.len() > 20, "{}", report.schedules.len());
}

#[test]
fn unread_additions_are_not_tried_in_all_orders() {
    let counted = module(
        r#"(func (export "proxy_on_request_headers") (param $id i32) (param i32) (param $end i32) (result i32)
          (call $count (i32.const 1056) (i32.const 3))
          (call $count (i32.const 1072) (i32.const 5))
          (i32.const 0))"#,
    );
    let two = Interleaved::new(&counted).send(0, Request::get("/")).send(1, Request::get("/"));
    let check = |end: &mut End| {
        assert_eq!((end.emulator.metric("won"), end.emulator.metric("empty")), (Some(2), Some(2)));
    };
    let report = two.exhaustive(check).unwrap();
    assert!(report.is_exhaustive());
    // The order of the two additions is not observable.
    assert_eq!(report.schedules.len(), 1);
    assert_eq!(two.unreduced().exhaustive(check).unwrap().schedules.len(), 6);
}

#[test]
fn private_keys_and_unread_counters_add_no_schedules() {
    // Adds to a counter before and after. A request with an additional header also uses its own key.
    let count = "(call $count (i32.const 1056) (i32.const 3))";
    let own = "(if (i32.gt_u (local.get 1) (i32.const 6)) (then
        (drop (call $write_of (i32.const 1104) (i32.const 2) (call $read_of (i32.const 1104) (i32.const 2)) (i32.const 0)))))";
    let busy = Interleaved::new(&on_request(&format!("{count} {own} {RIGHT} {own} {count}")))
        .send(0, Request::get("/").header("x-own", "1"))
        .send(1, Request::get("/"));
    let report = busy.exhaustive(counts_to(2)).unwrap();
    assert!(report.is_exhaustive());
    assert_eq!((report.schedules.len(), report.cut), (4, 0));
    // Eight calls and four calls have 495 orders if no call is retried.
    let every = busy.unreduced().at_most(300).exhaustive(counts_to(2)).unwrap();
    assert_eq!(every.coverage, Coverage::Part);
}

#[test]
fn a_gauge_that_is_read_and_set_loses_updates() {
    // The ids of a VM begin with 4; the kind is in the lowest bits.
    let body = "(drop (call $define (i32.const 1) (i32.const 1104) (i32.const 2) (i32.const 32)))
        (drop (call $metric (i32.load (i32.const 32)) (i32.const 40)))
        (drop (call $record (i32.load (i32.const 32)) (i64.add (i64.const 1) (i64.load (i32.const 40)))))";
    let is_two = |end: &mut End| assert_eq!(end.emulator.metric("n2"), Some(2));
    let violation = two(body).exhaustive(is_two).unwrap_err();
    assert_eq!(violation.schedule.to_string(), "1 2 2 1");
    assert!(violation.calls[3].ends_with("proxy_record_metric(id=5, value=1) -> Ok"), "{violation}");
    let added = "(drop (call $define (i32.const 1) (i32.const 1104) (i32.const 2) (i32.const 32)))
        (drop (call $metric (i32.load (i32.const 32)) (i32.const 40)))
        (drop (call $increment (i32.load (i32.const 32)) (i64.const 1)))";
    let report = two(added).exhaustive(is_two).unwrap();
    assert!(report.is_exhaustive());
    // The two workers read 0 and 0, 0 and 1, or 1 and 0.
    assert_eq!(report.schedules.len(), 3);
}

#[test]
fn the_reported_schedule_has_the_fewest_preemptions() {
    // Both add. The request with an additional header also reads.
    let body = "(call $count (i32.const 1056) (i32.const 3))
        (if (i32.gt_u (local.get 1) (i32.const 6)) (then
          (drop (call $metric (i32.load (i32.const 32)) (i32.const 40)))))";
    let reader = Interleaved::new(&on_request(body)).send(0, Request::get("/").header("x-read", "1"));
    let sees_its_own = |end: &mut End| match end.calls.iter().find(|call| call.contains("get_metric")) {
        Some(call) if call.ends_with("Ok 1") => Ok(()),
        other => Err(format!("{other:?}")),
    };
    let violation = reader.send(1, Request::get("/")).exhaustive(sees_its_own).unwrap_err();
    // An addition between the other's addition and read has the same effect, but needs a preemption.
    assert_eq!((violation.schedule.to_string().as_str(), violation.preemptions), ("2 1 1", 0), "{violation}");
}

#[test]
fn a_bound_on_preemptions_keeps_all_schedules_within_it() {
    let body = "(call $count (i32.const 1056) (i32.const 3))
        (if (i32.gt_u (local.get 1) (i32.const 6)) (then
          (drop (call $metric (i32.load (i32.const 32)) (i32.const 40)))))";
    let reader = Interleaved::new(&on_request(body)).send(0, Request::get("/").header("x-read", "1"));
    let sees_two =
        |end: &mut End| end.calls.iter().any(|call| call.contains("get_metric") && call.ends_with("2"));
    let never = |end: &mut End| if sees_two(end) { Err("2".to_owned()) } else { Ok(()) };
    assert!(reader.send(1, Request::get("/")).preemptions(0).exhaustive(never).is_err());
}

#[test]
fn switching_workers_between_requests_is_no_preemption() {
    let report = two(RIGHT).send(0, Request::get("/")).preemptions(0).exhaustive(counts_to(3)).unwrap();
    let schedules: Vec<_> = report.schedules.iter().map(ToString::to_string).collect();
    assert_eq!(schedules, ["1 1 1 1 2 2", "1 1 2 2 1 1", "2 2 1 1 1 1"]);
}

#[test]
fn the_last_value_that_is_set_stays() {
    let body = "(drop (call $define (i32.const 1) (i32.const 1104) (i32.const 2) (i32.const 32)))
        (drop (call $record (i32.load (i32.const 32)) (i64.extend_i32_u (local.get 1))))";
    let kept = RefCell::new(Vec::new());
    let report = Interleaved::new(&on_request(body))
        .send(0, Request::get("/"))
        .send(1, Request::get("/").header("x-more", "1"))
        .exhaustive(|end| kept.borrow_mut().extend(end.emulator.metric("n2")))
        .unwrap();
    assert!(report.is_exhaustive());
    let mut kept = kept.into_inner();
    kept.sort_unstable();
    assert_eq!(kept, [6, 7]);
}

#[test]
fn body_and_trailer_callbacks_interleave_too() {
    let body = format!(
        r#"(func (export "proxy_on_request_body") (param i32 i32 i32) (result i32) {RACY} (i32.const 0))"#
    );
    let trailers = format!(
        r#"(func (export "proxy_on_request_trailers") (param i32 i32) (result i32) {RACY} (i32.const 0))"#
    );
    let response = format!(
        r#"(func (export "proxy_on_response_headers") (param i32 i32 i32) (result i32) {RACY} (i32.const 0))"#
    );
    let request = || Request::post("/", "body").trailer("x-sum", "1");
    for callback in [body, trailers, response] {
        let two = Interleaved::new(&module(&callback)).send(0, request()).send(1, request());
        let violation = two.exhaustive(counts_to(2)).unwrap_err();
        assert_eq!(violation.schedule.to_string(), "1 2 2 1", "{callback}");
    }
}

#[test]
fn each_thread_has_its_own_random_numbers() {
    let text = r#"(import "wasi_snapshot_preview1" "random_get" (func $random (param i32 i32) (result i32)))
        (import "env" "proxy_set_shared_data" (func $set (param i32 i32 i32 i32 i32) (result i32)))
        (memory (export "memory") 1)
        (func (export "malloc") (param i32) (result i32) (i32.const 1024))
        (func (export "proxy_abi_version_0_2_1"))
        (func (export "proxy_on_request_headers") (param i32 i32 i32) (result i32)
          (drop (call $set (i32.const 0) (i32.const 1) (i32.const 0) (i32.const 1) (i32.const 0)))
          (drop (call $random (i32.const 16) (i32.const 8)))
          (drop (call $set (i32.const 0) (i32.const 1) (i32.const 16) (i32.const 8) (i32.const 0)))
          (i32.const 0))"#;
    let filter = Filter::new(Wasm::wat(&format!("(module {text})")));
    let scenario = Scenario::new().filter(filter).settings(|s| s.workers = 2);
    let two = Interleaved::new(&scenario).send(0, Request::get("/")).send(1, Request::get("/"));
    let drawn = |schedule: &str, thread: &str| {
        let end = two.replay(&schedule.parse().unwrap(), |_| ()).unwrap();
        let mut of_thread = end.calls.iter().filter(|call| call.starts_with(thread));
        of_thread.next_back().unwrap().clone()
    };
    for thread in ["[1#2]", "[2#2]"] {
        assert_eq!(drawn("1 1 2 2", thread), drawn("2 1 2 1", thread));
    }
    let value = |call: String| call.split_once("value=").unwrap().1.to_owned();
    assert_ne!(value(drawn("1 1 2 2", "[1#2]")), value(drawn("1 1 2 2", "[2#2]")));
}

#[test]
fn a_bound_that_is_too_small_is_reported() {
    let report = two(RIGHT).at_most(3).exhaustive(counts_to(2)).unwrap();
    assert_eq!((report.schedules.len(), report.coverage), (3, Coverage::Part));
    assert!(!report.is_exhaustive());
    let report = two(RACY).preemptions(0).exhaustive(counts_to(2)).unwrap();
    assert_eq!((report.schedules.len(), report.coverage), (2, Coverage::Preemptions(0)));
    assert!(!report.is_exhaustive());
    assert!(two(RACY).preemptions(1).exhaustive(counts_to(2)).is_err());
    let exact = two(RIGHT).at_most(4).exhaustive(counts_to(2)).unwrap();
    assert!(exact.is_exhaustive());
}

#[test]
fn random_schedules_find_it_and_are_deterministic() {
    let violation = two(RACY).seeded(1, 100, counts_to(2)).unwrap_err();
    assert!(two(RACY).replay(&violation.schedule, counts_to(2)).is_err());
    let tried = |seed| two(RIGHT).seeded(seed, 12, counts_to(2)).unwrap();
    assert_eq!(tried(5), tried(5));
    assert_ne!(tried(5).schedules, tried(6).schedules);
    assert_eq!(tried(5).coverage, Coverage::Part);
}

#[test]
fn the_same_schedule_gives_the_same_run() {
    let run = |schedule: &str| {
        let end =
            two(RIGHT).linger(Duration::from_secs(1)).replay(&schedule.parse().unwrap(), |_| ()).unwrap();
        assert!(end.schedule.to_string().starts_with(schedule), "{}", end.schedule);
        (end.emulator.trace(), end.calls, format!("{:?}", end.exchanges), end.emulator.now())
    };
    assert_eq!(run("1 2 2 1 1"), run("1 2 2 1 1"));
    assert_ne!(run("1 2 2 1 1").1, run("2 1 1 2 2").1);
    let whole =
        |seed| two(RIGHT).seeded(seed, 1, |end| Err(format!("{:?}", end.emulator.trace()))).unwrap_err();
    assert_eq!(whole(3), whole(3));
}

#[test]
fn workers_that_start_together_lose_updates() {
    let configured =
        format!(r#"(func (export "proxy_on_configure") (param i32 i32) (result i32) {RACY} (i32.const 1))"#);
    let scenario = module(&configured);
    // The canary, the main thread and two workers.
    assert!(Interleaved::new(&scenario).exhaustive(counts_to(4)).unwrap().is_exhaustive());
    let violation = Interleaved::new(&scenario).from_start().exhaustive(counts_to(4)).unwrap_err();
    assert_eq!(violation.schedule.to_string(), "1 2 2 1");
    let right = configured.replace(RACY, RIGHT);
    let report = Interleaved::new(&module(&right)).from_start().exhaustive(counts_to(4)).unwrap();
    assert!(report.is_exhaustive());
    assert_eq!(report.schedules.len(), 4);
}

#[test]
fn requests_at_different_times_do_not_interleave() {
    let later = Interleaved::new(&on_request(RACY)).send(0, Request::get("/")).send_at(
        Duration::from_millis(1),
        1,
        Request::get("/"),
    );
    let report = later.exhaustive(counts_to(2)).unwrap();
    assert_eq!(report.schedules, ["1 1 2 2".parse().unwrap()]);
    assert!(report.is_exhaustive());
}
