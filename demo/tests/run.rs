//! `tollgate-demo` as a user meets it: its output, its exit status, and what is left of it afterwards.

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
fn the_tour_goes_as_expected_and_prints_each_step() {
    let out = output(demo(&["--tour-only", "--port", "0"]));
    let text = String::from_utf8(out.stdout).unwrap();
    assert!(out.status.success(), "{:?}\n{text}\n{}", out.status, String::from_utf8_lossy(&out.stderr));
    assert!(out.stderr.is_empty(), "{}", String::from_utf8_lossy(&out.stderr));
    let verdict = text.lines().last().unwrap();
    let steps: usize = verdict.split(' ').nth(1).unwrap().parse().unwrap();
    assert_eq!(verdict, format!("All {steps} steps went as expected."));
    assert!(steps >= 11, "{text}");
    for number in 1..=steps {
        let after = text
            .split_once(&format!("\n{number:>2}  "))
            .unwrap_or_else(|| panic!("no step {number}\n{text}"))
            .1;
        let step = after.split("\n\n").next().unwrap();
        let has = |label: &str| step.lines().any(|line| line.trim_start().starts_with(label));
        assert!(has("sent") && has("came back") || has("configured") && has("Envoy said"), "{step}");
        assert!(has("checked") && step.contains('✓') && !step.contains('✗'), "{step}");
    }
    assert!(text.contains("counted       telemetry_headers."), "{text}");
}

#[test]
fn colours_are_for_terminals_or_for_who_asks() {
    let escapes = |arguments: &[&str]| output(demo(arguments)).stdout.contains(&0x1b);
    assert!(!escapes(&["--tour-only", "--port", "0"]));
    assert!(escapes(&["--tour-only", "--port", "0", "--color", "always"]));
}

#[test]
fn a_port_that_is_taken_is_named_in_one_line() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().port().to_string();
    let out = output(demo(&["--tour-only", "--port", &port]));
    assert_eq!(out.status.code(), Some(1));
    let said = lines(&out.stderr);
    assert_eq!(said.len(), 1, "{said:?}");
    assert!(said[0].starts_with(&format!("tollgate-demo: port {port} is taken: ")), "{said:?}");
    assert!(said[0].contains("make run PORT="), "{said:?}");
    assert!(out.stdout.is_empty());
}

#[test]
fn a_missing_envoy_is_named_in_one_line() {
    let mut command = demo(&["--tour-only", "--port", "0"]);
    command.env("ENVOY", "/no/such/envoy");
    let out = output(command);
    assert_eq!(out.status.code(), Some(1));
    let said = lines(&out.stderr);
    assert_eq!(said.len(), 1, "{said:?}");
    assert!(said[0].contains("`/no/such/envoy`") && said[0].contains("make setup"), "{said:?}");
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
fn a_request_to_end_stops_everything() {
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
    // What a killed process leaves are files; they are ours to remove.
    std::fs::remove_dir_all(&left.files).unwrap();
}

#[test]
fn says_so_when_envoy_ends_by_itself() {
    let demo = Demo::start();
    for pid in &demo.children {
        // SAFETY: no memory is involved; the process is a child of the demo that this test started.
        assert_eq!(unsafe { libc::kill(*pid, libc::SIGKILL) }, 0);
    }
    let left = demo.ended();
    assert_eq!(left.status.code(), Some(1));
    assert!(left.errors.starts_with("tollgate-demo: Envoy has ended"), "{}", left.errors);
}
