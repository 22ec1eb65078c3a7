//! HTTP and gRPC callouts: requests that a filter sends to clusters of the proxy.

use crate::error::Result;
use crate::host::{self, Buffer, Map};
use crate::{Error, Pairs, abi, headers, pairs, protobuf};
use std::time::Duration;

/// An HTTP request to a cluster. Istio names clusters `outbound|<port>|<subset>|<host>`.
#[derive(Clone, Debug)]
#[must_use = "it is sent only by `http_call` of a request, a response or a context"]
pub struct HttpCall {
    cluster: String,
    headers: Vec<(String, Vec<u8>)>,
    body: Vec<u8>,
    trailers: Vec<(String, Vec<u8>)>,
    timeout: Duration,
    pub(crate) max_body: usize,
}

impl HttpCall {
    /// Creates a request with `method` and `path` to `authority`. The timeout is 5 s and the response body is
    /// limited to 1 MiB.
    pub fn new(cluster: &str, method: &str, authority: &str, path: &str) -> Self {
        let pseudo = [(":method", method), (":path", path), (":authority", authority)];
        Self {
            cluster: cluster.to_owned(),
            headers: pseudo.map(|(n, v)| (n.to_owned(), v.as_bytes().to_vec())).to_vec(),
            body: Vec::new(),
            trailers: Vec::new(),
            timeout: Duration::from_secs(5),
            max_body: 1 << 20,
        }
    }

    /// Adds a header.
    pub fn header(mut self, name: &str, value: impl AsRef<[u8]>) -> Self {
        self.headers.push((name.to_owned(), value.as_ref().to_vec()));
        self
    }

    /// Sets the body. Envoy sets `content-length`.
    pub fn body(mut self, body: impl Into<Vec<u8>>) -> Self {
        self.body = body.into();
        self
    }

    /// Adds a trailer.
    pub fn trailer(mut self, name: &str, value: impl AsRef<[u8]>) -> Self {
        self.trailers.push((name.to_owned(), value.as_ref().to_vec()));
        self
    }

    /// Sets the timeout for the whole response. It must be at least 1 ms, because Envoy waits forever if it
    /// is 0.
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = timeout;
        self
    }

    /// Sets the maximum size of the response body. Envoy itself buffers up to 32 MiB, and a VM never returns
    /// memory.
    pub fn max_response_body(mut self, bytes: usize) -> Self {
        self.max_body = bytes;
        self
    }

    pub(crate) fn send(&self) -> Result<u32> {
        for (name, value) in self.headers.iter().chain(&self.trailers) {
            headers::check(name.as_bytes(), value)?;
        }
        let timeout = milliseconds(self.timeout)?;
        #[cfg(all(feature = "proxy-wasm", target_arch = "wasm32"))]
        return crate::proxy_wasm::http_call(
            &self.cluster,
            &self.headers,
            &self.body,
            &self.trailers,
            timeout,
        );
        #[cfg(not(all(feature = "proxy-wasm", target_arch = "wasm32")))]
        self.send_to_host(timeout)
    }

    #[cfg(not(all(feature = "proxy-wasm", target_arch = "wasm32")))]
    fn send_to_host(&self, timeout: u32) -> Result<u32> {
        let headers = pairs::serialize(&self.headers);
        let trailers = if self.trailers.is_empty() { Vec::new() } else { pairs::serialize(&self.trailers) };
        let mut token = 0;
        // SAFETY: pointers are to live values of the given lengths.
        host::check_callout("http_call", &self.cluster, unsafe {
            abi::proxy_http_call(
                self.cluster.as_ptr(),
                self.cluster.len(),
                headers.as_ptr(),
                headers.len(),
                self.body.as_ptr(),
                self.body.len(),
                trailers.as_ptr(),
                trailers.len(),
                timeout,
                &mut token,
            )
        })?;
        Ok(token)
    }
}

/// A complete response to an [`HttpCall`].
#[derive(Clone, Debug)]
pub struct HttpResponse {
    /// Status code (`:status`).
    pub status: u16,
    /// All headers, including `:status`.
    pub headers: Pairs,
    /// The whole body.
    pub body: Vec<u8>,
    /// All trailers.
    pub trailers: Pairs,
}

