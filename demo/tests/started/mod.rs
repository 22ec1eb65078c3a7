//! A running demo whose tour is over.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Output, Stdio};
use std::time::{Duration, Instant};

/// Timeout of starting and stopping on a loaded machine, without builds.
const TIMEOUT: Duration = Duration::from_secs(30);

/// Returns the command, without environment variables that would change its behaviour.
pub fn demo(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_tollgate-demo"));
    command.args(arguments).env_remove("PORT").env_remove("TOUR").env_remove("NO_COLOR").stdin(Stdio::null());
    command
}

pub fn output(mut command: Command) -> Output {
    command.output().unwrap()
}

/// Kills the demo if a test fails.
struct Guard(Child);

impl Drop for Guard {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

pub struct Demo {
    child: Guard,
    /// Output of the demo.
    pub text: String,
    /// Child processes of the demo.
    pub children: Vec<i32>,
    proxy: SocketAddr,
    addresses: Vec<SocketAddr>,
    files: PathBuf,
}

/// State after the demo exited.
pub struct Left {
    pub status: ExitStatus,
    pub errors: String,
    /// Folder of Envoy's files.
    pub files: PathBuf,
    children: Vec<i32>,
    addresses: Vec<SocketAddr>,
}

impl Demo {
    pub fn start() -> Self {
        let mut command = demo(&["--port", "0"]);
        let mut child = Guard(command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap());
        let mut text = String::new();
        for line in BufReader::new(child.0.stdout.as_mut().unwrap()).lines() {
            text.push_str(&line.unwrap());
            text.push('\n');
            if text.ends_with("Press Ctrl-C to stop.\n") {
                break;
            }
        }
        let addresses: Vec<SocketAddr> = text
            .lines()
            .take_while(|line| !line.is_empty())
            .filter_map(|line| line.split_once("http://")?.1.parse().ok())
            .collect();
        assert_eq!(addresses.len(), 3, "Envoy and two services\n{text}");
        let log = text.lines().find_map(|line| line.strip_prefix("  log ")).unwrap().trim();
        let files = Path::new(log).parent().unwrap().to_path_buf();
        let children = children(child.0.id());
        assert_eq!(children.len(), 1, "{children:?}\n{text}");
        Self { child, text, children, proxy: addresses[0], addresses, files }
    }

    /// Returns whether a request through the proxy is answered with 200.
    pub fn answers(&self, path: &str) -> bool {
        let mut stream = TcpStream::connect(self.proxy).unwrap();
        write!(stream, "GET {path} HTTP/1.1\r\nhost: shop.example\r\nconnection: close\r\n\r\n").unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        answer.starts_with("HTTP/1.1 200 ")
    }

    /// Sends a signal, and waits until the demo exits.
    pub fn stop(self, signal: i32) -> Left {
        let pid = i32::try_from(self.child.0.id()).unwrap();
        // SAFETY: no memory is involved, and the process is our child, not yet waited for.
        assert_eq!(unsafe { libc::kill(pid, signal) }, 0);
        self.ended()
    }

    /// Waits until the demo exits.
    pub fn ended(mut self) -> Left {
        let mut status = None;
        wait_for("the demo to exit", || {
            status = self.child.0.try_wait().unwrap();
            status.is_some()
        });
        let mut errors = String::new();
        self.child.0.stderr.take().unwrap().read_to_string(&mut errors).unwrap();
        let (children, addresses, files) = (self.children, self.addresses, self.files);
        Left { status: status.unwrap(), errors, files, children, addresses }
    }
}

impl Left {
    /// Asserts that no process and no open port is left.
    pub fn assert_nothing(&self) {
        // The kernel kills an orphan, and another process reaps it: neither is instant.
        wait_for("its processes to exit", || self.children.iter().all(|pid| !runs(*pid)));
        for address in &self.addresses {
            assert!(TcpStream::connect(address).is_err(), "{address} still listens");
        }
    }
}

fn wait_for(what: &str, mut condition: impl FnMut() -> bool) {
    let deadline = Instant::now() + TIMEOUT;
    while !condition() {
        assert!(Instant::now() < deadline, "waited {TIMEOUT:?} for {what}");
        std::thread::sleep(Duration::from_millis(5));
    }
}

/// Returns the processes that any thread of a process started (proc_pid_task_children(5)).
fn children(pid: u32) -> Vec<i32> {
    let threads = std::fs::read_dir(format!("/proc/{pid}/task")).unwrap();
    let children = threads.flatten().filter_map(|t| std::fs::read_to_string(t.path().join("children")).ok());
    children
        .flat_map(|list| list.split_whitespace().map(|pid| pid.parse().unwrap()).collect::<Vec<_>>())
        .collect()
}

/// Returns whether any thread of a process is left. The first thread may be a zombie while others still hold
/// sockets.
fn runs(pid: i32) -> bool {
    let threads = std::fs::read_dir(format!("/proc/{pid}/task")).into_iter().flatten().flatten();
    let stats = threads.filter_map(|thread| std::fs::read_to_string(thread.path().join("stat")).ok());
    stats.into_iter().any(|stat| stat.rsplit_once(") ").is_some_and(|(_, rest)| !rest.starts_with('Z')))
}
