//! Many delayed requests at once.

use crate::live::{Client, address, envoy, statistic, with_filters};
use crate::support::{rule, with};
use serde_json::{Value, json};
use std::time::{Duration, Instant};
use tollgate_host_test::Request;
use tollgate_host_test::emulator::Emulator;

fn delay(length: &str) -> Value {
    json!({"rules": [rule("r", json!({
        "match": {"paths": [{"exact": "/slow"}]}, "delay": {"percentage": 100, "fixed": length},
    }))]})
}

/// Returns the instructions of ten ticks while `count` requests are delayed, and the number of active faults.
fn ticks(count: usize) -> (u64, u64) {
    let config = json!({"rules": [
        rule("slow", json!({"match": {"paths": [{"exact": "/slow"}]}, "delay": {"percentage": 100, "fixed": "1h"}})),
        rule("short", json!({"match": {"paths": [{"exact": "/short"}]}, "delay": {"percentage": 100, "fixed": "5ms"}})),
    ]});
    let mut emulator = Emulator::builder(&with(config)).metered().keep_calls(0).start().unwrap();
    for _ in 0..count {
        emulator.request(0, &Request::get("/slow"));
    }
    let spent = |emulator: &Emulator| emulator.costs().get("proxy_on_tick").map_or(0, |cost| cost.sum);
    let before = spent(&emulator);
    for _ in 0..10 {
        let handle = emulator.request(0, &Request::get("/short"));
        emulator.finish_request(handle);
    }
    (spent(&emulator) - before, emulator.metric("fault.active_faults").unwrap())
}

/// A tick costs about the same with ten delayed requests as with ten thousand.
#[test]
fn ten_thousand_delays_are_not_scanned_on_each_tick() {
    let ((few, ten), (many, ten_thousand)) = (ticks(10), ticks(10_000));
    assert_eq!((ten, ten_thousand), (10, 10_000));
    println!("ten ticks: {few} instructions with 10 delayed requests, {many} with 10,000");
    assert!(many <= few * 2, "{few} instructions with 10 delayed requests, {many} with 10,000");
}

/// Values of `/proc/<pid>` (proc_pid_status(5), proc_pid_stat(5)): resident memory in KiB, and CPU time in
/// hundredths of a second.
fn resident_and_cpu(pid: u32) -> (u64, u64) {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap();
    let fields: Vec<_> = stat.rsplit(") ").next().unwrap().split(' ').collect();
    let cpu = fields[11].parse::<u64>().unwrap() + fields[12].parse::<u64>().unwrap();
    (line.trim().trim_end_matches(" kB").parse().unwrap(), cpu)
}

/// 2,000 requests are delayed by two seconds at once. Twice, so that the second round shows whether the first
/// one left memory.
#[test]
#[allow(clippy::disallowed_methods, reason = "clients of a real Envoy have a real clock")]
fn two_thousand_requests_are_delayed_at_once() {
    const COUNT: usize = 2_000;
    const DELAY: Duration = Duration::from_secs(2);
    tollgate_host_test::on_envoy(|| {
        let envoy = envoy(delay("2s"), 2);
        let mut clients: Vec<_> = (0..COUNT).map(|_| Client::new(address(&envoy))).collect();
        let mut round = || {
            let mut sent = Vec::new();
            for client in &mut clients {
                sent.push(Instant::now());
                client.send("/slow");
            }
            // The workers may not have read all requests yet.
            std::thread::sleep(Duration::from_millis(500));
            let active = statistic(&envoy, "fault.active_faults");
            let mut longest = Duration::ZERO;
            for (client, sent) in clients.iter_mut().zip(sent) {
                assert_eq!(client.receive(), 200);
                let took = sent.elapsed();
                assert!(took >= DELAY - Duration::from_millis(5), "{took:?}");
                longest = longest.max(took);
            }
            assert!(longest < DELAY + Duration::from_millis(300), "{longest:?}");
            (longest, active)
        };
        round();
        let (before, cpu_before) = resident_and_cpu(envoy.pid());
        let (longest, active) = round();
        let (after, cpu_after) = resident_and_cpu(envoy.pid());
        println!(
            "{COUNT} delays of {DELAY:?}: {active} active, longest {longest:?}, {} ms of CPU, {before} KiB resident, then {after}",
            (cpu_after - cpu_before) * 10
        );
        assert!(after < before + 4 * 1024, "{before} KiB, and then {after}");
        assert_eq!(active, COUNT as u64);
        assert_eq!(statistic(&envoy, "fault.active_faults"), 0);
        assert_eq!(statistic(&envoy, "fault.delays_injected"), 2 * COUNT as u64);
    });
}

