//! TCP connections of a scenario file.

use super::matchers::{BodyMatch, TextMatch};
use super::values::{Piece, Time};
use crate::{End, Script, Step, TcpUpstream};
use schemars::JsonSchema;
use serde::Deserialize;

/// A client's TCP connection, and its expected result.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct ConnectionText {
    /// Steps of the client. After the last one, it reads until the connection ends.
    pub steps: Vec<StepText>,
    /// Maximum time that a step waits. After it, the client resets the connection. Defaults to 20 seconds.
    pub patience: Option<Time>,
    /// Expectations of this connection.
    pub expect: ExpectConnection,
}

/// Step of one end of a connection.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum StepText {
    /// Sends bytes, once the proxy has read the previous ones.
    Send(Piece),
    /// Waits until this many more bytes have arrived.
    Receive(u32),
    /// Waits until the other side has shut down its direction.
    ReceiveEnd,
    /// Shuts down its own direction, and continues to read.
    ShutDown,
    /// Resets the connection.
    Reset,
    /// Waits for this time.
    Wait(Time),
}

/// The upstream of the network filters.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum TcpUpstreamText {
    /// Sends back every byte that it receives.
    #[default]
    Echo,
    /// Does not accept connections.
    Refuse,
    /// Follows these steps on each connection, and then reads until it ends.
    Steps(Vec<StepText>),
}

/// Expectations of a connection. A field that is omitted is not checked.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct ExpectConnection {
    /// All bytes that the client receives.
    pub received: Option<BodyMatch>,
    /// The way in which the connection ends for the client.
    pub end: Option<EndText>,
    /// How many connections to the upstream the proxy opens.
    pub upstream_connections: Option<super::number::NumberMatch>,
    /// All bytes that the upstream receives, on its only connection.
    pub upstream_received: Option<BodyMatch>,
    /// The way in which its only connection ends for the upstream.
    pub upstream_end: Option<EndText>,
    /// Response flags of the connection: Envoy's `%RESPONSE_FLAGS%`.
    pub flags: Option<TextMatch>,
}

/// The way in which a connection ended, as one of its ends observed it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum EndText {
    /// The other side shut down its direction.
    Closed,
    /// The other side reset the connection.
    Reset,
    /// This side reset the connection in a step.
    Broken,
    /// Nothing arrived within `patience`, so this side reset the connection.
    Hang,
    /// The connection was still open at the end of the run.
    Open,
}

impl EndText {
    /// Converts the end that a host observed.
    pub fn of(end: End) -> Self {
        match end {
            End::Closed => Self::Closed,
            End::Reset => Self::Reset,
            End::Broken => Self::Broken,
            End::Hang => Self::Hang,
            End::Open => Self::Open,
        }
    }

    /// Returns its name in a scenario file.
    pub fn name(self) -> &'static str {
        match self {
            Self::Closed => "closed",
            Self::Reset => "reset",
            Self::Broken => "broken",
            Self::Hang => "hang",
            Self::Open => "open",
        }
    }
}

/// Builds a connection.
pub(super) fn connection(text: &ConnectionText) -> Script {
    let mut script = steps(&text.steps);
    script.patience = text.patience.map_or(script.patience, |time| time.0);
    script
}

/// Builds the upstream.
pub(super) fn upstream(text: &TcpUpstreamText) -> TcpUpstream {
    match text {
        TcpUpstreamText::Echo => TcpUpstream::Echo,
        TcpUpstreamText::Refuse => TcpUpstream::Refuse,
        TcpUpstreamText::Steps(texts) => TcpUpstream::Script(steps(texts)),
    }
}

fn steps(texts: &[StepText]) -> Script {
    texts.iter().fold(Script::new(), |script, text| {
        script.step(match text {
            StepText::Send(bytes) => Step::Send(bytes.0.clone()),
            StepText::Receive(bytes) => Step::Receive(*bytes as usize),
            StepText::ReceiveEnd => Step::ReceiveEnd,
            StepText::ShutDown => Step::ShutDown,
            StepText::Reset => Step::Reset,
            StepText::Wait(time) => Step::Wait(time.0),
        })
    })
}
