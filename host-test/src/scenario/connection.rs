//! TCP connections as data: what each end does, and what it received.
//!
//! TCP does not preserve the boundaries between writes. Filters see two writes as two pieces only if the
//! proxy read the first before the second was sent, so each end here waits for that. A proxy that has stopped
//! reading later reads everything that has arrived at once.

use std::time::Duration;

/// Default time that an end waits for the next byte, or for the end of the connection.
const PATIENCE: Duration = Duration::from_secs(20);

/// Step of an end of a connection.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Step {
    /// Sends bytes after the proxy has read the previous ones, or after 0.3 seconds if it does not read them.
    Send(Vec<u8>),
    /// Waits until this many more bytes have arrived.
    Receive(usize),
    /// Waits until the other side has shut down its direction (FIN).
    ReceiveEnd,
    /// Shuts down its own direction (FIN), and continues to read.
    ShutDown,
    /// Resets the connection (RST).
    Reset,
    /// Waits for this time. The emulator advances its virtual clock instead.
    Wait(Duration),
}

/// The steps of one end of a connection. After the last step, the end reads until the connection ends.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Script {
    /// The steps, in order.
    pub steps: Vec<Step>,
    /// Maximum time that a step waits, and maximum time to wait for the end of the connection. When it is
    /// exceeded, this end resets the connection.
    pub patience: Duration,
}

/// The client's end of a connection.
pub type Connection = Script;

impl Default for Script {
    fn default() -> Self {
        Self { steps: Vec::new(), patience: PATIENCE }
    }
}

impl Script {
    /// Creates an end that only reads.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a step.
    pub fn step(mut self, step: Step) -> Self {
        self.steps.push(step);
        self
    }

    /// Adds [`Step::Send`].
    pub fn send(self, bytes: impl AsRef<[u8]>) -> Self {
        self.step(Step::Send(bytes.as_ref().to_vec()))
    }

    /// Adds [`Step::Receive`]: waits for this many more bytes.
    pub fn receive(self, bytes: usize) -> Self {
        self.step(Step::Receive(bytes))
    }

    /// Adds [`Step::ReceiveEnd`]: waits until the other side has shut down its direction.
    pub fn receive_end(self) -> Self {
        self.step(Step::ReceiveEnd)
    }

    /// Adds [`Step::ShutDown`]: this end sends nothing more.
    pub fn shut_down(self) -> Self {
        self.step(Step::ShutDown)
    }

    /// Adds [`Step::Reset`].
    pub fn reset(self) -> Self {
        self.step(Step::Reset)
    }

    /// Adds [`Step::Wait`].
    pub fn wait(self, time: Duration) -> Self {
        self.step(Step::Wait(time))
    }

    /// Sets [`Script::patience`]. Use a short time for connections that are expected to hang.
    pub fn patience(mut self, time: Duration) -> Self {
        self.patience = time;
        self
    }
}

/// The upstream of the network filters.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum TcpUpstream {
    /// Sends back every byte that it receives, and shuts down when the other side has.
    #[default]
    Echo,
    /// Follows the script on each connection. Shuts down after the last step, once the other side has shut
    /// down.
    Script(Script),
    /// Does not accept connections.
    Refuse,
}

/// Result of a client's connection.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConnectionExchange {
    /// The bytes that the client received, and how the connection ended for it.
    pub client: Received,
    /// The same for the upstream, for each connection that the proxy opened to it.
    pub upstream: Vec<Received>,
    /// `%RESPONSE_FLAGS%` of the connection. Empty if the proxy still has the connection open one second
    /// after the client reset it.
    pub flags: String,
}

/// The bytes that one end of a connection received, and how the connection ended.
#[derive(Clone, PartialEq, Eq)]
pub struct Received {
    /// All bytes, in order.
    pub bytes: Vec<u8>,
    /// The way in which the connection ended.
    pub end: End,
}

/// The way in which a connection ended, as one of its ends observed it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    /// The other side shut down its direction (FIN).
    Closed,
    /// The other side reset the connection (RST).
    Reset,
    /// This side reset the connection, because its script contains [`Step::Reset`].
    Broken,
    /// Nothing arrived within [`Script::patience`], so this side reset the connection.
    Hang,
    /// The connection was still open when the outcome was read.
    Open,
}

impl std::fmt::Debug for Received {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "\"{}\" {:?}", self.bytes.escape_ascii(), self.end)
    }
}
