//! Tests of `tollgate-demo` as a user runs it: output, exit status, and cleanup.

#![allow(clippy::disallowed_methods, reason = "real processes run by the wall clock, with timeouts")]
#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test ends by panicking; clippy relaxes these only inside test functions, not in what they share"
)]

mod started;

use started::{Demo, demo, output};
use std::net::TcpListener;
use std::process::ExitStatus;

fn lines(text: &[u8]) -> Vec<String> {
    String::from_utf8(text.to_vec()).unwrap().lines().map(str::to_owned).collect()
}

#[test]
fn the_tour_passes_and_prints_each_step() {
    let out = output(demo(&["--tour-only", "--port", "0"]));
    let text = String::from_utf8(out.stdout).unwrap();
    assert!(out.status.success(), "{:?}\n{text}\n{}", out.status, String::from_utf8_lossy(&out.stderr));
    assert!(out.stderr.is_empty(), "{}", String::from_utf8_lossy(&out.stderr));
    let verdict = text.lines().last().unwrap();
    let steps: usize = verdict.split(' ').nth(1).unwrap().parse().unwrap();
    assert_eq!(verdict, format!("All {steps} steps passed."));
    assert!(steps >= 11, "{text}");
    for number in 1..=steps {
        let after = text
            .split_once(&format!("\n{number:>2}  "))
            .unwrap_or_else(|| panic!("no step {number}\n{text}"))
            .1;
        let step = after.split("\n\n").next().unwrap();
        let has = |label: &str| step.lines().any(|line| line.trim_start().starts_with(label));
        assert!(has("sent") && has("received") || has("configured") && has("Envoy logged"), "{step}");
        assert!(has("checked") && step.contains('✓') && !step.contains('✗'), "{step}");
    }
    assert!(text.contains("counted       telemetry_headers."), "{text}");
}

#[test]
fn colours_only_terminals_unless_requested() {
    let escapes = |arguments: &[&str]| output(demo(arguments)).stdout.contains(&0x1b);
    assert!(!escapes(&["--tour-only", "--port", "0"]));
    assert!(escapes(&["--tour-only", "--port", "0", "--color", "always"]));
}

#[test]
fn names_a_taken_port_in_one_line() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().port().to_string();
    let out = output(demo(&["--tour-only", "--port", &port]));
    assert_eq!(out.status.code(), Some(1));
    let errors = lines(&out.stderr);
    assert_eq!(errors.len(), 1, "{errors:?}");
    assert!(errors[0].starts_with(&format!("tollgate-demo: port {port} is taken: ")), "{errors:?}");
    assert!(errors[0].contains("make run PORT="), "{errors:?}");
    assert!(out.stdout.is_empty());
}

#[test]
fn names_a_missing_envoy_in_one_line() {
    let mut command = demo(&["--tour-only", "--port", "0"]);
    command.env("ENVOY", "/no/such/envoy");
    let out = output(command);
    assert_eq!(out.status.code(), Some(1));
    let errors = lines(&out.stderr);
    assert_eq!(errors.len(), 1, "{errors:?}");
    assert!(errors[0].contains("`/no/such/envoy`") && errors[0].contains("make setup"), "{errors:?}");
}

#[test]
fn stays_up_and_ctrl_c_stops_everything() {
    let demo = Demo::start();
    assert!(demo.answers("/orders/7"), "{}", demo.text);
    let left = demo.stop(libc::SIGINT);
    assert_eq!(left.status.code(), Some(0));
    left.assert_nothing();
    assert!(!left.files.exists(), "{} is still there", left.files.display());
}

#[test]
fn sigterm_stops_everything() {
    let left = Demo::start().stop(libc::SIGTERM);
    assert_eq!(left.status.code(), Some(0));
    left.assert_nothing();
}

#[test]
fn envoy_does_not_outlive_a_demo_that_is_killed() {
    use std::os::unix::process::ExitStatusExt;
    let left = Demo::start().stop(libc::SIGKILL);
    assert_eq!(left.status, ExitStatus::from_raw(libc::SIGKILL));
    left.assert_nothing();
    // A killed process leaves its files, which this test removes.
    std::fs::remove_dir_all(&left.files).unwrap();
}

#[test]
fn reports_an_unexpected_exit_of_envoy() {
    let demo = Demo::start();
    for pid in &demo.children {
        // SAFETY: no memory is involved; the process is a child of the demo that this test started.
        assert_eq!(unsafe { libc::kill(*pid, libc::SIGKILL) }, 0);
    }
    let left = demo.ended();
    assert_eq!(left.status.code(), Some(1));
    assert!(left.errors.starts_with("tollgate-demo: Envoy exited unexpectedly"), "{}", left.errors);
}
