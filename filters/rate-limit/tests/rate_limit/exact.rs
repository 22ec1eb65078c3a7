//! Exactness of limits in a real Envoy under load.

#![allow(clippy::disallowed_methods, reason = "clients of a real Envoy have a real clock")]

use crate::live::{Client, address, envoy};
use crate::support::bucket;
use serde_json::json;
use std::time::{Duration, Instant};

const CONNECTIONS: usize = 64;

/// Ten keys, one after the other, each asked for more often than it may by all connections on both workers.
#[test]
fn admits_exactly_the_limit_under_64_connections() {
    const MOST: usize = 1000;
    const EACH: usize = 25;
    let key = json!([{"request_headers": {"header_name": "x-key", "descriptor_key": "key"}}]);
    let config = json!({"limits": {"one": {"key": key, "rates": [bucket(MOST as u64)]}}});
    let envoy = envoy(config, 2);
    let mut clients: Vec<_> = (0..CONNECTIONS).map(|_| Client::new(address(&envoy))).collect();
    let runs = (0..10).map(|run| {
        let key = format!("run-{run}");
        let ask = |client: &mut Client| (0..EACH).filter(|_| client.is_admitted(&key)).count();
        std::thread::scope(|scope| {
            let clients: Vec<_> = clients.iter_mut().map(|client| scope.spawn(|| ask(client))).collect();
            clients.into_iter().map(|client| client.join().unwrap()).sum::<usize>()
        })
    });
    let runs: Vec<_> = runs.collect();
    assert_eq!(runs, [MOST; 10], "out of {} requests", CONNECTIONS * EACH);
    let stats = envoy.stats_matching("rate_limit").unwrap();
    assert_eq!(stats["wasmcustom.rate_limit.limit.one.ok"], 10 * MOST as u64);
    assert_eq!(
        stats["wasmcustom.rate_limit.limit.one.rate_limited"],
        (10 * (CONNECTIONS * EACH - MOST)) as u64
    );
    assert_eq!(stats.get("wasmcustom.rate_limit.limit.one.error").copied().unwrap_or(0), 0);
}

/// When a request was sent and answered, and whether it was admitted. When it was decided is between the two.
struct Asked {
    sent: Instant,
    answered: Instant,
    admitted: bool,
}

/// 100 a second and 20 at once, asked for as fast as it can be for two seconds.
fn asked_for_two_seconds() -> Vec<Asked> {
    let rate = json!({"token_bucket": {"max_tokens": 20, "tokens_per_fill": 100, "fill_interval": "1s"}});
    let envoy = envoy(json!({"limits": {"one": {"rates": [rate]}}}), 2);
    let until = Instant::now() + Duration::from_secs(2);
    let asked = std::thread::scope(|scope| {
        let clients = [(); 16].map(|()| {
            scope.spawn(|| {
                let mut client = Client::new(address(&envoy));
                let mut asked = Vec::new();
                while Instant::now() < until {
                    let sent = Instant::now();
                    let admitted = client.is_admitted("");
                    asked.push(Asked { sent, answered: Instant::now(), admitted });
                }
                asked
            })
        });
        clients.map(|client| client.join().unwrap())
    });
    asked.into_iter().flatten().collect()
}

#[test]
fn admits_within_one_token_of_the_refill() {
    let asked = asked_for_two_seconds();
    let (admitted, refused): (Vec<_>, Vec<_>) = asked.iter().partition(|asked| asked.admitted);
    assert!(refused.len() > admitted.len(), "the limit was never reached by {} requests", asked.len());
    let tokens = |from: Instant, to: Instant| 20.0 + 100.0 * (to - from).as_secs_f64();
    // What was sent after the beginning of a window and answered before its end was decided in it. Windows
    // that begin with a request and end with an answer are the tightest there are.
    let mut ends: Vec<_> = admitted.iter().map(|asked| (asked.answered, asked.sent)).collect();
    ends.sort_unstable();
    for from in admitted.iter().map(|asked| asked.sent) {
        let within = ends.iter().filter(|(_, sent)| *sent >= from);
        for (index, (to, _)) in within.enumerate() {
            let (count, most) = ((index + 1) as f64, tokens(from, *to));
            assert!(count <= most + 1.0, "{count} in a window of {:?}, expected at most {most}", *to - from);
        }
    }
    // A request was refused since there was not one token: all that had come by then, less than one, was
    // given away. It was decided after it was sent, and the bucket began to fill before the first answer.
    let began = admitted.iter().map(|asked| asked.answered).min().unwrap();
    let last = refused.iter().map(|asked| asked.sent).max().unwrap();
    let least = tokens(began, last) - 1.0;
    assert!(admitted.len() as f64 >= least, "{} were admitted, expected at least {least}", admitted.len());
}