/// The reason why a callout has no response.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum CalloutError {
    /// The response was not complete before the timeout.
    Timeout,
    /// No host of the cluster could be reached.
    Unavailable,
    /// The connection was reset before the response was complete.
    Reset,
    /// The response body exceeds [`max_response_body`](HttpCall::max_response_body).
    TooLarge,
    /// The response could not be read from the host.
    Host(Error),
}

impl From<Error> for CalloutError {
    fn from(error: Error) -> Self {
        Self::Host(error)
    }
}

/// The response to an [`HttpCall`], or the error.
pub type HttpResult = std::result::Result<HttpResponse, CalloutError>;

/// Reads the response in `proxy_on_http_call_response`.
///
/// When a request times out or a cluster cannot be reached, Envoy itself creates a 504 or 503 response, which
/// looks like one of the upstream. Only the body identifies it (`source/common/router/router.cc`,
/// `source/common/http/utility.cc`). A response of the upstream with the same body is reported as the same
/// error. A response without headers is a reset.
pub(crate) fn http_response(num_headers: usize, size: usize, num_trailers: usize, max: usize) -> HttpResult {
    if num_headers == 0 {
        return Err(CalloutError::Reset);
    }
    let headers = Pairs::parse(host::map_pairs(Map::CallHeaders)?)?;
    let status = headers.get_all(":status").next().and_then(|s| std::str::from_utf8(s).ok()?.parse().ok());
    let status = status.ok_or(Error::Malformed("http_call"))?;
    // Read enough to recognise Envoy's own bodies, even if the filter's maximum is smaller.
    let body =
        if size == 0 { Vec::new() } else { host::buffer(Buffer::CallBody, max.max(ENVOY_BODY_PREFIX))? };
    match status {
        504 if body == TIMED_OUT => return Err(CalloutError::Timeout),
        503 if body.starts_with(b"upstream connect error") || body == b"no healthy upstream" => {
            return Err(CalloutError::Unavailable);
        }
        _ if size > max => return Err(CalloutError::TooLarge),
        _ => {}
    }
    let trailers = match num_trailers {
        0 => Pairs::default(),
        _ => Pairs::parse(host::map_pairs(Map::CallTrailers)?)?,
    };
    Ok(HttpResponse { status, headers, body, trailers })
}

/// Minimum number of bytes to read of a body, so that it can be compared with Envoy's own bodies.
const ENVOY_BODY_PREFIX: usize = 64;

/// A unary gRPC call to a cluster that supports HTTP/2.
#[derive(Clone, Debug)]
#[must_use = "it is sent only by `grpc_call` of a request, a response or a context"]
pub struct GrpcCall {
    cluster: String,
    service: String,
    method: String,
    metadata: Vec<(String, Vec<u8>)>,
    message: Vec<u8>,
    timeout: Duration,
}

impl GrpcCall {
    /// Creates a call of `method` of `service`, for example `ShouldRateLimit` of
    /// `envoy.service.ratelimit.v3.RateLimitService`, with a serialised message. The timeout is 5 s.
    pub fn new(cluster: &str, service: &str, method: &str, message: impl Into<Vec<u8>>) -> Self {
        Self {
            cluster: cluster.to_owned(),
            service: service.to_owned(),
            method: method.to_owned(),
            metadata: Vec::new(),
            message: message.into(),
            timeout: Duration::from_secs(5),
        }
    }

    /// Adds initial metadata.
    pub fn metadata(mut self, name: &str, value: impl AsRef<[u8]>) -> Self {
        self.metadata.push((name.to_owned(), value.as_ref().to_vec()));
        self
    }

