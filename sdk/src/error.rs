//! What can go wrong, as values: nothing in this crate panics on what a host or a client sends.

use std::fmt;

/// The answer of a host call (`WasmResult` of proxy-wasm, `include/proxy-wasm/wasm_vm.h`).
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

/// Why something could not be done. A callback that returns it hands the decision to
/// [`HttpFilter::on_error`](crate::HttpFilter::on_error).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Error {
    /// The host refused a call.
    Host {
        /// The call, without its `proxy_` prefix.
        call: &'static str,
        /// What it answered.
        status: Status,
    },
    /// The host's answer to this call is not of the form that the ABI gives it.
    Malformed(&'static str),
    /// A header name that is not a token of RFC 9110 section 5.6.2.
    InvalidHeaderName,
    /// A header value with CR, LF or NUL. Envoy would send it as it is, and split the message.
    InvalidHeaderValue,
    /// A body is larger than the cap it was read with.
    BodyTooLarge {
        /// Bytes that are there.
        size: usize,
        /// Bytes that were allowed.
        cap: usize,
    },
    /// The host has no randomness to give.
    NoRandomness,
    /// Other writers changed a shared cell at each attempt.
    Contended,
    /// A callout without a timeout, which might never end.
    NoTimeout,
}

/// Shorthand for results of the SDK.
pub type Result<T> = std::result::Result<T, Error>;

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Host { call, status } => write!(f, "the host answered {status:?} to {call}"),
            Self::Malformed(call) => write!(f, "the host's answer to {call} is malformed"),
            Self::InvalidHeaderName => f.write_str("invalid header name"),
            Self::InvalidHeaderValue => f.write_str("a header value holds CR, LF or NUL"),
            Self::BodyTooLarge { size, cap } => write!(f, "a body of {size} bytes is over the cap of {cap}"),
            Self::NoRandomness => f.write_str("the host gives no randomness"),
            Self::Contended => f.write_str("a shared cell stayed contended"),
            Self::NoTimeout => f.write_str("a callout needs a timeout of at least 1 ms"),
        }
    }
}

impl std::error::Error for Error {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_status_of_the_abi_and_none_beyond_has_a_value() {
        for raw in 0..13 {
            assert_eq!(Status::from_raw(raw) as u32, raw);
        }
        assert_eq!(Status::from_raw(13), Status::Unknown);
        assert_eq!(Status::from_raw(u32::MAX), Status::Unknown);
    }
}
