//! Connections of the emulator that a test inspects between steps.

use crate::both::{MS, Told, talks, unanswered};
use crate::call;
use tollgate_host_test::emulator::Emulator;
use tollgate_host_test::{Connection, End};

#[test]
fn two_connections_are_open_at_the_same_time() {
    let told = Told::new("a").returning("new_connection", [call!("set_tick_period_milliseconds", 50)], 1).on(
        "tick",
        [
            call!("set_effective_context", 2),
            call!("continue_stream", 2),
            call!("set_effective_context", 3),
            call!("continue_stream", 2),
        ],
    );
    let mut emulator = Emulator::new(&told.alone()).unwrap();
    let (first, second) = (emulator.connect(0, &talks()), emulator.connect(0, &talks()));
    assert_eq!(emulator.open_connections(), 2);
    let received = [first, second].map(|handle| emulator.finish_connection(handle));
    for exchange in &received {
        assert_eq!((exchange.client.bytes.as_slice(), exchange.client.end), (&b"onetwo"[..], End::Closed));
        assert_eq!(exchange.upstream[0].bytes, b"onetwo");
    }
    assert_eq!(emulator.open_connections(), 0);
    assert_eq!(emulator.now(), 50 * MS);
}

#[test]
fn a_held_connection_keeps_its_context() {
    let mut emulator = Emulator::new(&Told::new("a").returns("new_connection", 1).alone()).unwrap();
    let handle = emulator.connect(0, &unanswered());
    let exchange = emulator.finish_connection(handle);
    assert_eq!((exchange.client.end, exchange.flags.as_str()), (End::Hang, ""));
    assert_eq!(emulator.open_connections(), 1);
}

#[test]
fn connections_use_the_given_worker() {
    let scenario = Told::new("a").alone().settings(|s| s.workers = 2);
    let mut emulator = Emulator::new(&scenario).unwrap();
    let handle = emulator.connect(1, &Connection::new().shut_down());
    emulator.finish_connection(handle);
    let created =
        emulator.trace().into_iter().filter(|line| line.contains("a new_connection")).collect::<Vec<_>>();
    assert!(matches!(created.as_slice(), [one] if one.starts_with("[2#")), "{created:?}");
}

#[test]
#[should_panic(expected = "unknown worker `1`")]
fn connecting_to_an_unknown_worker_panics() {
    Emulator::new(&Told::new("a").alone()).unwrap().connect(1, &talks());
}
