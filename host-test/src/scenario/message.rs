//! HTTP messages as bytes, in the order in which they were sent.

use super::Certificate;
use std::fmt;
use std::time::Duration;

/// Header fields in order, repeated ones kept apart. Names are compared without regard to case; values are bytes,
/// because a peer may send any.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Headers(pub Vec<(Vec<u8>, Vec<u8>)>);

impl Headers {
    /// The first value of `name`.
    pub fn get(&self, name: &str) -> Option<&[u8]> {
        self.0.iter().find(|(n, _)| n.eq_ignore_ascii_case(name.as_bytes())).map(|(_, v)| v.as_slice())
    }

    /// Every value of `name`, in order.
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

/// What a client sends. HTTP/1.1, on a connection of its own.
#[derive(Clone, Debug)]
pub struct Request {
    /// `GET`, `POST`, ...
    pub method: String,
    /// Path and query as on the wire.
    pub path: String,
    /// The `Host` header.
    pub authority: String,
    /// All other header fields.
    pub headers: Headers,
    /// The body in the pieces in which it is sent. Empty: no body, and the headers end the stream.
    pub body: Vec<Vec<u8>>,
    /// Trailer fields; a request with trailers is sent chunked.
    pub trailers: Headers,
    /// How long after the one before is complete, or the proxy is up, it is sent.
    pub after: Duration,
    /// The certificate that the client shows; [`Settings::tls`](super::Settings::tls) must say that it speaks TLS.
    pub certificate: Option<Certificate>,
}

impl Request {
    /// `GET path`.
    pub fn get(path: &str) -> Self {
        Self::new("GET", path)
    }

    /// `POST path` with a body in one piece.
    pub fn post(path: &str, body: impl AsRef<[u8]>) -> Self {
        Self::new("POST", path).chunk(body)
    }

    /// Any method, to the authority `tollgate.test`.
    pub fn new(method: &str, path: &str) -> Self {
        Self {
            method: method.into(),
            path: path.into(),
            authority: "tollgate.test".into(),
            headers: Headers::default(),
            body: Vec::new(),
            trailers: Headers::default(),
            after: Duration::ZERO,
            certificate: None,
        }
    }

    /// Adds a header field. Repeated calls with one name send it repeatedly.
    pub fn header(mut self, name: impl AsRef<[u8]>, value: impl AsRef<[u8]>) -> Self {
        self.headers.push(name, value);
        self
    }

    /// Sends it so much later.
    pub fn after(mut self, wait: Duration) -> Self {
        self.after = wait;
        self
    }

    /// Sends to this authority.
    pub fn authority(mut self, authority: &str) -> Self {
        self.authority = authority.into();
        self
    }

    /// Shows this certificate.
    pub fn certificate(mut self, certificate: Certificate) -> Self {
        self.certificate = Some(certificate);
        self
    }

    /// Adds a piece of body. With more than one piece, or with trailers, the body is sent chunked.
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

/// What an upstream answers, and what a client gets.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Response {
    /// The status code.
    pub status: u16,
    /// Header fields without `:status`.
    pub headers: Headers,
    /// The body in pieces. What a client saw is always one piece.
    pub body: Vec<Vec<u8>>,
    /// Trailer fields.
    pub trailers: Headers,
}

impl Response {
    /// A response with neither headers nor body.
    pub fn new(status: u16) -> Self {
        Self { status, headers: Headers::default(), body: Vec::new(), trailers: Headers::default() }
    }

    /// Adds a header field.
    pub fn header(mut self, name: impl AsRef<[u8]>, value: impl AsRef<[u8]>) -> Self {
        self.headers.push(name, value);
        self
    }

    /// Adds a piece of body. With more than one piece the body is sent chunked.
    pub fn chunk(mut self, piece: impl AsRef<[u8]>) -> Self {
        self.body.push(piece.as_ref().to_vec());
        self
    }

    /// Adds a trailer field.
    pub fn trailer(mut self, name: impl AsRef<[u8]>, value: impl AsRef<[u8]>) -> Self {
        self.trailers.push(name, value);
        self
    }

    /// The whole body.
    pub fn body(&self) -> Vec<u8> {
        self.body.concat()
    }
}
