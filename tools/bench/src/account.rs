//! What a process has used, as the kernel accounts for it (proc(5)).

use anyhow::{Context, Result};
use std::fs;

/// Clock ticks per second in `/proc`. `USER_HZ` is 100 wherever Envoy runs, whatever the kernel's own tick is.
const TICKS_PER_SECOND: f64 = 100.0;

/// The CPU time of a process, all threads and both modes, in seconds.
///
/// Its resolution is 10 ms, in steps that the kernel derives from an exact sum: over seconds of load that is well
/// below what rounds differ by.
pub fn cpu_seconds(pid: u32) -> Result<f64> {
    let path = format!("/proc/{pid}/stat");
    let line = fs::read_to_string(&path).with_context(|| format!("cannot read `{path}`"))?;
    let ticks = ticks(&line).with_context(|| format!("`{path}` is not understood: {line}"))?;
    Ok(ticks as f64 / TICKS_PER_SECOND)
}

/// `utime + stime`, the 14th and 15th fields. The second is the command in parentheses, and may hold both spaces and
/// parentheses; so the fields are counted from the last one.
fn ticks(stat: &str) -> Option<u64> {
    let (_, fields) = stat.rsplit_once(')')?;
    let mut fields = fields.split_ascii_whitespace().skip(11);
    let utime: u64 = fields.next()?.parse().ok()?;
    let stime: u64 = fields.next()?.parse().ok()?;
    Some(utime + stime)
}

/// The resident set of a process, in MiB.
pub fn resident_mib(pid: u32) -> Result<f64> {
    let path = format!("/proc/{pid}/status");
    let text = fs::read_to_string(&path).with_context(|| format!("cannot read `{path}`"))?;
    let kib = resident_kib(&text).with_context(|| format!("`{path}` has no `VmRSS`"))?;
    Ok(kib as f64 / 1024.0)
}

fn resident_kib(status: &str) -> Option<u64> {
    let value = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    value.trim().strip_suffix("kB")?.trim().parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ticks_are_found_behind_any_command_name() {
        let tail = "S 1 77 77 0 -1 4194560 900 0 3 0 1234 66 0 0 20 0 9 0 5000 1000000 2000";
        assert_eq!(ticks(&format!("42 (envoy) {tail}")), Some(1300));
        assert_eq!(ticks(&format!("42 (a) b (c d) {tail}")), Some(1300));
        assert_eq!(ticks("42 (envoy) S 1 77"), None);
        assert_eq!(ticks("nonsense"), None);
    }

    #[test]
    fn resident_memory_is_in_kib() {
        assert_eq!(resident_kib("Name:\tenvoy\nVmHWM:\t  999 kB\nVmRSS:\t   67584 kB\n"), Some(67584));
        assert_eq!(resident_kib("Name:\tkthreadd\n"), None);
    }

    #[test]
    fn our_own_account_can_be_read_and_grows() {
        let us = std::process::id();
        let before = cpu_seconds(us).unwrap();
        let mut sum = 0u64;
        while cpu_seconds(us).unwrap() <= before {
            sum = std::hint::black_box(sum.wrapping_add(1));
        }
        assert!(resident_mib(us).unwrap() > 0.5);
    }
}
