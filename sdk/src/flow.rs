//! The decision of a callback, as a value. The SDK carries it out, so a filter can neither continue after a
//! reply nor resume twice. Envoy sends a request upstream twice if a callback resumes it and then also
//! continues.

use crate::error::{self, Error};
use crate::host::{self, Direction};
use crate::{HttpFilter, headers, pairs};
use serde::Serialize;
use std::borrow::Cow;
use tollgate_types::{Refusal, ResponseDetails};

/// The decision of a callback on its stream.
#[derive(Debug)]
#[must_use = "it takes effect only if the callback returns it: `return Ok(flow)`"]
pub enum Flow {
    /// Pass the stream to the next filter.
    Continue,
    /// Pause the stream until one of its tasks (a callout, a timer or a wait) decides. In a body callback:
    /// pause until more of the body arrives.
    Pause,
    /// In a body callback: pause until a task decides, as with `Pause`, but make the host stop reading from
    /// the sender when its buffer is full, where `Pause` fails the message (status 413 for a request; a
    /// response is cut off). Each callback then receives only the bytes that arrived since the one before.
    /// With several filters in one module, and over the `proxy-wasm` crate, the part is passed on instead. In
    /// other callbacks, the same as `Pause`.
    PauseSender,
    /// In a headers callback: hold the headers until the body callback decides, so that the other side
    /// receives nothing of a message that the filter has not checked. The body callback can still change the
    /// headers: see [`Context::held_request_headers`](crate::Context::held_request_headers). For a message
    /// without a body, it is called at once, with an empty body that has ended. In a body callback, and in
    /// that of a task, the same as `Pause`.
    ///
    /// The host must be configured with `allow_on_headers_stop_iteration: true` (`PluginConfig` in Envoy,
    /// since 1.35). Otherwise it waits with the body too, until the client gives up; the SDK then logs a
    /// warning, once. Istio's `WasmPlugin` has no such field; use an `EnvoyFilter` there.
    AwaitBody,
    /// Answer the client. In the request phase, nothing is sent upstream. In the response phase, the upstream
    /// response is dropped. A TCP filter closes the connection instead: see
    /// [`tcp::close`](crate::tcp::close). Boxed, because callbacks rarely return one.
    Reply(Box<Reply>),
}

/// Result of a callback: by default a [`Flow`], or the [`Failure`] that ended the callback early.
pub type Result<T = Flow, E = Failure> = std::result::Result<T, E>;

/// Why a callback ended without a [`Flow`]. The `?` operator converts an [`Error`], a [`Reply`], and every
/// error that converts into a [`Reply`].
///
/// ```
/// use tollgate::{Failure, Reply, Result};
///
/// enum Denied {
///     NoToken,
///     Expired,
/// }
///
/// impl From<Denied> for Reply {
///     fn from(denied: Denied) -> Self {
///         match denied {
///             Denied::NoToken => Reply::refuse(401, "no_token"),
///             Denied::Expired => Reply::refuse(401, "token_expired"),
///         }
///     }
/// }
///
/// fn token(value: Option<&str>) -> Result<&str> {
///     let token = value.ok_or(Denied::NoToken)?;
///     if token.starts_with("old") { Err(Denied::Expired)? }
///     Ok(token)
/// }
///
/// assert!(matches!(token(None), Err(Failure::Reply(_))));
/// ```
#[derive(Debug)]
#[must_use = "it takes effect only if the callback returns it: `return Err(failure)`"]
pub enum Failure {
    /// The filter answers the client.
    Reply(Box<Reply>),
    /// A host call failed, or the filter tried something invalid:
    /// [`HttpFilter::on_error`] decides.
    Error(Error),
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        Self::Error(error)
    }
}

impl<T: Into<Reply>> From<T> for Failure {
    fn from(reply: T) -> Self {
        Self::Reply(Box::new(reply.into()))
    }
}

/// A response that the filter creates itself.
#[derive(Debug)]
#[must_use = "it is sent only if the callback returns it: `return reply.into()`"]
pub struct Reply {
    /// Whether to reset the stream instead.
    resets: bool,
    status: u16,
    details: Cow<'static, str>,
    headers: Vec<(Cow<'static, str>, Vec<u8>)>,
    body: Vec<u8>,
    grpc_status: i32,
}

impl Reply {
    /// Creates a response without a body. A status outside 200..=599 is replaced by 500, because Envoy would
    /// send it unchanged. With status 204 or 304, a body is not sent: such a response has none (RFC 9112
    /// section 6.3), so an HTTP/1.1 client would read it as the start of its next response.
    ///
    /// A gRPC client receives HTTP 200, the body as `grpc-message`, and a `grpc-status` derived from `status`
    /// (`grpc::Utility::httpToGrpcStatus` in Envoy). [`grpc_status`](Self::grpc_status) overrides the derived
    /// value.
    pub fn new(status: u16) -> Self {
        let status = if (200..=599).contains(&status) { status } else { 500 };
        Self {
            resets: false,
            status,
            details: Cow::Borrowed(""),
            headers: Vec::new(),
            body: Vec::new(),
            grpc_status: -1,
        }
    }

