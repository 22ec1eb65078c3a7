//! What a host call answers.

use std::fmt;

/// The thirteen statuses of proxy-wasm, by the numbers that a module sees.
///
/// A module that knows fewer of them is a module that traps, so the emulator answers with every one that Envoy does.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd, serde::Deserialize, serde::Serialize)]
#[repr(u32)]
pub enum Status {
    /// Done.
    Ok = 0,
    /// No such header, property, queue, metric or function.
    NotFound = 1,
    /// An argument is out of range, or the call makes no sense in this phase.
    BadArgument = 2,
    /// A value cannot be turned into bytes.
    SerializationFailure = 3,
    /// Bytes cannot be turned into a value.
    ParseFailure = 4,
    /// An expression is malformed. Envoy 1.40 answers `BadArgument` instead.
    BadExpression = 5,
    /// A pointer lies outside the memory of the module.
    InvalidMemoryAccess = 6,
    /// The queue has no items.
    Empty = 7,
    /// The value was changed since it was read.
    CasMismatch = 8,
    /// A result has another type than was asked for.
    ResultMismatch = 9,
    /// The host failed.
    InternalFailure = 10,
    /// The peer went away.
    BrokenConnection = 11,
    /// The host does not have this call.
    Unimplemented = 12,
}

impl Status {
    /// Every status, in the order of its number.
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
