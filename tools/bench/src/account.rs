//! CPU time and memory of a process, as the kernel accounts for them (proc(5)).

use anyhow::{Context, Result};
use std::fs;

/// Returns the CPU time of a process in nanoseconds: all threads, in user and kernel mode.
///
/// Reads the scheduler's account of each thread, which is exact. `/proc/PID/stat` counts in steps of 10 ms, a
/// third of the time that a row is under load in a round.
pub fn cpu_nanos(pid: u32) -> Result<u64> {
    let tasks = format!("/proc/{pid}/task");
    let mut sum = 0;
    for task in fs::read_dir(&tasks).with_context(|| format!("cannot read `{tasks}`"))? {
        let path = task?.path().join("schedstat");
        let line = fs::read_to_string(&path).with_context(|| format!("cannot read `{}`", path.display()))?;
        sum += on_cpu(&line).with_context(|| format!("`{}`: unexpected content `{line}`", path.display()))?;
    }
    Ok(sum)
}

/// Parses the first field. The next fields are the time that the thread waited for a CPU, and the number of
/// timeslices.
fn on_cpu(schedstat: &str) -> Option<u64> {
    schedstat.split_ascii_whitespace().next()?.parse().ok()
}

/// Returns the resident set of a process, in MiB.
pub fn resident_mib(pid: u32) -> Result<f64> {
    let path = format!("/proc/{pid}/status");
    let text = fs::read_to_string(&path).with_context(|| format!("cannot read `{path}`"))?;
    let kib = resident_kib(&text).with_context(|| format!("`{path}`: missing `VmRSS`"))?;
    Ok(kib as f64 / 1024.0)
}

fn resident_kib(status: &str) -> Option<u64> {
    let value = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    value.trim().strip_suffix("kB")?.trim().parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::hint::black_box;
    use std::time::{Duration, Instant};

    #[test]
    fn parses_the_time_on_a_cpu() {
        assert_eq!(on_cpu("1938276 17 3\n"), Some(1_938_276));
        assert_eq!(on_cpu(""), None);
        assert_eq!(on_cpu("nonsense 1 2"), None);
    }

    #[test]
    fn parses_resident_memory() {
        assert_eq!(resident_kib("Name:\tenvoy\nVmHWM:\t  999 kB\nVmRSS:\t   67584 kB\n"), Some(67584));
        assert_eq!(resident_kib("Name:\tkthreadd\n"), None);
    }

    #[test]
    fn measures_cpu_time_of_all_threads() {
        let us = std::process::id();
        // Threads of other tests may end meanwhile; the sum then loses their time.
        let grows = move || {
            let before = cpu_nanos(us).ok()?;
            let start = Instant::now();
            while start.elapsed() < Duration::from_millis(20) {
                black_box(start);
            }
            Some(cpu_nanos(us).ok()?.saturating_sub(before) > 1_000_000)
        };
        let grew = std::thread::spawn(move || (0..50).any(|_| grows() == Some(true))).join().unwrap();
        assert!(grew);
        assert!(resident_mib(us).unwrap() > 0.5);
    }
}
