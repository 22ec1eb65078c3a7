//! Errors. Nothing in this crate panics because of what a host or a client sends.

use std::fmt::{self, Write as _};

/// The status that a host call returns (`WasmResult` of proxy-wasm, `include/proxy-wasm/wasm_vm.h`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u32)]
#[allow(missing_docs, reason = "the names are the ABI's")]
pub enum Status {
    Ok = 0,
    NotFound = 1,
    BadArgument = 2,
    SerializationFailure = 3,
    ParseFailure = 4,
    BadExpression = 5,
    InvalidMemoryAccess = 6,
    Empty = 7,
    CasMismatch = 8,
    ResultMismatch = 9,
    InternalFailure = 10,
    BrokenConnection = 11,
    Unimplemented = 12,
    /// A number that no version of the ABI defines.
    Unknown = 13,
}

impl Status {
    pub(crate) fn from_raw(raw: u32) -> Self {
        match raw {
            0 => Self::Ok,
            1 => Self::NotFound,
            2 => Self::BadArgument,
            3 => Self::SerializationFailure,
            4 => Self::ParseFailure,
            5 => Self::BadExpression,
            6 => Self::InvalidMemoryAccess,
            7 => Self::Empty,
            8 => Self::CasMismatch,
            9 => Self::ResultMismatch,
            10 => Self::InternalFailure,
            11 => Self::BrokenConnection,
            12 => Self::Unimplemented,
            _ => Self::Unknown,
        }
    }
}

/// An error of the SDK. When a callback returns it, [`HttpFilter::on_error`](crate::HttpFilter::on_error)
/// decides on the stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Error {
    /// A host call failed.
    Host {
        /// Name of the host call, without the prefix `proxy_`.
        call: &'static str,
        /// Status that it returned.
        status: Status,
    },
    /// A callout was not sent.
    Callout {
        /// Name of the host call, without the prefix `proxy_`.
        call: &'static str,
        /// Name of the cluster.
        cluster: Name,
        /// Status that the host call returned. `BadArgument`: the proxy has no such cluster, or the request
        /// has no method, path or authority.
        status: Status,
    },
    /// This host call returned data that is not in the format of the ABI.
    Malformed(&'static str),
    /// This header name is not a token (RFC 9110 section 5.6.2).
    InvalidHeaderName(Name),
    /// A value of this header contains a control character other than the tab. Envoy would send it unchanged:
    /// CR or LF could split the message.
    InvalidHeaderValue(Name),
    /// A body is larger than the maximum that the filter allows.
    BodyTooLarge {
        /// Size of the body in bytes, as far as it has arrived.
        size: usize,
        /// Maximum size in bytes.
        cap: usize,
    },
    /// A filter changed the length of a body after it had passed on the headers with `content-length`. Call
    /// `body_may_change` in the headers callback, or hold the headers with
    /// [`Flow::AwaitBody`](crate::Flow::AwaitBody).
    ContentLength,
    /// The host returned no random bytes.
    NoRandomness,
    /// Another worker changed the shared value during every attempt to update it.
    Contended,
    /// A callout has no timeout, or one below 1 ms.
    NoTimeout,
    /// A task of a stream was started in a callback that belongs to no stream.
    OutsideStream,
    /// A [`State`](crate::State) was entered twice.
    Busy,
}

/// The beginning of a name of a header or a cluster, in an error. It is part of the error itself, which
/// therefore needs no memory and can be copied.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Name {
    /// Number of bytes; more than [`Name::MAX`] if the name is longer than its beginning.
    len: u8,
    bytes: [u8; Name::MAX],
}

impl Name {
    /// Maximum number of bytes.
    const MAX: usize = 63;

    #[cold]
    pub(crate) fn new(name: &[u8]) -> Self {
        let mut bytes = [0; Self::MAX];
        bytes.iter_mut().zip(name).for_each(|(to, from)| *to = *from);
        Self { len: name.len().min(Self::MAX + 1) as u8, bytes }
    }

