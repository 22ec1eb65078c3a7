//! Starts an Envoy that runs as long as its [`Process`] value exists.
//!
//! Dropping the `Process` kills the Envoy. If this process ends in another way, the kernel kills it, so no
//! Envoy remains after a panic or a kill. The kernel chooses the ports, which are read from the admin
//! interface. Any number of Envoys can therefore run at the same time.

use super::binary::{self, SetupError};
use super::log::{self, Entry};
use super::{admin, spawn};
use crate::LogLevel;
use serde_json::Value;
use std::fs::{self, File};
use std::io;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// Maximum time until an Envoy is ready. On a busy machine, compiling a large module takes seconds.
const START: Duration = Duration::from_secs(60);
const POLL: Duration = Duration::from_millis(3);

/// Command-line options of an Envoy.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Options {
    /// Number of worker threads: `--concurrency`.
    pub workers: usize,
    /// Minimum log level of Envoy itself.
    pub level: LogLevel,
    /// Minimum log level of the Wasm component, which includes the filters.
    pub wasm_level: LogLevel,
}

impl Default for Options {
    fn default() -> Self {
        Self { workers: 1, level: LogLevel::Warn, wasm_level: LogLevel::Info }
    }
}

/// The reason why an Envoy did not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// No Envoy binary was found.
    #[error(transparent)]
    Setup(#[from] SetupError),
    /// The binary could not be executed, or its files could not be written.
    #[error("cannot run `{binary}`: {source}")]
    Run {
        /// The binary.
        binary: PathBuf,
        /// The I/O error.
        source: io::Error,
    },
    /// Envoy exited before it was ready. Usually, Envoy or a filter rejected the configuration.
    #[error("Envoy exited before it was ready: {}{}", reason(.0), complaints(.0))]
    Ended(Vec<Entry>),
    /// Envoy runs, but was not ready in time.
    #[error("Envoy was not ready within {} s:\n{}", START.as_secs(), log::render(.0))]
    NotReady(Vec<Entry>),
}

/// Returns Envoy's own reason for exiting, or the whole log if it gave none.
pub(super) fn reason(entries: &[Entry]) -> String {
    let critical = entries.iter().rev().find(|e| e.level == LogLevel::Critical && e.component == "main");
    let Some(Entry { text, .. }) = critical else { return log::render(entries) };
    // Envoy logs "error `why` initializing config 'file'" when it runs, and "error initializing configuration
    // 'file': why" when it validates (source/server/server.cc, source/server/config_validation/server.cc).
    let running = text.strip_prefix("error `").and_then(|t| t.rsplit_once("` initializing config"));
    let validating =
        text.strip_prefix("error initializing configuration '").and_then(|t| t.split_once("': "));
    let why = running.map(|(why, _)| why).or(validating.map(|(_, why)| why)).unwrap_or(text);
    // Envoy deliberately varies the white space in printed protobuf messages.
    why.split_ascii_whitespace().collect::<Vec<_>>().join(" ")
}

/// Returns the errors that filters logged, one per line.
fn complaints(entries: &[Entry]) -> String {
    let of_filters = |e: &&Entry| e.component == "wasm" && e.level >= LogLevel::Error;
    entries.iter().filter(of_filters).map(|e| format!("\n{}", e.text)).collect()
}

/// A running Envoy.
#[derive(Debug)]
pub struct Process {
    child: Mutex<Child>,
    pid: u32,
    admin: SocketAddr,
    listeners: Vec<(String, SocketAddr)>,
    directory: tempfile::TempDir,
}

