//! Messages of `envoy.service.ratelimit.v3` (`envoy/service/ratelimit/v3/rls.proto`). Only contains the
//! fields that are used; other fields of an answer are skipped, as protobuf requires. The messages are
//! written by hand for `prost`, so that no protobuf compiler is needed.
//!
//! Some fields are `string` in protobuf, but `bytes` here, which is the same on the wire. So the value of a
//! header need not be UTF-8 to be passed on.

mod request;
mod response;

pub use request::{Descriptor, Entry, HitsAddend, Request};
pub use response::{Code, CurrentLimit, Duration, Header, Quota, Response, Status, Timestamp};

/// Name of the gRPC service.
pub const SERVICE: &str = "envoy.service.ratelimit.v3.RateLimitService";

/// Name of its only method.
pub const METHOD: &str = "ShouldRateLimit";

/// Maximum size of an answer in bytes. In memory, a malicious answer takes at most 150 times as much. A
/// normal one has a few hundred bytes, or a body for clients.
pub const MAX_RESPONSE: usize = 64 * 1024;
