//! An Envoy that runs as long as its [`Process`] lives.
//!
//! A test may panic, a demo may be killed: an Envoy that is left behind holds its ports and its memory for ever. So it
//! is killed when the `Process` is dropped, and the kernel kills it when we die by any other way. It binds ports of the
//! kernel's choice and tells them through its admin interface, so any number of them run side by side.

use super::binary::{self, SetupError};
use super::log::{self, Entry};
use super::{admin, spawn};
use crate::LogLevel;
use serde_json::Value;
use std::fs::{self, File};
use std::io;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// How long an Envoy may take to become ready. On a loaded machine compiling a large module takes seconds.
const START: Duration = Duration::from_secs(60);
const POLL: Duration = Duration::from_millis(3);

/// Command-line options of an Envoy.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Options {
    /// `--concurrency`: worker threads.
    pub workers: usize,
    /// The least level that Envoy itself logs.
    pub level: LogLevel,
    /// The least level that its Wasm component logs, and with it the filters.
    pub wasm_level: LogLevel,
}

impl Default for Options {
    fn default() -> Self {
        Self { workers: 1, level: LogLevel::Warn, wasm_level: LogLevel::Info }
    }
}

/// Why an Envoy did not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// There is none.
    #[error(transparent)]
    Setup(#[from] SetupError),
    /// It could not be run, or its files could not be written.
    #[error("cannot run `{binary}`: {source}")]
    Run {
        /// The binary.
        binary: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// It ended before it was ready. For most this is a configuration that it, or a filter, does not accept.
    #[error("Envoy ended at start: {}{}", reason(.0), complaints(.0))]
    Ended(Vec<Entry>),
    /// It runs, and is not ready.
    #[error("Envoy is not ready after {} s:\n{}", START.as_secs(), log::render(.0))]
    NotReady(Vec<Entry>),
}

/// Why Envoy gave up, in its own words; the whole log where it did not find any.
pub(super) fn reason(entries: &[Entry]) -> String {
    let critical = entries.iter().rev().find(|e| e.level == LogLevel::Critical && e.component == "main");
    let Some(Entry { text, .. }) = critical else { return log::render(entries) };
    // "error `why` initializing config 'file'" when it runs, "error initializing configuration 'file': why" when it
    // validates (source/server/server.cc, source/server/config_validation/server.cc).
    let running = text.strip_prefix("error `").and_then(|t| t.rsplit_once("` initializing config"));
    let validating =
        text.strip_prefix("error initializing configuration '").and_then(|t| t.split_once("': "));
    let why = running.map(|(why, _)| why).or(validating.map(|(_, why)| why)).unwrap_or(text);
    // Envoy prints protobuf with varying spaces, so that nobody takes it for a format.
    why.split_ascii_whitespace().collect::<Vec<_>>().join(" ")
}

/// What filters have to say to it, a line each.
fn complaints(entries: &[Entry]) -> String {
    let of_filters = |e: &&Entry| e.component == "wasm" && e.level >= LogLevel::Error;
    entries.iter().filter(of_filters).map(|e| format!("\n{}", e.text)).collect()
}

/// A running Envoy.
#[derive(Debug)]
pub struct Process {
    child: Child,
    admin: SocketAddr,
    listeners: Vec<(String, SocketAddr)>,
    directory: tempfile::TempDir,
}

impl Process {
    /// Starts an Envoy and waits until it is ready. The bootstrap's listeners, and its admin interface (which it must
    /// have), should ask for port 0.
    pub fn start(bootstrap: &Value, options: &Options) -> Result<Self, StartError> {
        let binary = binary::binary()?;
        let run = |source| StartError::Run { binary: binary.clone(), source };
        let directory = tempfile::Builder::new().prefix("envoy-").tempdir().map_err(run)?;
        let at = |name: &str| directory.path().join(name);
        let mut command = command(&binary, bootstrap, options, directory.path()).map_err(run)?;
        command.arg("--admin-address-path").arg(at("admin"));
        let child = spawn::spawn(command).map_err(run)?;
        // From here on dropping `process` kills it, whichever way this function is left.
        let unknown = SocketAddr::from(([127, 0, 0, 1], 0));
        let mut process = Self { child, admin: unknown, listeners: Vec::new(), directory };
        process.wait_until_ready()?;
        Ok(process)
    }

    fn wait_until_ready(&mut self) -> Result<(), StartError> {
        let deadline = Instant::now() + START;
        let file = self.directory.path().join("admin");
        loop {
            if let Ok(address) = fs::read_to_string(&file).unwrap_or_default().trim().parse() {
                self.admin = address;
                if let Some(listeners) = admin::listeners_when_live(address) {
                    self.listeners = listeners;
                    return Ok(());
                }
            }
            if !self.is_running() {
                return Err(StartError::Ended(self.logs()));
            }
            if Instant::now() > deadline {
                return Err(StartError::NotReady(self.logs()));
            }
            std::thread::sleep(POLL);
        }
    }

    /// Its process id, for accounts of its time and memory.
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Whether it still runs.
    pub fn is_running(&mut self) -> bool {
        matches!(self.child.try_wait(), Ok(None))
    }

    /// Where its admin interface listens.
    pub fn admin(&self) -> SocketAddr {
        self.admin
    }

    /// Where the listener of this name listens.
    ///
    /// # Panics
    /// When the bootstrap has no such listener.
    pub fn listener(&self, name: &str) -> SocketAddr {
        let found = self.listeners.iter().find(|(n, _)| n == name);
        found.unwrap_or_else(|| panic!("no listener `{name}` among {:?}", self.listeners)).1
    }

    /// Its folder for files: the bootstrap, the log, and what the bootstrap may name relative to its working
    /// directory, as access logs. Gone when the `Process` is dropped.
    pub fn directory(&self) -> &Path {
        self.directory.path()
    }

    /// A page of its admin interface, as `/stats/prometheus`. `Err` when it does not answer with 200.
    pub fn admin_page(&self, path: &str) -> io::Result<String> {
        admin::get(self.admin, path)
    }

    /// Its counters and gauges by name. Wasm's own have the prefix `wasmcustom.`.
    pub fn stats(&self) -> io::Result<std::collections::BTreeMap<String, u64>> {
        admin::stats(self.admin, "")
    }

    /// Those counters and gauges whose name matches a regular expression.
    pub fn stats_matching(&self, pattern: &str) -> io::Result<std::collections::BTreeMap<String, u64>> {
        admin::stats(self.admin, pattern)
    }

    /// Its log so far.
    pub fn logs(&self) -> Vec<Entry> {
        read_log(self.directory.path())
    }

    /// Its log so far as text: level, component, text.
    pub fn log_text(&self) -> String {
        log::render(&self.logs())
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // It may have ended already; there is nobody to tell if it will not.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Has Envoy check a bootstrap (`--mode validate`): it loads the filters, configures them and ends. Its log.
pub fn validate(bootstrap: &Value) -> Result<Vec<Entry>, StartError> {
    let binary = binary::binary()?;
    let run = |source| StartError::Run { binary: binary.clone(), source };
    let directory = tempfile::Builder::new().prefix("envoy-").tempdir().map_err(run)?;
    // In this mode `--component-log-level` has no effect, and filters must be heard.
    let options = Options { level: LogLevel::Info, ..Options::default() };
    let mut command = command(&binary, bootstrap, &options, directory.path()).map_err(run)?;
    command.args(["--mode", "validate"]);
    let mut child = spawn::spawn(command).map_err(run)?;
    let deadline = Instant::now() + START;
    let ended = loop {
        match child.try_wait().map_err(run)? {
            Some(status) => break Some(status),
            None if Instant::now() > deadline => break None,
            None => std::thread::sleep(POLL),
        }
    };
    let log = || read_log(directory.path());
    match ended {
        Some(status) if status.success() => Ok(log()),
        Some(_) => Err(StartError::Ended(log())),
        None => {
            child.kill().and_then(|()| child.wait()).map_err(run)?;
            Err(StartError::NotReady(log()))
        }
    }
}

/// The command line that is common to running and validating. The bootstrap and the log are in `directory`.
fn command(binary: &Path, bootstrap: &Value, options: &Options, directory: &Path) -> io::Result<Command> {
    let config = directory.join("bootstrap.json");
    fs::write(&config, serde_json::to_vec_pretty(bootstrap)?)?;
    let log = File::create(directory.join("log"))?;
    let mut command = Command::new(binary);
    command
        .arg("-c")
        .arg(config)
        .args(["--concurrency", &options.workers.to_string()])
        // Hot restart is what base ids are for; without it, several Envoys need none.
        .arg("--disable-hot-restart")
        .args(["--log-level", log::level_name(options.level)])
        .args(["--component-log-level", &format!("wasm:{}", log::level_name(options.wasm_level))])
        .args(["--log-format", &log::format()])
        // Access logs are read while it runs. An option to write them at once is missing in 1.36.
        .args(["--file-flush-interval-msec", "5"])
        .current_dir(directory)
        .stdin(Stdio::null())
        .stdout(log.try_clone()?)
        .stderr(log);
    Ok(command)
}

/// A filter may log any bytes; those that are not UTF-8 come back as U+FFFD. A log that cannot be read reads as empty:
/// whoever asks for it has another error to tell.
fn read_log(directory: &Path) -> Vec<Entry> {
    log::entries(&String::from_utf8_lossy(&fs::read(directory.join("log")).unwrap_or_default()))
}
