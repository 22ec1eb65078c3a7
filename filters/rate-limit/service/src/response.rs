use prost::Message;

/// `RateLimitResponse`, without `dynamic_metadata`, which a Wasm filter cannot write.
#[derive(Clone, PartialEq, Eq, Message)]
pub struct Response {
    /// Decision for all descriptors together.
    #[prost(enumeration = "Code", tag = "1")]
    pub overall_code: i32,
    /// Status of each descriptor, in their order. Empty for Limitador.
    #[prost(message, repeated, tag = "2")]
    pub statuses: Vec<Status>,
    /// Headers for the client.
    #[prost(message, repeated, tag = "3")]
    pub response_headers_to_add: Vec<Header>,
    /// Headers for the upstream.
    #[prost(message, repeated, tag = "4")]
    pub request_headers_to_add: Vec<Header>,
    /// Body for the client, if the request is rejected.
    #[prost(bytes = "vec", tag = "5")]
    pub raw_body: Vec<u8>,
    /// Quota that may be used without another call, for these descriptors together.
    #[prost(message, optional, tag = "7")]
    pub quota: Option<Quota>,
}

/// `RateLimitResponse.Code`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, prost::Enumeration)]
#[repr(i32)]
pub enum Code {
    /// Unknown, or absent.
    Unknown = 0,
    /// There was room, and the hits are counted.
    Ok = 1,
    /// There was no room.
    OverLimit = 2,
}

/// `RateLimitResponse.DescriptorStatus`.
#[derive(Clone, PartialEq, Eq, Message)]
pub struct Status {
    /// Decision for this descriptor alone.
    #[prost(enumeration = "Code", tag = "1")]
    pub code: i32,
    /// Limit that applies to the descriptor; `None` if no limit applies, or if the service does not report
    /// it.
    #[prost(message, optional, tag = "2")]
    pub current_limit: Option<CurrentLimit>,
    /// Remaining hits of that limit; 0 without a limit.
    #[prost(uint32, tag = "3")]
    pub limit_remaining: u32,
    /// Time until the limit resets.
    #[prost(message, optional, tag = "4")]
    pub duration_until_reset: Option<Duration>,
    /// Quota that may be used without another call.
    #[prost(message, optional, tag = "5")]
    pub quota: Option<Quota>,
}

/// `RateLimitResponse.RateLimit`.
#[derive(Clone, PartialEq, Eq, Message)]
pub struct CurrentLimit {
    /// Number of hits.
    #[prost(uint32, tag = "1")]
    pub requests_per_unit: u32,
    /// Unit of time; see [`CurrentLimit::seconds`].
    #[prost(int32, tag = "2")]
    pub unit: i32,
    /// Name of the limit in the service.
    #[prost(bytes = "vec", tag = "3")]
    pub name: Vec<u8>,
}

/// `RateLimitResponse.Quota`.
#[derive(Clone, PartialEq, Eq, Message)]
pub struct Quota {
    /// Number of hits.
    #[prost(uint32, tag = "1")]
    pub requests: u32,
    /// End of the validity.
    #[prost(message, optional, tag = "2")]
    pub valid_until: Option<Timestamp>,
    /// Identifier. Quotas with the same identifier are one quota.
    #[prost(bytes = "vec", tag = "3")]
    pub id: Vec<u8>,
}

/// `google.protobuf.Duration`.
#[derive(Clone, Copy, PartialEq, Eq, Message)]
pub struct Duration {
    /// Whole seconds.
    #[prost(int64, tag = "1")]
    pub seconds: i64,
    /// Nanoseconds within the second.
    #[prost(int32, tag = "2")]
    pub nanos: i32,
}

/// `google.protobuf.Timestamp`.
#[derive(Clone, Copy, PartialEq, Eq, Message)]
pub struct Timestamp {
    /// Seconds since the Unix epoch.
    #[prost(int64, tag = "1")]
    pub seconds: i64,
    /// Nanoseconds within the second.
    #[prost(int32, tag = "2")]
    pub nanos: i32,
}

/// `envoy.config.core.v3.HeaderValue`.
#[derive(Clone, PartialEq, Eq, Message)]
pub struct Header {
    /// Name of the header.
    #[prost(string, tag = "1")]
    pub key: String,
    /// Value, if `raw_value` is empty.
    #[prost(bytes = "vec", tag = "2")]
    pub value: Vec<u8>,
    /// Value as raw bytes.
    #[prost(bytes = "vec", tag = "3")]
    pub raw_value: Vec<u8>,
}

impl Response {
    /// Parses an answer of a service. `None` if it is invalid, or longer than [`crate::MAX_RESPONSE`].
    pub fn read(bytes: &[u8]) -> Option<Self> {
        if bytes.len() > crate::MAX_RESPONSE {
            return None;
        }
        Self::decode(bytes).ok()
    }

    /// Serialises the message, for a service.
    pub fn write(&self) -> Vec<u8> {
        self.encode_to_vec()
    }
}

impl CurrentLimit {
    /// Returns the length of the unit in seconds. Months have 30 days and years 365, as in
    /// envoyproxy/ratelimit.
    pub fn seconds(&self) -> Option<u64> {
        const DAY: u64 = 24 * 60 * 60;
        match self.unit {
            1 => Some(1),
            2 => Some(60),
            3 => Some(60 * 60),
            4 => Some(DAY),
            5 => Some(30 * DAY),
            6 => Some(365 * DAY),
            7 => Some(7 * DAY),
            _ => None,
        }
    }
}

impl Duration {
    /// Returns nanoseconds; 0 for a negative duration.
    pub fn as_nanos(&self) -> u64 {
        nanos(self.seconds, self.nanos)
    }
}

impl Timestamp {
    /// Returns nanoseconds since the Unix epoch; 0 for earlier times.
    pub fn as_nanos(&self) -> u64 {
        nanos(self.seconds, self.nanos)
    }
}

/// Returns nanoseconds, saturating at both ends.
fn nanos(seconds: i64, nanos: i32) -> u64 {
    let sum = i128::from(seconds) * 1_000_000_000 + i128::from(nanos);
    u64::try_from(sum.max(0)).unwrap_or(u64::MAX)
}

impl Header {
    /// Returns the name, and the value from either field.
    pub fn into_parts(self) -> (String, Vec<u8>) {
        (self.key, if self.raw_value.is_empty() { self.value } else { self.raw_value })
    }
}
