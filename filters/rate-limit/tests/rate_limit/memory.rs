//! Many keys: memory is bounded, and invented keys do not evict keys that owe more.

use crate::live::{Client, address, envoy};
use crate::support::{bucket, with};
use serde_json::{Value, json};
use tollgate_host_test::Request;
use tollgate_host_test::emulator::Emulator;

const CLIENTS: usize = 16;

/// Ten an hour for each value of `x-key`, in a table of 1,024.
fn config() -> Value {
    let key = json!([{"request_headers": {"header_name": "x-key", "descriptor_key": "key"}}]);
    json!({"limits": {"one": {"key": key, "rates": [bucket(10)]}}, "table": {"max_keys": 1024}})
}

/// Sends new keys, which all have room.
fn flood(client: &mut Client, keys: std::ops::Range<usize>) {
    assert!(keys.into_iter().all(|key| client.is_admitted(&format!("flood-{key}"))));
}

/// How many of twelve are admitted.
fn of_twelve(client: &mut Client, key: &str) -> usize {
    (0..12).filter(|_| client.is_admitted(key)).count()
}

/// In KiB (proc_pid_status(5)).
fn resident(pid: u32) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
    line.trim().trim_end_matches(" kB").parse().unwrap()
}

#[test]
fn a_flood_of_keys_neither_fills_memory_nor_resets_keys() {
    let envoy = envoy(config(), 2);
    let mut victim = Client::new(address(&envoy));
    assert_eq!(of_twelve(&mut victim, "victim"), 10);
    let mut clients: Vec<_> = (0..CLIENTS).map(|_| Client::new(address(&envoy))).collect();
    let mut flood_all = |from: usize, each: usize| {
        std::thread::scope(|scope| {
            for (index, client) in clients.iter_mut().enumerate() {
                let from = from + index * each;
                scope.spawn(move || flood(client, from..from + each));
            }
        });
    };
    flood_all(0, 1_000);
    let before = resident(envoy.pid());
    flood_all(1_000_000, 6_000);
    let after = resident(envoy.pid());
    // 96,000 keys would be 10 MB and more; the heap of V8 and of Envoy breathes.
    assert!(after < before + 6 * 1024, "{before} KiB, and then {after}");
    assert_eq!(of_twelve(&mut victim, "victim"), 0);
    let stats = envoy.stats_matching("rate_limit").unwrap();
    let counted =
        |event: &str| stats.get(&format!("wasmcustom.rate_limit.limit.one.{event}")).copied().unwrap_or(0);
    assert_eq!((counted("ok"), counted("error")), (112_010, 0));
    assert!(counted("evicted") > 100_000, "{stats:?}");
    // The first key of the flood was driven out long ago: it has room again, and no more than all.
    assert_eq!(of_twelve(&mut victim, "flood-0"), 10);
}

/// Linear memory does not grow with the keys, on the emulator where it can be seen exactly. The first half of
/// them fill the pages that a worker remembers.
#[test]
fn no_key_takes_memory_of_the_vm() {
    let mut emulator = Emulator::builder(&with(config())).keep_calls(0).start().unwrap();
    emulator.assert_memory_is_steady(8000, |emulator, index| {
        let handle = emulator.request(0, &Request::get("/").header("x-key", format!("{index}")));
        emulator.finish_request(handle);
        emulator.drain();
    });
}
