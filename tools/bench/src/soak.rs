//! Soak test: memory must stay flat and the log silent under load. Linear memory never shrinks, so a leak
//! lasts as long as the worker.

use crate::proxy::Proxy;
use crate::requests::Sets;
use crate::rows::Row;
use anyhow::{Result, ensure};
use std::net::SocketAddr;
use std::time::Instant;
use tollgate_host_test::LogLevel;
use tollgate_host_test::envoy::{Entry, Options};

/// After these requests both VMs are warm: connections are spread over the workers, and V8 has optimised hot
/// functions.
const WARM_UP: u64 = 50_000;
/// Allowed growth: the allocator takes memory in steps of this size, independently of the filter.
const SLACK_MIB: f64 = 4.0;
const SLACK_SHARE: f64 = 0.05;

/// Sends requests to an Envoy with two workers. Returns an error if its memory grew, or if it logged anything
/// above debug.
pub fn run(row: &Row, upstream: Option<SocketAddr>, requests: u64, connections: u32) -> Result<()> {
    let options = Options { workers: 2, level: LogLevel::Info, wasm_level: LogLevel::Info };
    let proxy = Proxy::start(row, &Sets::default(), upstream, &options)?;
    let mut client = proxy.connect(connections)?;
    proxy.send(&mut client, WARM_UP)?;
    let (logged, warm) = (proxy.logs().len(), proxy.resident_mib()?);
    let start = Instant::now();
    proxy.send(&mut client, requests)?;
    let (took, end) = (start.elapsed(), proxy.resident_mib()?);
    println!(
        "{}: {warm:.1} MiB after {WARM_UP} requests of warm-up, {end:.1} MiB ({:+.1}) after {} more at {:.0} per second",
        row.name,
        end - warm,
        requests,
        requests as f64 / took.as_secs_f64()
    );
    ensure!(
        is_flat(warm, end),
        "memory grew from {warm:.1} to {end:.1} MiB, expected less than {SLACK_MIB} MiB or {:.0} % of growth",
        SLACK_SHARE * 100.0
    );
    let logs = proxy.logs();
    let loud: Vec<&Entry> = logs
        .iter()
        .enumerate()
        .filter(|(i, e)| *i >= logged || e.component == "wasm")
        .map(|(_, e)| e)
        .collect();
    ensure!(
        loud.is_empty(),
        "expected no log lines above debug, found {}, the first: {:?}",
        loud.len(),
        loud.first()
    );
    Ok(())
}

fn is_flat(warm: f64, end: f64) -> bool {
    let grown = end - warm;
    grown < SLACK_MIB || grown < warm * SLACK_SHARE
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn allows_growth_up_to_the_slack() {
        assert!(is_flat(90.0, 80.0));
        assert!(is_flat(40.0, 43.9));
        assert!(is_flat(200.0, 209.0));
        assert!(!is_flat(40.0, 44.1));
        assert!(!is_flat(200.0, 211.0));
    }
}
