//! Lines for the proxy's log, by the macros of the `log` crate.
//!
//! The level is asked of the host when the plugin is configured and at each tick, so a line below it costs a
//! comparison and no formatting. Nothing is logged per request above `debug`: a log line is dearer than a filter.

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
        line(level, &record.args().to_string());
    }

    fn flush(&self) {}
}

/// Logs at Envoy's highest level: what an operator must see even with logging all but off.
pub(crate) fn critical(text: &str) {
    line(5, text);
}

fn line(level: u32, text: &str) {
    // There is nowhere to report to that a line was not logged.
    // SAFETY: pointer and length are of a live string.
    let _ = unsafe { abi::proxy_log(level, text.as_ptr(), text.len()) };
}

/// Takes over the host's level, or `info` if it does not tell.
pub(crate) fn refresh_level() {
    // It is refused when it is there already.
    let _ = log::set_logger(&HostLog);
    let mut level = 2;
    // SAFETY: the pointer is to a live value; a refusal leaves it as it is.
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
