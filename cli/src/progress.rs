//! Shows on stderr that a step takes long: a compilation, or a scenario that waits.
//!
//! A terminal shows the step and its time after a second, on a line that disappears at the end. Anything
//! else, such as the log of a CI job, gets a line after ten seconds, and then one after each minute.

use std::io::{self, IsTerminal, Write};
use std::sync::mpsc::{self, RecvTimeoutError, Sender};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

/// When to write.
#[derive(Clone, Copy, Debug)]
struct Pace {
    first: Duration,
    next: Duration,
    /// Whether the output is a terminal, whose last line can be replaced.
    terminal: bool,
}

const ON_TERMINAL: Pace =
    Pace { first: Duration::from_secs(1), next: Duration::from_secs(1), terminal: true };
const IN_LOG: Pace = Pace { first: Duration::from_secs(10), next: Duration::from_secs(60), terminal: false };

/// A step in progress. Dropping this value ends it.
#[derive(Debug)]
pub struct Progress {
    end: Option<Sender<()>>,
    writer: Option<JoinHandle<()>>,
}

impl Progress {
    /// Starts a step.
    pub fn start(step: String) -> Self {
        let pace = if io::stderr().is_terminal() { ON_TERMINAL } else { IN_LOG };
        Self::with(step, pace, io::stderr())
    }

    fn with(step: String, pace: Pace, mut out: impl Write + Send + 'static) -> Self {
        let (end, ended) = mpsc::channel();
        let begun = Instant::now();
        let write = move || {
            let mut wait = pace.first;
            let mut written = false;
            while ended.recv_timeout(wait) == Err(RecvTimeoutError::Timeout) {
                let seconds = begun.elapsed().as_secs();
                // Whoever closes stderr does not want to see it.
                let _ = match pace.terminal {
                    true => write!(out, "\r\x1b[2K{step} ({seconds} s)").and_then(|()| out.flush()),
                    false => writeln!(out, "tollgate: still {step} ({seconds} s)"),
                };
                (wait, written) = (pace.next, true);
            }
            if pace.terminal && written {
                let _ = write!(out, "\r\x1b[2K").and_then(|()| out.flush());
            }
        };
        // The command works without a thread too: it only shows no progress.
        let writer = std::thread::Builder::new().name("progress".into()).spawn(write).ok();
        Self { end: Some(end), writer }
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        drop(self.end.take());
        // The line must have disappeared before the report is printed.
        let _ = self.writer.take().map(JoinHandle::join);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::{Arc, Mutex};

    #[derive(Clone, Default)]
    struct Written(Arc<Mutex<Vec<u8>>>);

    impl Written {
        fn text(&self) -> String {
            String::from_utf8(self.0.lock().unwrap().clone()).unwrap()
        }

        fn wait_for(&self, part: &str) {
            let end = Instant::now() + Duration::from_secs(60);
            while !self.text().contains(part) {
                assert!(Instant::now() < end, "{:?}", self.text());
                std::thread::sleep(Duration::from_millis(1));
            }
        }
    }

    impl Write for Written {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().unwrap().extend_from_slice(bytes);
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    fn soon(terminal: bool) -> Pace {
        Pace { first: Duration::from_millis(1), next: Duration::from_secs(600), terminal }
    }

    #[test]
    fn a_log_gets_whole_lines() {
        let out = Written::default();
        let progress = Progress::with("running a.yaml".into(), soon(false), out.clone());
        out.wait_for("\n");
        drop(progress);
        let text = out.text();
        assert!(text.starts_with("tollgate: still running a.yaml (") && text.ends_with(" s)\n"), "{text}");
    }

    #[test]
    fn a_terminal_gets_a_line_that_disappears() {
        let out = Written::default();
        let progress = Progress::with("running a.yaml".into(), soon(true), out.clone());
        out.wait_for(" s)");
        drop(progress);
        assert!(out.text().starts_with("\r\x1b[2Krunning a.yaml ("), "{:?}", out.text());
        assert!(out.text().ends_with(" s)\r\x1b[2K"), "{:?}", out.text());
    }

    #[test]
    fn a_short_step_writes_nothing() {
        for pace in [ON_TERMINAL, IN_LOG] {
            let out = Written::default();
            // Longer than the machine may stop this thread.
            let pace = Pace { first: Duration::from_secs(600), ..pace };
            drop(Progress::with("running a.yaml".into(), pace, out.clone()));
            assert_eq!(out.text(), "");
        }
    }
}
