//! HTTP requests and responses as bytes, with fields and pieces in the order in which they are sent.

use super::{Certificate, Metadata};
use std::collections::BTreeMap;
use std::fmt;
use std::net::Ipv4Addr;
use std::time::Duration;

/// Header fields in order. A field that occurs several times has several entries. Names are compared without
/// regard to case. Values are bytes, because a peer may send any.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Headers(pub Vec<(Vec<u8>, Vec<u8>)>);

impl Headers {
    /// Returns the first value of `name`.
    pub fn get(&self, name: &str) -> Option<&[u8]> {
        self.0.iter().find(|(n, _)| n.eq_ignore_ascii_case(name.as_bytes())).map(|(_, v)| v.as_slice())
    }

    /// Returns all values of `name`, in order.
    pub fn get_all<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a [u8]> + 'a {
        self.0.iter().filter(move |(n, _)| n.eq_ignore_ascii_case(name.as_bytes())).map(|(_, v)| v.as_slice())
    }

    /// Appends a field.
    pub fn push(&mut self, name: impl AsRef<[u8]>, value: impl AsRef<[u8]>) {
        self.0.push((name.as_ref().to_vec(), value.as_ref().to_vec()));
    }

    /// Removes every value of `name`.
    pub fn remove(&mut self, name: &str) {
        self.0.retain(|(n, _)| !n.eq_ignore_ascii_case(name.as_bytes()));
    }
}

impl fmt::Debug for Headers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (name, value) in &self.0 {
            writeln!(f, "    {}: {}", name.escape_ascii(), value.escape_ascii())?;
        }
        Ok(())
    }
}

/// Times to wait before sending a piece of a body, by the index of the piece.
pub type Waits = BTreeMap<usize, Duration>;

/// A request that a client sends on its own connection.
#[derive(Clone, Debug)]
pub struct Request {
    /// The method: `GET`, `POST`, ...
    pub method: String,
    /// Path and query, as they are sent.
    pub path: String,
    /// The `Host` header.
    pub authority: String,
    /// All other header fields.
    pub headers: Headers,
    /// The body, in the pieces in which it is sent. Empty for no body: the headers end the stream.
    pub body: Vec<Vec<u8>>,
    /// Times to wait before pieces of the body. With one before the first piece, the headers are sent alone.
    pub waits: Waits,
    /// Trailer fields. A request with trailers is sent chunked.
    pub trailers: Headers,
    /// Time to wait before sending it, once the previous request is complete. For the first: once the proxy
    /// is ready.
    pub after: Duration,
    /// Whether to send it while the previous request is in progress. [`Request::after`] then begins when the
    /// previous request was sent.
    pub concurrent: bool,
    /// Time after the start of the request at which the client closes its connection. A request whose
    /// response is not complete by then ends with [`ClientView::Reset`](super::ClientView::Reset).
    pub disconnect_after: Option<Duration>,
    /// Whether to use HTTP/2 without TLS instead of HTTP/1.1. Only Envoy has such clients; the emulator
    /// rejects the scenario.
    pub http2: bool,
    /// The client's certificate. Needs TLS, see [`Settings::tls`](super::Settings::tls).
    pub certificate: Option<Certificate>,
    /// The server name that the client requests in the TLS handshake (SNI); empty to request none. `None` for
    /// `tollgate.test`. Needs TLS, see [`Settings::tls`](super::Settings::tls).
    pub server_name: Option<String>,
    /// The address that the client connects from, in `127.0.0.0/8`. The default is `127.0.0.1`.
    pub peer: Ipv4Addr,
    /// Dynamic metadata that the request has before the first filter, by namespace.
    pub metadata: Metadata,
    /// Filter state that the request has before the first filter: objects of the type `envoy.string`, by key.
    pub filter_state: BTreeMap<String, String>,
}

impl Request {
    /// Creates a `GET` request without a body.
    pub fn get(path: &str) -> Self {
        Self::new("GET", path)
    }

    /// Creates a `POST` request with a body in one piece.
    pub fn post(path: &str, body: impl AsRef<[u8]>) -> Self {
        Self::new("POST", path).chunk(body)
    }

