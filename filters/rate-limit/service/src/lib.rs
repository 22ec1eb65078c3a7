//! The messages of `envoy.service.ratelimit.v3` (`envoy/service/ratelimit/v3/rls.proto`), as far as they are used: an
//! answer's other fields are skipped, as protobuf demands. Written by hand for `prost`, since generating them takes a
//! compiler that nobody should have to install.
//!
//! Where protobuf says `string` and nobody but the recipient cares, it is `bytes` here, which is the same on the wire: a
//! header's value need not be UTF-8 to be passed on.

mod request;
mod response;

pub use request::{Descriptor, Entry, HitsAddend, Request};
pub use response::{Code, CurrentLimit, Duration, Header, Quota, Response, Status, Timestamp};

/// The service's name, for gRPC.
pub const SERVICE: &str = "envoy.service.ratelimit.v3.RateLimitService";

/// Its only method.
pub const METHOD: &str = "ShouldRateLimit";

/// The longest answer that is read, in bytes. What it becomes in memory is at most 150 times as much, if it is made for
/// that; a true one has a few hundred bytes, or a body for clients.
pub const MAX_RESPONSE: usize = 64 * 1024;