    /// Sets the timeout for the response. It must be at least 1 ms, because for Envoy a timeout of 0 has
    /// already passed.
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = timeout;
        self
    }

    pub(crate) fn send(&self) -> Result<u32> {
        for (name, value) in &self.metadata {
            headers::check(name.as_bytes(), value)?;
        }
        let target = protobuf::grpc_service(&self.cluster);
        let timeout = milliseconds(self.timeout)?;
        #[cfg(all(feature = "proxy-wasm", target_arch = "wasm32"))]
        return crate::proxy_wasm::grpc_call(
            &self.cluster,
            target,
            &self.service,
            &self.method,
            &self.metadata,
            &self.message,
            timeout,
        );
        #[cfg(not(all(feature = "proxy-wasm", target_arch = "wasm32")))]
        self.send_to_host(&target, timeout)
    }

    #[cfg(not(all(feature = "proxy-wasm", target_arch = "wasm32")))]
    fn send_to_host(&self, target: &[u8], timeout: u32) -> Result<u32> {
        let metadata = if self.metadata.is_empty() { Vec::new() } else { pairs::serialize(&self.metadata) };
        let mut token = 0;
        // SAFETY: pointers are to live values of the given lengths.
        host::check_callout("grpc_call", &self.cluster, unsafe {
            abi::proxy_grpc_call(
                target.as_ptr(),
                target.len(),
                self.service.as_ptr(),
                self.service.len(),
                self.method.as_ptr(),
                self.method.len(),
                metadata.as_ptr(),
                metadata.len(),
                self.message.as_ptr(),
                self.message.len(),
                timeout,
                &mut token,
            )
        })?;
        Ok(token)
    }
}

/// A gRPC call that failed, or the end of a stream.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GrpcError {
    /// `grpc-status`. Envoy reports a timeout as 14 (unavailable) too; see [`timed_out`](Self::timed_out).
    pub status: u32,
    /// `grpc-message`. Envoy appends details in braces. The message can contain any bytes.
    pub message: Vec<u8>,
}

impl GrpcError {
    /// The host rejected the call.
    pub(crate) fn unavailable(error: &Error) -> Self {
        Self { status: UNAVAILABLE, message: error.to_string().into_bytes() }
    }

    /// The answer cannot be read from the host.
    pub(crate) fn internal(error: &Error) -> Self {
        Self { status: INTERNAL, message: error.to_string().into_bytes() }
    }

    /// Whether the call timed out. Only the message identifies a timeout (`source/common/router/router.cc`).
    /// An error of the upstream with the same message counts as a timeout too.
    pub fn timed_out(&self) -> bool {
        self.status == UNAVAILABLE && self.message.starts_with(TIMED_OUT)
    }
}

/// The result of a [`GrpcCall`]: the serialised response message, or the error.
pub type GrpcResult = std::result::Result<Vec<u8>, GrpcError>;

/// Reads the response message in `proxy_on_grpc_receive`.
pub(crate) fn grpc_message(size: usize) -> GrpcResult {
    host::buffer(Buffer::GrpcMessage, size).map_err(|error| GrpcError::internal(&error))
}

/// Reads the message of the status in `proxy_on_grpc_close`.
pub(crate) fn grpc_error(status: u32) -> GrpcError {
    let message = host::last_status().map(|(_, text)| text).unwrap_or_default();
    GrpcError { status, message }
}

pub(crate) fn grpc_cancel(token: u32) {
    // The call may have ended already.
    // SAFETY: numbers only.
    let _ = unsafe { abi::proxy_grpc_cancel(token) };
}

/// gRPC status `INTERNAL`.
const INTERNAL: u32 = 13;
/// gRPC status `UNAVAILABLE`.
const UNAVAILABLE: u32 = 14;

/// The body of the response that Envoy creates after a timeout.
const TIMED_OUT: &[u8] = b"upstream request timeout";

fn milliseconds(timeout: Duration) -> Result<u32> {
    match u32::try_from(timeout.as_millis()) {
        Ok(0) => Err(Error::NoTimeout),
        // Envoy reads the number as signed and rejects negative ones.
        Ok(milliseconds) => Ok(milliseconds.min(i32::MAX as u32)),
        Err(_) => Ok(i32::MAX as u32),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rejects_a_timeout_below_a_millisecond() {
        assert_eq!(milliseconds(Duration::ZERO), Err(Error::NoTimeout));
        assert_eq!(milliseconds(Duration::from_micros(900)), Err(Error::NoTimeout));
        assert_eq!(milliseconds(Duration::from_millis(1)), Ok(1));
        assert_eq!(milliseconds(Duration::from_secs(1 << 40)), Ok(2_147_483_647));
    }
}