    /// Returns the name, or its first 63 bytes.
    pub fn as_bytes(&self) -> &[u8] {
        self.bytes.get(..usize::from(self.len)).unwrap_or(&self.bytes)
    }
}

/// Shows the name on one line: `?` stands for each byte that is not printable ASCII, and `..` for the rest of
/// a longer name.
impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for byte in self.as_bytes() {
            f.write_char(if matches!(byte, b' '..=b'~') { char::from(*byte) } else { '?' })?;
        }
        f.write_str(if usize::from(self.len) > Self::MAX { ".." } else { "" })
    }
}

impl fmt::Debug for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "\"{self}\"")
    }
}

/// A result of the SDK itself.
pub(crate) type Result<T> = std::result::Result<T, Error>;

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Host { call, status } => write!(f, "host call `{call}` failed: {status:?}"),
            Self::Callout { call, cluster, status: Status::BadArgument } => write!(
                f,
                "host call `{call}` to cluster `{cluster}` failed: BadArgument, expected a cluster of the proxy, and a \
                 request with method, path and authority"
            ),
            Self::Callout { call, cluster, status } => {
                write!(f, "host call `{call}` to cluster `{cluster}` failed: {status:?}")
            }
            Self::Malformed(call) => write!(f, "host call `{call}` returned malformed data"),
            Self::InvalidHeaderName(name) => write!(f, "invalid header name `{name}`"),
            Self::InvalidHeaderValue(name) => {
                write!(f, "value of header `{name}` contains a control character")
            }
            Self::BodyTooLarge { size, cap } => {
                write!(f, "body of {size} bytes exceeds the maximum of {cap}")
            }
            Self::ContentLength => f.write_str(
                "the length of a body changed after its headers were passed on: call `body_may_change` in the headers callback",
            ),
            Self::NoRandomness => f.write_str("host returned no random bytes"),
            Self::Contended => f.write_str("shared value changed during every attempt to update it"),
            Self::NoTimeout => f.write_str("callout timeout must be at least 1 ms"),
            Self::OutsideStream => f.write_str("this callback belongs to no stream"),
            Self::Busy => f.write_str("state of the filter is in use by this callback already"),
        }
    }
}

impl std::error::Error for Error {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn maps_every_status_of_the_abi_and_no_other() {
        for raw in 0..13 {
            assert_eq!(Status::from_raw(raw) as u32, raw);
        }
        assert_eq!(Status::from_raw(13), Status::Unknown);
        assert_eq!(Status::from_raw(u32::MAX), Status::Unknown);
    }

    #[test]
    fn an_error_names_its_object_on_one_line() {
        let callout = |status| Error::Callout { call: "http_call", cluster: Name::new(b"auth"), status };
        for (error, text) in [
            (Error::InvalidHeaderName(Name::new(b"a b")), "invalid header name `a b`"),
            (Error::InvalidHeaderName(Name::new(b"")), "invalid header name ``"),
            (
                Error::InvalidHeaderValue(Name::new(b"x-a")),
                "value of header `x-a` contains a control character",
            ),
            (
                callout(Status::InternalFailure),
                "host call `http_call` to cluster `auth` failed: InternalFailure",
            ),
        ] {
            assert_eq!(error.to_string(), text);
        }
        assert!(callout(Status::BadArgument).to_string().starts_with(
            "host call `http_call` to cluster `auth` failed: BadArgument, expected a cluster of the proxy"
        ));
        assert_eq!(
            Error::InvalidHeaderName(Name::new(b"a\r\n\xff")).to_string(),
            "invalid header name `a???`"
        );
    }

    #[test]
    fn an_error_shows_the_beginning_of_a_long_name() {
        let (most, longer) = ("a".repeat(63), "a".repeat(1000));
        assert_eq!(Name::new(most.as_bytes()).to_string(), most);
        assert_eq!(Name::new(longer.as_bytes()).to_string(), format!("{most}.."));
        assert_eq!(Name::new(longer.as_bytes()).as_bytes(), most.as_bytes());
    }
}
