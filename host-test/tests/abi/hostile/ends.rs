//! Host calls that crash a real Envoy, and therefore cannot run on both hosts. On the emulator, the VM fails,
//! and a trap gives the reason.

use crate::call;
use crate::guest::{Do, Guest};
use tollgate_host_test::{Request, Response, Upstream};

/// Returns the reason why the VM failed, if it did.
fn crashed(callback: &str, calls: Vec<Do>, returns: u32) -> Option<String> {
    let guest = Guest::new().on_returning(callback, calls, returns);
    let response = Response::new(200).chunk("a").chunk("b").trailer("t", "1");
    let upstream = match callback.ends_with("trailers") {
        true => Upstream::replies("upstream", response),
        false => Upstream::replies("upstream", Response::new(200)),
    };
    let mut emulator =
        tollgate_host_test::emulator::Emulator::new(&guest.scenario().upstream(upstream)).expect("it loads");
    let handle = emulator.request(0, &Request::get("/"));
    emulator.finish_request(handle);
    let trap = emulator.traps().first()?;
    assert!(trap.reason.starts_with("Envoy crashes (segmentation fault): "), "{}", trap.reason);
    Some(trap.reason.clone())
}

#[test]
fn ending_a_finished_stream_would_crash_envoy() {
    for callback in ["log", "done", "delete"] {
        for end in [call!("close_stream", 0), call!("send_local_response", 403, "", "no", "", (-1))] {
            let why = crashed(callback, vec![end], 1).unwrap_or_else(|| panic!("on_{callback}: no trap"));
            assert!(why.ends_with("when the stream has already ended"), "{why}");
        }
    }
}

#[test]
fn closing_in_the_last_response_callback_would_crash_envoy() {
    assert!(crashed("response_trailers", vec![call!("close_stream", 1)], 0).is_some());
    assert!(crashed("response_headers", vec![call!("close_stream", 1)], 0).is_none());
}

#[test]
fn continuing_twice_in_the_last_callback_would_crash_envoy() {
    for callback in ["response_headers", "response_trailers"] {
        assert!(crashed(callback, vec![call!("continue_stream", 1)], 0).is_some(), "on_{callback}");
        assert!(crashed(callback, vec![call!("continue_stream", 1)], 1).is_none(), "on_{callback}");
    }
}

#[test]
fn two_local_replies_to_one_response_would_crash_envoy() {
    let reply = || call!("send_local_response", 403, "", "no", "", (-1));
    assert!(crashed("response_headers", vec![reply(), reply()], 0).is_some());
    assert!(crashed("response_headers", vec![reply()], 0).is_none());
    assert!(crashed("request_headers", vec![reply(), reply()], 0).is_none());
}

#[test]
fn reading_a_body_in_on_log_may_crash_envoy() {
    let trap = |returns: u32, buffer: i32| {
        let read = [call!("get_buffer_bytes", (buffer), 0, 9, _, _)];
        let guest = Guest::new().on_returning("response_body", [], returns).on("log", read);
        let mut emulator = guest.start();
        let handle = emulator.request(0, &Request::get("/"));
        emulator.finish_request(handle);
        emulator.traps().first().map(|trap| trap.reason.clone())
    };
    for returns in [2, 3] {
        let reason = trap(returns, 1).unwrap_or_default();
        assert!(reason.starts_with("Envoy crashes (segmentation fault): "), "{returns}: {reason}");
        assert_eq!(trap(returns, 0), None);
    }
    assert_eq!((trap(0, 1), trap(1, 1)), (None, None));
}

#[test]
fn reading_buffer_8_after_a_body_would_crash_envoy() {
    let read = || [call!("get_buffer_status", 8, _, _)];
    let guest = Guest::new().on("request_body", []).on("response_headers", read());
    let mut emulator = guest.start();
    let handle = emulator.request(0, &Request::post("/", "a"));
    emulator.finish_request(handle);
    let reason = &emulator.traps()[0].reason;
    assert!(reason.starts_with("Envoy crashes (segmentation fault): "), "{reason}");
    let mut emulator = Guest::new().on("response_headers", read()).start();
    let handle = emulator.request(0, &Request::get("/"));
    emulator.finish_request(handle);
    assert!(emulator.traps().is_empty());
}
