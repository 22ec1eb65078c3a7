//! Being asked to stop.
//!
//! A process that is killed by a signal drops nothing, so Envoy's files would stay behind. Envoy itself dies with us in
//! any case: the kernel sees to it.

use anyhow::{Context, Result};
use std::process::ExitCode;
use tokio::signal::unix::{Signal, SignalKind, signal};

/// Ctrl-C, a request to end, a terminal that was closed.
#[derive(Debug)]
pub struct Stop {
    interrupt: Signal,
    terminate: Signal,
    hangup: Signal,
}

impl Stop {
    /// From here on these signals no longer end the process by themselves.
    pub fn new() -> Result<Self> {
        let listen = |kind| signal(kind).context("cannot listen for signals");
        Ok(Self {
            interrupt: listen(SignalKind::interrupt())?,
            terminate: listen(SignalKind::terminate())?,
            hangup: listen(SignalKind::hangup())?,
        })
    }

    /// Waits for one of them. The exit status that a shell would report for it.
    pub async fn wait(&mut self) -> ExitCode {
        let signal = tokio::select! {
            _ = self.interrupt.recv() => SignalKind::interrupt(),
            _ = self.terminate.recv() => SignalKind::terminate(),
            _ = self.hangup.recv() => SignalKind::hangup(),
        };
        u8::try_from(signal.as_raw_value()).map_or(ExitCode::FAILURE, |number| ExitCode::from(128 + number))
    }
}
