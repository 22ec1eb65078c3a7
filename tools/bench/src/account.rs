//! What a process has used, as the kernel accounts for it (proc(5)).

use anyhow::{Context, Result};
use std::fs;

/// The CPU time of a process, all threads and both modes, in nanoseconds.
///
/// From the scheduler's own account of each thread, which is exact; `/proc/PID/stat` counts in steps of 10 ms, a third
/// of what a row is loaded for at a time.
pub fn cpu_nanos(pid: u32) -> Result<u64> {
    let tasks = format!("/proc/{pid}/task");
    let mut sum = 0;
    for task in fs::read_dir(&tasks).with_context(|| format!("cannot read `{tasks}`"))? {
        let path = task?.path().join("schedstat");
        let line = fs::read_to_string(&path).with_context(|| format!("cannot read `{}`", path.display()))?;
        sum += on_cpu(&line).with_context(|| format!("`{}` is not understood: {line}", path.display()))?;
    }
    Ok(sum)
}

/// The first field; behind it are how long the thread waited for a CPU, and how often it got one.
fn on_cpu(schedstat: &str) -> Option<u64> {
    schedstat.split_ascii_whitespace().next()?.parse().ok()
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
    use std::hint::black_box;
    use std::time::{Duration, Instant};

    #[test]
    fn time_on_a_cpu_is_the_first_of_three() {
        assert_eq!(on_cpu("1938276 17 3\n"), Some(1_938_276));
        assert_eq!(on_cpu(""), None);
        assert_eq!(on_cpu("nonsense 1 2"), None);
    }

    #[test]
    fn resident_memory_is_in_kib() {
        assert_eq!(resident_kib("Name:\tenvoy\nVmHWM:\t  999 kB\nVmRSS:\t   67584 kB\n"), Some(67584));
        assert_eq!(resident_kib("Name:\tkthreadd\n"), None);
    }

    #[test]
    fn our_own_account_grows_by_what_we_use_in_any_thread() {
        let us = std::process::id();
        // Threads of other tests end meanwhile, and take what they used with them.
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
