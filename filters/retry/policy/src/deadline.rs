//! Deadlines of requests.

use crate::config::{Deadline, DeadlineFormat};
use crate::duration::{MILLISECOND, SECOND, number, parse_grpc_timeout, write_grpc_timeout};
use tollgate_policy::{Headers, UnixNanos};

/// The times that a client gave for its request.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Asked {
    /// The shortest, in nanoseconds from the arrival of the request.
    pub time: Option<u64>,
    /// Whether a value is invalid.
    pub is_invalid: bool,
}

impl Deadline {
    /// Reads the times that a client gave.
    pub(crate) fn asked(&self, headers: Headers<'_>, is_grpc: bool, received_at: UnixNanos) -> Asked {
        let mut asked = Asked::default();
        let mut add = |time: Option<u64>| match time {
            Some(time) => asked.time = Some(asked.time.map_or(time, |other| other.min(time))),
            None => asked.is_invalid = true,
        };
        if self.grpc_timeout && is_grpc {
            headers.all(b"grpc-timeout").for_each(|value| add(parse_grpc_timeout(value.trim_ascii())));
        }
        if let Some(header) = &self.header {
            let name = header.name.name().as_str().as_bytes();
            headers.all(name).for_each(|value| add(header.format.parse(value.trim_ascii(), received_at)));
        }
        asked
    }

    /// Returns the deadline in nanoseconds since the Unix epoch.
    pub(crate) fn at(&self, asked: Option<u64>, received_at: UnixNanos) -> Option<u64> {
        let max = self.max.map(|max| max.as_nanos());
        let time = asked.into_iter().chain(max).min()?;
        Some(received_at.0.saturating_add(time))
    }
}

impl DeadlineFormat {
    /// Reads a value as a time from the arrival of the request.
    fn parse(self, value: &[u8], received_at: UnixNanos) -> Option<u64> {
        Some(match self {
            Self::Milliseconds => number(value)?.saturating_mul(MILLISECOND),
            Self::Seconds => number(value)?.saturating_mul(SECOND),
            Self::GrpcTimeout => parse_grpc_timeout(value)?,
            Self::UnixMilliseconds => {
                number(value)?.saturating_mul(MILLISECOND).saturating_sub(received_at.0)
            }
        })
    }

    /// Writes the remaining time, rounded down. Seconds are rounded up: the time that this proxy took would
    /// be a second less for each proxy, and a last second would be none.
    pub(crate) fn write(self, remaining: u64, now: UnixNanos) -> String {
        match self {
            Self::Milliseconds => (remaining / MILLISECOND).to_string(),
            Self::Seconds => remaining.div_ceil(SECOND).to_string(),
            Self::GrpcTimeout => write_grpc_timeout(remaining),
            Self::UnixMilliseconds => (now.0.saturating_add(remaining) / MILLISECOND).to_string(),
        }
    }
}