    /// Resets the stream in place of a response: an HTTP/1.1 client sees its connection close, an HTTP/2
    /// client a `RST_STREAM`. Envoy logs the details `wasm_close_stream`. Not supported in a callback for
    /// response trailers, where Envoy 1.40 crashes: the stream continues there.
    pub fn reset() -> Self {
        Self { resets: true, ..Self::new(500) }
    }

    /// Creates a rejection. `reason` is sent as the body, and logged as the response code details.
    pub fn refuse(status: u16, reason: &'static str) -> Self {
        Self::new(status).details(reason).body(reason)
    }

    /// Sets `%RESPONSE_CODE_DETAILS%`: a stable, machine-readable identifier without spaces.
    pub fn details(mut self, details: impl Into<Cow<'static, str>>) -> Self {
        self.details = details.into();
        self
    }

    /// Adds a header. Envoy sets `content-length`. It also sets `content-type: text/plain` unless a content
    /// type is given.
    pub fn header(mut self, name: impl Into<Cow<'static, str>>, value: impl Into<Vec<u8>>) -> Self {
        self.headers.push((name.into(), value.into()));
        self
    }

    /// Sets the body.
    pub fn body(mut self, body: impl Into<Vec<u8>>) -> Self {
        self.body = body.into();
        self
    }

    /// Sets a JSON body and its content type.
    pub fn json(self, value: &impl Serialize) -> Self {
        // Serialising fails only for maps with keys that are not strings. The details still identify the
        // response.
        let body = serde_json::to_vec(value).unwrap_or_default();
        self.header("content-type", "application/json").body(body)
    }

    /// Sets the `grpc-status` for gRPC clients.
    pub fn grpc_status(mut self, code: u8) -> Self {
        self.grpc_status = code.into();
        self
    }

    /// Sends the response, or closes the connection of a TCP filter, whose client could not read it.
    pub(crate) fn send_for<F: HttpFilter>(self, direction: Direction) {
        if !F::USES.tcp {
            return self.send(direction);
        }
        log::debug!("closing the connection: {}", self.details);
        if let Err(error) = host::connection::close() {
            log::error!("cannot close the connection: {error}");
        }
    }

    /// Sends the response. If the host rejects it, resets the stream, because a rejected request must not
    /// pass.
    fn send(self, direction: Direction) {
        if self.resets {
            return close(direction);
        }
        if let Err(error) = self.try_send() {
            log::error!("cannot send the reply, resetting the stream: {error}");
            close(direction);
        }
    }

    fn try_send(self) -> error::Result<()> {
        for (name, value) in &self.headers {
            headers::check(name.as_bytes(), value)?;
        }
        let headers: Vec<_> = self.headers.iter().map(|(n, v)| (n.as_bytes(), v)).collect();
        let headers = if headers.is_empty() { Vec::new() } else { pairs::serialize(&headers) };
        // An access log has one line for each stream, and Envoy writes the details unescaped.
        let details = self.details.replace(|c: char| c.is_control() || c.is_whitespace(), "_");
        let body = if matches!(self.status, 204 | 304) { &[][..] } else { &self.body };
        host::send_local_response(self.status, &details, &headers, body, self.grpc_status)
    }
}

fn close(direction: Direction) {
    if let Err(error) = host::close_stream(direction) {
        log::error!("cannot reset the stream: {error}");
    }
}

impl<R: ResponseDetails> From<Refusal<R>> for Reply {
    fn from(refusal: Refusal<R>) -> Self {
        let Refusal { reason, status, grpc_status, headers, body } = refusal;
        let reply = Self::new(status).details(reason.details()).grpc_status(grpc_status).body(body);
        headers.into_iter().fold(reply, |reply, (name, value)| reply.header(name, value))
    }
}

impl<R: ResponseDetails> From<Refusal<R>> for Flow {
    fn from(refusal: Refusal<R>) -> Self {
        Self::Reply(Box::new(refusal.into()))
    }
}

impl From<Reply> for Flow {
    fn from(reply: Reply) -> Self {
        Self::Reply(Box::new(reply))
    }
}

impl<E> From<Reply> for std::result::Result<Flow, E> {
    fn from(reply: Reply) -> Self {
        Ok(reply.into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_invalid_status_becomes_500() {
        for (given, sent) in [(0, 500), (99, 500), (101, 500), (200, 200), (599, 599), (600, 500)] {
            assert_eq!(Reply::new(given).status, sent);
        }
    }
}
