//! Many keys: memory is bounded, and whoever makes up keys drives out nobody who owes more than they do.

use crate::live::{Client, address, envoy};
use crate::support::{bucket, with};
use serde_json::{Value, json};
use tollgate_host_test::Request;
use tollgate_host_test::emulator::Emulator;

/// Ten an hour for each value of `x-key`, in a table of 1,024.
fn config() -> Value {
    let key = json!([{"request_headers": {"header_name": "x-key", "descriptor_key": "key"}}]);
    json!({"limits": {"one": {"key": key, "rates": [bucket(10)]}}, "table": {"max_keys": 1024}})
}

fn flood(client: &mut Client, from: usize, to: usize) {
    let keys: Vec<_> = (from..to).map(|key| format!("flood-{key}")).collect();
    for some in keys.chunks(100) {
        let admitted = client.are_admitted(some.iter().map(String::as_str));
        assert!(admitted.into_iter().all(|admitted| admitted), "a key that never came before has room");
    }
}

/// In KiB (proc_pid_status(5)).
fn resident(pid: u32) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
    line.trim().trim_end_matches(" kB").parse().unwrap()
}

#[test]
fn a_flood_of_keys_neither_fills_memory_nor_resets_a_key_that_is_used_up() {
    let envoy = envoy(config(), 2);
    let mut victim = Client::new(address(&envoy));
    let used_up = |client: &mut Client| client.are_admitted(["victim"; 12]);
    assert_eq!(used_up(&mut victim), [[true; 10].as_slice(), &[false; 2]].concat());
    let mut clients: Vec<_> = (0..4).map(|_| Client::new(address(&envoy))).collect();
    let mut flood_all = |from: usize, each: usize| {
        std::thread::scope(|scope| {
            for (index, client) in clients.iter_mut().enumerate() {
                let from = from + index * each;
                scope.spawn(move || flood(client, from, from + each));
            }
        });
    };
    flood_all(0, 10_000);
    let before = resident(envoy.pid());
    flood_all(1_000_000, 40_000);
    let after = resident(envoy.pid());
    // 160,000 keys would be 10 MB and more; the heap of V8 and of Envoy breathes.
    assert!(after < before + 6 * 1024, "{before} KiB, and then {after}");
    assert_eq!(used_up(&mut victim), [false; 12]);
    let stats = envoy.stats_matching("rate_limit").unwrap();
    let counted =
        |event: &str| stats.get(&format!("wasmcustom.rate_limit.limit.one.{event}")).copied().unwrap_or(0);
    assert_eq!((counted("ok"), counted("error")), (200_010, 0));
    assert!(counted("evicted") > 190_000, "{stats:?}");
    // The first key of the flood was driven out long ago: it has room again, and no more than all.
    let again = victim.are_admitted(["flood-0"; 12]);
    assert_eq!(again.iter().filter(|admitted| **admitted).count(), 10);
}

/// Linear memory does not grow with the keys, on the emulator where it can be seen exactly.
#[test]
fn no_key_takes_memory_of_the_vm() {
    let mut emulator = Emulator::builder(&with(config())).keep_calls(0).start().unwrap();
    emulator.assert_memory_is_steady(4000, |emulator, index| {
        let handle = emulator.request(0, &Request::get("/").header("x-key", format!("{index}")));
        emulator.finish_request(handle);
        emulator.take();
    });
}