/// The delays of a thousand requests end in the same millisecond, and Envoy answers each at once. If all were
/// resumed in one callback, the VM would die of a stack overflow.
#[test]
#[allow(clippy::disallowed_methods, reason = "clients of a real Envoy have a real clock")]
fn a_thousand_delays_can_end_at_once() {
    const COUNT: usize = 1_000;
    let asked = |name: &str, abort: Value| {
        let mut faults = json!({
            "match": {"paths": [{"exact": format!("/{name}")}]}, "delay": {"percentage": 100, "header": {}},
        });
        if abort.is_object() {
            faults["abort"] = abort;
        }
        rule(name, faults)
    };
    tollgate_host_test::on_envoy(|| {
        let abort = json!({"percentage": 100, "http_status": 503});
        let rules = [asked("slow", Value::Null), asked("abort", abort)];
        let envoy = envoy(json!({ "rules": rules }), 1);
        let mut clients: Vec<_> = (0..COUNT).map(|_| Client::new(address(&envoy))).collect();
        for (path, status) in [("/slow", 200), ("/abort", 503)] {
            let end = Instant::now() + Duration::from_secs(2);
            for client in &mut clients {
                let left = end.saturating_duration_since(Instant::now()).as_millis();
                client.send_with(path, &format!("x-envoy-fault-delay-request: {left}"));
            }
            assert!(clients.iter_mut().all(|client| client.receive() == status), "{path}");
        }
        assert_eq!(statistic(&envoy, "fault.active_faults"), 0);
    });
}

/// On two workers, exactly the maximum is active. Clients that disconnect free their slots.
#[test]
#[allow(clippy::disallowed_methods, reason = "clients of a real Envoy have a real clock")]
fn two_workers_have_one_maximum() {
    tollgate_host_test::on_envoy(|| {
        let mut config = delay("20s");
        config["max_active_faults"] = 10.into();
        let envoy = envoy(config, 2);
        let reaches = |active: u64, overflow: u64| {
            let end = Instant::now() + Duration::from_secs(10);
            let now =
                || (statistic(&envoy, "fault.active_faults"), statistic(&envoy, "fault.faults_overflow"));
            while now() != (active, overflow) {
                assert!(Instant::now() < end, "{:?} instead of {active} and {overflow}", now());
                std::thread::sleep(Duration::from_millis(20));
            }
        };
        for overflow in [30, 60] {
            let mut clients: Vec<_> = (0..40).map(|_| Client::new(address(&envoy))).collect();
            clients.iter_mut().for_each(|client| client.send("/slow"));
            reaches(10, overflow);
            drop(clients);
            reaches(0, overflow);
        }
        assert_eq!(statistic(&envoy, "fault.host_error"), 0);
    });
}

/// Requests that are not selected, while a thousand others are delayed: the 99th percentile is at most 2 ms
/// above that of an Envoy without the filter.
#[test]
#[allow(clippy::disallowed_methods, reason = "clients of a real Envoy have a real clock")]
fn other_requests_are_not_delayed() {
    tollgate_host_test::on_envoy(|| {
        let (with_filter, without) = (envoy(delay("30s"), 1), with_filters(Vec::new(), None, 1));
        let mut delayed: Vec<_> = (0..1_000).map(|_| Client::new(address(&with_filter))).collect();
        delayed.iter_mut().for_each(|client| client.send("/slow"));
        let mut clients = [Client::new(address(&with_filter)), Client::new(address(&without))];
        let mut times = [Vec::new(), Vec::new()];
        for _ in 0..3_000 {
            for (client, times) in clients.iter_mut().zip(&mut times) {
                let start = Instant::now();
                assert_eq!(client.ask("/other"), 200);
                times.push(start.elapsed());
            }
        }
        let [with_filter, without] = times.map(|mut times| {
            times.sort_unstable();
            times[times.len() * 99 / 100]
        });
        println!("p99 of requests that are not selected: {with_filter:?}, without the filter {without:?}");
        assert!(with_filter < without + Duration::from_millis(2), "{with_filter:?} {without:?}");
    });
}
