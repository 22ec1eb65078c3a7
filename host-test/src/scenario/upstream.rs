//! Upstreams of a scenario, and their answers.

use super::{Headers, Response};
use std::time::Duration;

/// An upstream: an Envoy cluster with one endpoint, or with none.
#[derive(Clone, Debug)]
pub struct Upstream {
    /// The cluster's name.
    pub name: String,
    /// The answers to the first request, the second, and so on. The last one is repeated.
    pub answers: Vec<Answer>,
    /// Path prefixes, each with answers that replace [`Upstream::answers`]. A prefix matches whole segments:
    /// the end of the path, a `/` or a `?` must follow it. The longest prefix decides. [`Answer::Refuse`] is
    /// not possible here: the upstream refuses a connection before it receives a path.
    pub by_path: Vec<(String, Vec<Answer>)>,
    /// Whether to use HTTP/2 without TLS instead of HTTP/1.1. gRPC needs it.
    pub http2: bool,
    /// Whether the cluster has no endpoint, so that no request can be sent to it.
    pub empty: bool,
}

impl Upstream {
    /// Creates an HTTP/1.1 upstream that gives every request the same response.
    pub fn replies(name: &str, response: Response) -> Self {
        Self::answers(name, vec![Answer::Reply { response, after: Duration::ZERO }])
    }

    /// Creates an HTTP/1.1 upstream that gives these answers in this order.
    pub fn answers(name: &str, answers: Vec<Answer>) -> Self {
        Self { name: name.into(), answers, by_path: Vec::new(), http2: false, empty: false }
    }

    /// Creates a cluster without endpoints.
    pub fn empty(name: &str) -> Self {
        Self { empty: true, ..Self::answers(name, vec![Answer::Refuse]) }
    }

    /// Creates a gRPC upstream (HTTP/2) that gives these answers in this order.
    pub fn grpc(name: &str, answers: Vec<Answer>) -> Self {
        Self { name: name.into(), answers, by_path: Vec::new(), http2: true, empty: false }
    }

    /// Gives requests whose path begins with `path` these answers in this order, see [`Upstream::by_path`].
    ///
    /// # Panics
    /// If one of them is [`Answer::Refuse`].
    #[track_caller]
    pub fn on(mut self, path: &str, answers: Vec<Answer>) -> Self {
        let refuses = answers.iter().any(|a| matches!(a, Answer::Refuse));
        assert!(
            !refuses,
            "upstream `{}`, path `{path}`: `Answer::Refuse` cannot depend on the path",
            self.name
        );
        self.by_path.push((path.into(), answers));
        self
    }
}

/// Behaviour of an upstream for one request.
#[derive(Clone, Debug)]
pub enum Answer {
    /// Reads the whole request, waits, and sends a response.
    Reply {
        /// The response.
        response: Response,
        /// Time to wait. The emulator advances its virtual clock instead.
        after: Duration,
    },
    /// Answers a gRPC call with messages, then trailers with the status.
    Grpc {
        /// Initial metadata.
        initial_metadata: Headers,
        /// Serialised messages without their 5-byte prefix.
        messages: Vec<Vec<u8>>,
        /// `grpc-status`.
        status: u32,
        /// `grpc-message`; any bytes.
        message: Vec<u8>,
        /// Time to wait before answering.
        after: Duration,
    },
    /// Reads the request, then closes the connection without a response.
    Reset,
    /// Sends the headers and a part of the body of a response, then closes the connection.
    ResetMidResponse(Response),
    /// Reads the request and never responds.
    Hang,
    /// Refuses the connection.
    Refuse,
}
