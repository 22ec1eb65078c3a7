//! What a callback decides, as a value. The SDK carries it out, so that nobody goes on after replying or resumes
//! twice: on Envoy, resuming from the callback that also continues sends the request upstream twice.

use crate::host::{self, Direction};
use crate::{Result, headers, pairs};
use serde::Serialize;
use std::borrow::Cow;

/// What becomes of the stream.
#[derive(Debug)]
pub enum Flow {
    /// On to the next filter.
    Continue,
    /// Hold the stream until something that was started for it (a callout, a delay) decides, or, on a body, until
    /// more of it is here.
    Pause,
    /// Answer the client; nothing goes upstream (or, in the response phase, the upstream's answer is dropped).
    Reply(Reply),
}

/// An answer of the filter's own.
#[derive(Debug)]
pub struct Reply {
    status: u16,
    details: Cow<'static, str>,
    headers: Vec<(Cow<'static, str>, Vec<u8>)>,
    body: Vec<u8>,
    grpc_status: i32,
}

impl Reply {
    /// An empty answer. A status outside 200..=599 becomes 500: Envoy would send it as it is.
    ///
    /// A gRPC client gets HTTP 200 with the body as `grpc-message` and a `grpc-status` derived from `status`
    /// (`grpc::Utility::httpToGrpcStatus` in Envoy), unless [`grpc_status`](Self::grpc_status) says otherwise.
    pub fn new(status: u16) -> Self {
        let status = if (200..=599).contains(&status) { status } else { 500 };
        Self { status, details: Cow::Borrowed(""), headers: Vec::new(), body: Vec::new(), grpc_status: -1 }
    }

    /// A refusal: `reason` is the response code details in access logs, and the body.
    pub fn refuse(status: u16, reason: &'static str) -> Self {
        Self::new(status).details(reason).body(reason)
    }

    /// `%RESPONSE_CODE_DETAILS%`: a stable word for machines, without spaces.
    pub fn details(mut self, details: impl Into<Cow<'static, str>>) -> Self {
        self.details = details.into();
        self
    }

    /// Adds a header. Envoy sets `content-length`, and `content-type: text/plain` unless one is given.
    pub fn header(mut self, name: impl Into<Cow<'static, str>>, value: impl Into<Vec<u8>>) -> Self {
        self.headers.push((name.into(), value.into()));
        self
    }

    /// The body.
    pub fn body(mut self, body: impl Into<Vec<u8>>) -> Self {
        self.body = body.into();
        self
    }

    /// A JSON body with its content type.
    pub fn json(self, value: &impl Serialize) -> Self {
        // Serialising fails only for maps with keys that are not strings; the details still say what happened.
        let body = serde_json::to_vec(value).unwrap_or_default();
        self.header("content-type", "application/json").body(body)
    }

    /// The `grpc-status` that a gRPC client gets.
    pub fn grpc_status(mut self, code: u8) -> Self {
        self.grpc_status = code.into();
        self
    }

    /// Sends it. If the host will not have it, the stream is reset: whatever was refused must not pass.
    pub(crate) fn send(self, direction: Direction) {
        if let Err(error) = self.try_send() {
            log::error!("reply not sent, the stream is reset: {error}");
            if let Err(error) = host::close_stream(direction) {
                log::error!("stream not reset: {error}");
            }
        }
    }

    fn try_send(self) -> Result<()> {
        for (name, value) in &self.headers {
            headers::check(name.as_bytes(), value)?;
        }
        let headers: Vec<_> = self.headers.iter().map(|(n, v)| (n.as_bytes(), v)).collect();
        let headers = if headers.is_empty() { Vec::new() } else { pairs::serialize(&headers) };
        host::send_local_response(self.status, &self.details, &headers, &self.body, self.grpc_status)
    }
}

impl From<Reply> for Flow {
    fn from(reply: Reply) -> Self {
        Self::Reply(reply)
    }
}

impl<E> From<Reply> for std::result::Result<Flow, E> {
    fn from(reply: Reply) -> Self {
        Ok(Flow::Reply(reply))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_status_that_is_none_becomes_500() {
        for (given, sent) in [(0, 500), (99, 500), (101, 500), (200, 200), (599, 599), (600, 500)] {
            assert_eq!(Reply::new(given).status, sent);
        }
    }
}