impl Process {
    /// Starts an Envoy and waits until it is ready. The bootstrap must have an admin interface. Its listeners
    /// and its admin interface should have port 0.
    ///
    /// # Errors
    /// No Envoy was found, or it did not become ready.
    pub fn start(bootstrap: &Value, options: &Options) -> Result<Self, StartError> {
        let binary = binary::binary()?;
        let run = |source| StartError::Run { binary: binary.clone(), source };
        let directory = tempfile::Builder::new().prefix("envoy-").tempdir().map_err(run)?;
        let at = |name: &str| directory.path().join(name);
        let mut command = command(&binary, bootstrap, options, directory.path()).map_err(run)?;
        command.arg("--admin-address-path").arg(at("admin"));
        let child = spawn::spawn(command).map_err(run)?;
        // From here on, dropping `process` kills the Envoy, also if this function returns an error.
        let unknown = SocketAddr::from(([127, 0, 0, 1], 0));
        let pid = child.id();
        let child = Mutex::new(child);
        let mut process = Self { child, pid, admin: unknown, listeners: Vec::new(), directory };
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

    /// Returns the process id, for example to measure time and memory.
    pub fn pid(&self) -> u32 {
        self.pid
    }

    /// Whether Envoy is still running.
    pub fn is_running(&self) -> bool {
        matches!(self.child().try_wait(), Ok(None))
    }

    /// Returns how Envoy has exited, or nothing if it runs.
    pub(super) fn exit_status(&self) -> Option<ExitStatus> {
        self.child().try_wait().ok().flatten()
    }

    fn child(&self) -> MutexGuard<'_, Child> {
        self.child.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Returns the address of the admin interface.
    pub fn admin(&self) -> SocketAddr {
        self.admin
    }

    /// Returns the address of the listener with this name.
    ///
    /// # Panics
    /// If the bootstrap has no such listener.
    pub fn listener(&self, name: &str) -> SocketAddr {
        let found = self.listeners.iter().find(|(n, _)| n == name);
        found.unwrap_or_else(|| panic!("unknown listener `{name}`, expected one of {:?}", self.listeners)).1
    }

    /// Returns the working directory of Envoy. It contains the bootstrap, the log, and files to which the
    /// bootstrap has relative paths, such as access logs. Dropping the `Process` deletes it.
    pub fn directory(&self) -> &Path {
        self.directory.path()
    }

    /// Returns a page of the admin interface, such as `/stats/prometheus`.
    ///
    /// # Errors
    /// The status is not 200, or Envoy does not respond.
    pub fn admin_page(&self, path: &str) -> io::Result<String> {
        admin::get(self.admin, path)
    }

    /// Returns all counters and gauges by name. The names for Wasm filters have the prefix `wasmcustom.`.
    pub fn stats(&self) -> io::Result<std::collections::BTreeMap<String, u64>> {
        admin::stats(self.admin, "")
    }

    /// Returns the counters and gauges whose names match a regular expression.
    pub fn stats_matching(&self, pattern: &str) -> io::Result<std::collections::BTreeMap<String, u64>> {
        admin::stats(self.admin, pattern)
    }

    /// Returns the log so far.
    pub fn logs(&self) -> Vec<Entry> {
        read_log(self.directory.path())
    }

    /// Returns the log so far as text: level, component, text.
    pub fn log_text(&self) -> String {
        log::render(&self.logs())
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // Envoy may have exited already. A failure to kill it cannot be reported from here.
        let mut child = self.child();
        let _ = child.kill();
        let _ = child.wait();
    }
}

/// Validates a bootstrap with `--mode validate`: Envoy loads and configures the filters, and exits. Returns
/// the log.
///
/// # Errors
/// Envoy rejects the bootstrap, or does not finish in time.
pub fn validate(bootstrap: &Value) -> Result<Vec<Entry>, StartError> {
    let binary = binary::binary()?;
    let run = |source| StartError::Run { binary: binary.clone(), source };
    let directory = tempfile::Builder::new().prefix("envoy-").tempdir().map_err(run)?;
    // In this mode, `--component-log-level` has no effect, so the general level must include the filters'
    // lines.
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

/// Builds the command line that running and validating share. Puts the bootstrap and the log in `directory`.
fn command(binary: &Path, bootstrap: &Value, options: &Options, directory: &Path) -> io::Result<Command> {
    let config = directory.join("bootstrap.json");
    fs::write(&config, serde_json::to_vec_pretty(bootstrap)?)?;
    let log = File::create(directory.join("log"))?;
    let mut command = Command::new(binary);
    command
        .arg("-c")
        .arg(config)
        .args(["--concurrency", &options.workers.to_string()])
        // Only hot restart needs base ids. Without it, several Envoys can run at the same time.
        .arg("--disable-hot-restart")
        .args(["--log-level", log::level_name(options.level)])
        .args(["--component-log-level", &format!("wasm:{}", log::level_name(options.wasm_level))])
        .args(["--log-format", &log::format()])
        // Tests read access logs while Envoy runs. 1.36 has no option to write them immediately.
        .args(["--file-flush-interval-msec", "5"])
        .current_dir(directory)
        .stdin(Stdio::null())
        .stdout(log.try_clone()?)
        .stderr(log);
    Ok(command)
}

/// Reads the log. Bytes that are not UTF-8 become U+FFFD. A log that cannot be read counts as empty, because
/// the caller has another error to report.
fn read_log(directory: &Path) -> Vec<Entry> {
    log::entries(&String::from_utf8_lossy(&fs::read(directory.join("log")).unwrap_or_default()))
}