    /// Creates a request with any method, to the authority `tollgate.test`.
    pub fn new(method: &str, path: &str) -> Self {
        Self {
            method: method.into(),
            path: path.into(),
            authority: "tollgate.test".into(),
            headers: Headers::default(),
            body: Vec::new(),
            waits: Waits::new(),
            trailers: Headers::default(),
            after: Duration::ZERO,
            concurrent: false,
            disconnect_after: None,
            http2: false,
            certificate: None,
            server_name: None,
            peer: Ipv4Addr::LOCALHOST,
            metadata: Metadata::new(),
            filter_state: BTreeMap::new(),
        }
    }

    /// Adds a header field. Several calls with the same name send several fields.
    pub fn header(mut self, name: impl AsRef<[u8]>, value: impl AsRef<[u8]>) -> Self {
        self.headers.push(name, value);
        self
    }

    /// Waits this time before sending the request, see [`Request::after`].
    pub fn after(mut self, wait: Duration) -> Self {
        self.after = wait;
        self
    }

    /// Sends the request while the previous one is in progress, see [`Request::concurrent`].
    pub fn concurrent(mut self) -> Self {
        self.concurrent = true;
        self
    }

    /// Sends the request with HTTP/2, see [`Request::http2`].
    pub fn http2(mut self) -> Self {
        self.http2 = true;
        self
    }

    /// Closes the client's connection this long after the start of the request, see
    /// [`Request::disconnect_after`].
    pub fn disconnect_after(mut self, time: Duration) -> Self {
        self.disconnect_after = Some(time);
        self
    }

    /// Waits before the next piece of the body that is added. Add an empty piece to delay the end of the
    /// request.
    pub fn wait(mut self, time: Duration) -> Self {
        *self.waits.entry(self.body.len()).or_default() += time;
        self
    }

    /// Sets the `Host` header.
    pub fn authority(mut self, authority: &str) -> Self {
        self.authority = authority.into();
        self
    }

    /// Sets the client's certificate.
    pub fn certificate(mut self, certificate: Certificate) -> Self {
        self.certificate = Some(certificate);
        self
    }

    /// Adds a piece of the body. With more than one piece, or with trailers, the body is sent chunked.
    pub fn chunk(mut self, piece: impl AsRef<[u8]>) -> Self {
        self.body.push(piece.as_ref().to_vec());
        self
    }

    /// Adds a trailer field.
    pub fn trailer(mut self, name: impl AsRef<[u8]>, value: impl AsRef<[u8]>) -> Self {
        self.trailers.push(name, value);
        self
    }
}

/// A response: of an upstream, or as a client received it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Response {
    /// The status code.
    pub status: u16,
    /// Header fields without `:status`.
    pub headers: Headers,
    /// The body in pieces. A response that a client received has one piece.
    pub body: Vec<Vec<u8>>,
    /// Times to wait before pieces of the body. [`Answer::ResetMidResponse`](super::Answer) ignores them.
    pub waits: Waits,
    /// Trailer fields.
    pub trailers: Headers,
}

impl Response {
    /// Creates a response without headers and without a body.
    pub fn new(status: u16) -> Self {
        let (headers, trailers) = Default::default();
        Self { status, headers, body: Vec::new(), waits: Waits::new(), trailers }
    }

    /// Adds a header field.
    pub fn header(mut self, name: impl AsRef<[u8]>, value: impl AsRef<[u8]>) -> Self {
        self.headers.push(name, value);
        self
    }

    /// Adds a piece of the body. With more than one piece the body is sent chunked.
    pub fn chunk(mut self, piece: impl AsRef<[u8]>) -> Self {
        self.body.push(piece.as_ref().to_vec());
        self
    }

    /// Adds a trailer field.
    pub fn trailer(mut self, name: impl AsRef<[u8]>, value: impl AsRef<[u8]>) -> Self {
        self.trailers.push(name, value);
        self
    }

    /// Waits before the next piece of the body that is added. Add an empty piece to delay the end of the
    /// response.
    pub fn wait(mut self, time: Duration) -> Self {
        *self.waits.entry(self.body.len()).or_default() += time;
        self
    }

    /// Returns the whole body.
    pub fn body(&self) -> Vec<u8> {
        self.body.concat()
    }
}
