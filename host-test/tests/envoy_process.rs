//! Starting and stopping Envoy processes.

#![allow(clippy::disallowed_methods, reason = "real processes, by the wall clock, within bounds")]

use serde_json::{Value, json};
use std::path::Path;
use tollgate_host_test::envoy::{Options, Process, StartError, validate};

fn admin_only() -> Value {
    json!({"admin": {"address": {"socket_address": {"address": "127.0.0.1", "port_value": 0}}}})
}

fn exists(pid: u32) -> bool {
    Path::new(&format!("/proc/{pid}")).exists()
}

#[test]
fn several_envoys_run_in_parallel() {
    let started = std::time::Instant::now();
    let one = Process::start(&admin_only(), &Options::default()).unwrap();
    println!("ready after {:?}", started.elapsed());
    let two = Process::start(&admin_only(), &Options { workers: 2, ..Options::default() }).unwrap();
    assert_ne!(one.admin(), two.admin());
    assert_eq!(one.stats_matching("^server\\.concurrency$").unwrap()["server.concurrency"], 1);
    assert_eq!(two.stats().unwrap()["server.concurrency"], 2);
}

#[test]
fn stops_when_dropped() {
    let process = Process::start(&admin_only(), &Options::default()).unwrap();
    let (pid, directory) = (process.pid(), process.directory().to_path_buf());
    assert!(exists(pid) && directory.is_dir());
    drop(process);
    assert!(!exists(pid), "Envoy {pid} is still there");
    assert!(!directory.exists());
}

#[test]
fn stops_when_a_test_panics() {
    let (sender, pid) = std::sync::mpsc::channel();
    let result = std::thread::spawn(move || {
        let process = Process::start(&admin_only(), &Options::default()).unwrap();
        sender.send(process.pid()).unwrap();
        panic!("as a failing assertion would");
    })
    .join();
    assert!(result.is_err());
    let pid = pid.recv().unwrap();
    assert!(!exists(pid), "Envoy {pid} is still there");
}

#[test]
fn outlives_the_thread_that_started_it() {
    let started = std::thread::spawn(|| Process::start(&admin_only(), &Options::default()).unwrap());
    let process = started.join().unwrap();
    assert!(process.is_running());
    assert_eq!(process.admin_page("/ready").unwrap().trim(), "LIVE");
}

/// Runs this test again in a child process, which starts an Envoy and is then killed.
#[test]
fn stops_when_its_parent_is_killed() {
    use std::io::{BufRead, BufReader};
    const CHILD: &str = "TOLLGATE_TEST_HOLDS_AN_ENVOY";
    if std::env::var_os(CHILD).is_some() {
        let process = Process::start(&admin_only(), &Options::default()).unwrap();
        println!("\npid={}", process.pid());
        std::thread::sleep(std::time::Duration::from_secs(60));
        return;
    }
    // A killed process cannot delete its files.
    let directory = tempfile::tempdir().unwrap();
    let mut parent = std::process::Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "stops_when_its_parent_is_killed", "--nocapture"])
        .env(CHILD, "1")
        .env("TMPDIR", directory.path())
        .stdout(std::process::Stdio::piped())
        .spawn()
        .unwrap();
    let lines = BufReader::new(parent.stdout.take().unwrap()).lines().map_while(Result::ok);
    let pid = lines.into_iter().find_map(|l| l.strip_prefix("pid=")?.parse::<u32>().ok());
    let alive = pid.is_some_and(exists);
    parent.kill().unwrap();
    parent.wait().unwrap();
    let pid = pid.expect("the child process started an Envoy");
    assert!(alive);
    let deadline = std::time::Instant::now() + std::time::Duration::from_secs(10);
    // The kernel sends the signal when the parent ends. The new parent reaps the child a moment later.
    let gone = || std::fs::read_to_string(format!("/proc/{pid}/stat")).map_or(true, |s| s.contains(") Z "));
    while !gone() {
        assert!(std::time::Instant::now() < deadline, "Envoy {pid} outlived its parent");
        std::thread::sleep(std::time::Duration::from_millis(5));
    }
}

#[test]
fn a_rejected_bootstrap_is_an_error_with_the_reason() {
    let mut bootstrap = admin_only();
    bootstrap["no_such_field"] = json!(1);
    let error = Process::start(&bootstrap, &Options::default()).unwrap_err();
    assert!(matches!(&error, StartError::Ended(_)), "{error:?}");
    assert!(error.to_string().contains("no_such_field"), "{error}");
    assert!(validate(&bootstrap).unwrap_err().to_string().contains("no_such_field"));
    validate(&admin_only()).unwrap();
}
