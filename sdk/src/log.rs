//! Logging to the log of the proxy, with the macros of the `log` crate.
//!
//! The SDK queries the log level of the host when a plugin is configured and at each tick. A message below
//! that level costs one comparison and is not formatted. Filters log nothing per request above `debug`,
//! because writing a log line costs more than running a filter.

pub use log::{debug, error, info, trace, warn};

use crate::abi;
use log::{Level, LevelFilter, Log, Metadata, Record};

struct HostLog;

impl Log for HostLog {
    fn enabled(&self, _: &Metadata<'_>) -> bool {
        true
    }

    fn log(&self, record: &Record<'_>) {
        let level = match record.level() {
            Level::Trace => 0,
            Level::Debug => 1,
            Level::Info => 2,
            Level::Warn => 3,
            Level::Error => 4,
        };
        write(level, &record.args().to_string());
    }

    fn flush(&self) {}
}

/// Logs at Envoy's highest level, for messages that an operator must see even if logging is almost off.
pub(crate) fn critical(text: &str) {
    write(5, text);
}

fn write(level: u32, text: &str) {
    // An error is ignored: there is nowhere to report it.
    // SAFETY: pointer and length are those of a live string.
    let _ = unsafe { abi::proxy_log(level, text.as_ptr(), text.len()) };
}

/// Adopts the log level of the host, or `info` if the host does not return one.
pub(crate) fn refresh_level() {
    // Fails if the logger is already set.
    let _ = log::set_logger(&HostLog);
    let mut level = 2;
    // SAFETY: the pointer is to a live value. A failed call leaves it unchanged.
    let _ = unsafe { abi::proxy_get_log_level(&mut level) };
    log::set_max_level(match level {
        0 => LevelFilter::Trace,
        1 => LevelFilter::Debug,
        2 => LevelFilter::Info,
        3 => LevelFilter::Warn,
        4 | 5 => LevelFilter::Error,
        _ => LevelFilter::Off,
    });
}
