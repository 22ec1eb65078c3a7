//! Handling of termination signals.
//!
//! A process that a signal kills does not run destructors, so Envoy's files would remain. The kernel always
//! kills Envoy when this process exits.

use anyhow::{Context, Result};
use std::process::ExitCode;
use tokio::signal::unix::{Signal, SignalKind, signal};

/// Listener for SIGINT (Ctrl-C), SIGTERM and SIGHUP (the terminal was closed).
#[derive(Debug)]
pub struct Stop {
    interrupt: Signal,
    terminate: Signal,
    hangup: Signal,
}

impl Stop {
    /// Installs handlers, so that these signals no longer kill the process.
    pub fn new() -> Result<Self> {
        let listen = |kind| signal(kind).context("cannot listen for signals");
        Ok(Self {
            interrupt: listen(SignalKind::interrupt())?,
            terminate: listen(SignalKind::terminate())?,
            hangup: listen(SignalKind::hangup())?,
        })
    }

    /// Waits for a signal. Returns the exit status that a shell would report for it.
    pub async fn wait(&mut self) -> ExitCode {
        let signal = tokio::select! {
            _ = self.interrupt.recv() => SignalKind::interrupt(),
            _ = self.terminate.recv() => SignalKind::terminate(),
            _ = self.hangup.recv() => SignalKind::hangup(),
        };
        u8::try_from(signal.as_raw_value()).map_or(ExitCode::FAILURE, |number| ExitCode::from(128 + number))
    }
}
