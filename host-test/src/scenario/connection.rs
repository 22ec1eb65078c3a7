//! TCP connections as data: what either end does, and what it saw.
//!
//! TCP has no pieces. A piece is seen as such by the filters only if the one before was read before it was sent; the
//! ends here wait for that. What arrives while a proxy does not read, it reads in one.

use std::time::Duration;

/// How long an end waits for the next byte, or for the end of the connection.
const PATIENCE: Duration = Duration::from_secs(20);

/// One thing that an end of a connection does.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Step {
    /// Sends bytes, once those sent before have been read, or will not be for 0.3 seconds.
    Send(Vec<u8>),
    /// Waits until this many more bytes have come.
    Receive(usize),
    /// Waits until the other side has said that nothing more comes.
    ReceiveEnd,
    /// Says that nothing more comes (FIN), and goes on reading.
    ShutDown,
    /// Breaks the connection (RST).
    Reset,
    /// Does nothing; on the emulator, on the virtual clock.
    Wait(Duration),
}

/// What one end does, step by step. When it is through, it reads until the connection ends.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Script {
    /// In order.
    pub steps: Vec<Step>,
    /// How long it waits for what a step is about, and for the end. When that comes to nothing, it breaks the
    /// connection.
    pub patience: Duration,
}

/// A connection that a client makes.
pub type Connection = Script;

impl Default for Script {
    fn default() -> Self {
        Self { steps: Vec::new(), patience: PATIENCE }
    }
}

impl Script {
    /// An end that only reads.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a step.
    pub fn step(mut self, step: Step) -> Self {
        self.steps.push(step);
        self
    }

    /// Sends bytes.
    pub fn send(self, bytes: impl AsRef<[u8]>) -> Self {
        self.step(Step::Send(bytes.as_ref().to_vec()))
    }

    /// Waits for this many more bytes.
    pub fn receive(self, bytes: usize) -> Self {
        self.step(Step::Receive(bytes))
    }

    /// Waits for the end of what the other side sends.
    pub fn receive_end(self) -> Self {
        self.step(Step::ReceiveEnd)
    }

    /// Sends nothing more.
    pub fn shut_down(self) -> Self {
        self.step(Step::ShutDown)
    }

    /// Breaks the connection.
    pub fn reset(self) -> Self {
        self.step(Step::Reset)
    }

    /// Does nothing for a while.
    pub fn wait(self, time: Duration) -> Self {
        self.step(Step::Wait(time))
    }

    /// Gives up after this time. For connections that are to hang.
    pub fn patience(mut self, time: Duration) -> Self {
        self.patience = time;
        self
    }
}

/// What stands behind the network filters.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum TcpUpstream {
    /// Sends back what it gets, and shuts down when the other side has.
    #[default]
    Echo,
    /// Does the same on each connection. When the other side has shut down and the steps are done, so does it.
    Script(Script),
    /// Does not accept connections.
    Refuse,
}

/// One connection of a client, and what came of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConnectionExchange {
    /// What the client got.
    pub client: Received,
    /// What the upstream got, for each connection that was made to it.
    pub upstream: Vec<Received>,
    /// `%RESPONSE_FLAGS%` of the connection; empty if the proxy holds it still, a second after the client broke it.
    pub flags: String,
}

/// What one end of a connection got.
#[derive(Clone, PartialEq, Eq)]
pub struct Received {
    /// All bytes.
    pub bytes: Vec<u8>,
    /// How it ended.
    pub end: End,
}

/// How a connection ended for one of its ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    /// The other side said that nothing more comes (FIN).
    Closed,
    /// The other side broke the connection (RST).
    Reset,
    /// This side broke it, because it was told to.
    Broken,
    /// Nothing came for as long as this side has patience, and so it broke the connection.
    Hang,
    /// It had not ended when the outcome was read.
    Open,
}

impl std::fmt::Debug for Received {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "\"{}\" {:?}", self.bytes.escape_ascii(), self.end)
    }
}
