//! Statuses that host calls return.

use std::fmt;

/// The thirteen statuses of proxy-wasm, with the numbers that a module sees.
///
/// A module traps if it does not know a status, so the emulator returns every status that Envoy returns.
#[derive(
    Clone,
    Copy,
    Debug,
    Eq,
    Hash,
    Ord,
    PartialEq,
    PartialOrd,
    schemars::JsonSchema,
    serde::Deserialize,
    serde::Serialize,
)]
#[repr(u32)]
pub enum Status {
    /// Success.
    Ok = 0,
    /// Unknown header, property, queue, metric or function.
    NotFound = 1,
    /// An argument is out of range, or the call is not allowed in this phase.
    BadArgument = 2,
    /// A value cannot be serialised.
    SerializationFailure = 3,
    /// Bytes cannot be parsed.
    ParseFailure = 4,
    /// An expression is malformed. Envoy 1.40 returns `BadArgument` instead.
    BadExpression = 5,
    /// A pointer is outside the module's memory.
    InvalidMemoryAccess = 6,
    /// The queue is empty.
    Empty = 7,
    /// The value has changed since it was read.
    CasMismatch = 8,
    /// A result has a different type than requested.
    ResultMismatch = 9,
    /// Internal failure of the host.
    InternalFailure = 10,
    /// The connection to the peer was closed.
    BrokenConnection = 11,
    /// The host does not implement this call.
    Unimplemented = 12,
}

impl Status {
    /// All statuses, in the order of their numbers.
    pub const ALL: [Self; 13] = [
        Self::Ok,
        Self::NotFound,
        Self::BadArgument,
        Self::SerializationFailure,
        Self::ParseFailure,
        Self::BadExpression,
        Self::InvalidMemoryAccess,
        Self::Empty,
        Self::CasMismatch,
        Self::ResultMismatch,
        Self::InternalFailure,
        Self::BrokenConnection,
        Self::Unimplemented,
    ];
}

impl fmt::Display for Status {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Ok => "ok",
            Self::NotFound => "not found",
            Self::BadArgument => "bad argument",
            Self::SerializationFailure => "serialization failure",
            Self::ParseFailure => "parse failure",
            Self::BadExpression => "bad expression",
            Self::InvalidMemoryAccess => "invalid memory access",
            Self::Empty => "empty",
            Self::CasMismatch => "cas mismatch",
            Self::ResultMismatch => "result mismatch",
            Self::InternalFailure => "internal failure",
            Self::BrokenConnection => "broken connection",
            Self::Unimplemented => "unimplemented",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn numbers_are_the_position_in_all() {
        for (number, status) in Status::ALL.into_iter().enumerate() {
            assert_eq!(status as usize, number, "{status:?}");
        }
    }

    #[test]
    fn names_are_distinct() {
        let names: BTreeSet<String> = Status::ALL.iter().map(ToString::to_string).collect();
        assert_eq!(names.len(), Status::ALL.len());
    }
}
