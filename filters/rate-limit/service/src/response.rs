use prost::Message;

/// `RateLimitResponse`, without `dynamic_metadata`, which a Wasm filter has nobody to give to.
#[derive(Clone, PartialEq, Eq, Message)]
pub struct Response {
    /// Of all descriptors together: the decision.
    #[prost(enumeration = "Code", tag = "1")]
    pub overall_code: i32,
    /// Of each descriptor, in their order, or none at all (Limitador).
    #[prost(message, repeated, tag = "2")]
    pub statuses: Vec<Status>,
    /// For the client.
    #[prost(message, repeated, tag = "3")]
    pub response_headers_to_add: Vec<Header>,
    /// For the upstream.
    #[prost(message, repeated, tag = "4")]
    pub request_headers_to_add: Vec<Header>,
    /// For the client, if the request is refused.
    #[prost(bytes = "vec", tag = "5")]
    pub raw_body: Vec<u8>,
    /// What may be let pass without asking again, for these descriptors together.
    #[prost(message, optional, tag = "7")]
    pub quota: Option<Quota>,
}

/// `RateLimitResponse.Code`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, prost::Enumeration)]
#[repr(i32)]
pub enum Code {
    /// Not said.
    Unknown = 0,
    /// There was room, and it is taken.
    Ok = 1,
    /// There was none.
    OverLimit = 2,
}

/// `RateLimitResponse.DescriptorStatus`.
#[derive(Clone, PartialEq, Eq, Message)]
pub struct Status {
    /// Of this descriptor alone.
    #[prost(enumeration = "Code", tag = "1")]
    pub code: i32,
    /// The limit that counts it; `None` if none does, or if the service does not say.
    #[prost(message, optional, tag = "2")]
    pub current_limit: Option<CurrentLimit>,
    /// Hits that there is room for, of that limit. 0 without one.
    #[prost(uint32, tag = "3")]
    pub limit_remaining: u32,
    /// Until all of the limit is there again.
    #[prost(message, optional, tag = "4")]
    pub duration_until_reset: Option<Duration>,
    /// What may be let pass without asking again.
    #[prost(message, optional, tag = "5")]
    pub quota: Option<Quota>,
}

/// `RateLimitResponse.RateLimit`.
#[derive(Clone, PartialEq, Eq, Message)]
pub struct CurrentLimit {
    /// How many hits.
    #[prost(uint32, tag = "1")]
    pub requests_per_unit: u32,
    /// In what time: see [`CurrentLimit::seconds`].
    #[prost(int32, tag = "2")]
    pub unit: i32,
    /// What the service calls it.
    #[prost(bytes = "vec", tag = "3")]
    pub name: Vec<u8>,
}

/// `RateLimitResponse.Quota`.
#[derive(Clone, PartialEq, Eq, Message)]
pub struct Quota {
    /// How many hits.
    #[prost(uint32, tag = "1")]
    pub requests: u32,
    /// Until when.
    #[prost(message, optional, tag = "2")]
    pub valid_until: Option<Timestamp>,
    /// Quotas with the same one are one.
    #[prost(bytes = "vec", tag = "3")]
    pub id: Vec<u8>,
}

/// `google.protobuf.Duration`.
#[derive(Clone, Copy, PartialEq, Eq, Message)]
pub struct Duration {
    /// Whole seconds.
    #[prost(int64, tag = "1")]
    pub seconds: i64,
    /// And nanoseconds.
    #[prost(int32, tag = "2")]
    pub nanos: i32,
}

/// `google.protobuf.Timestamp`.
#[derive(Clone, Copy, PartialEq, Eq, Message)]
pub struct Timestamp {
    /// Since the Unix epoch.
    #[prost(int64, tag = "1")]
    pub seconds: i64,
    /// And nanoseconds.
    #[prost(int32, tag = "2")]
    pub nanos: i32,
}

/// `envoy.config.core.v3.HeaderValue`.
#[derive(Clone, PartialEq, Eq, Message)]
pub struct Header {
    /// Its name.
    #[prost(string, tag = "1")]
    pub key: String,
    /// Its value, if there is no `raw_value`.
    #[prost(bytes = "vec", tag = "2")]
    pub value: Vec<u8>,
    /// Its value.
    #[prost(bytes = "vec", tag = "3")]
    pub raw_value: Vec<u8>,
}

impl Response {
    /// Of bytes that a service sent. `None` if they are no such message, or more than [`crate::MAX_RESPONSE`].
    pub fn read(bytes: &[u8]) -> Option<Self> {
        if bytes.len() > crate::MAX_RESPONSE {
            return None;
        }
        Self::decode(bytes).ok()
    }

    /// Serialised, for a service.
    pub fn write(&self) -> Vec<u8> {
        self.encode_to_vec()
    }
}

impl CurrentLimit {
    /// How long its unit is. Months have 30 days and years 365, as for envoyproxy/ratelimit.
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
    /// In nanoseconds; negative ones are 0.
    pub fn as_nanos(&self) -> u64 {
        nanos(self.seconds, self.nanos)
    }
}

impl Timestamp {
    /// In nanoseconds since the Unix epoch; before it is 0.
    pub fn as_nanos(&self) -> u64 {
        nanos(self.seconds, self.nanos)
    }
}

/// Saturates at both ends.
fn nanos(seconds: i64, nanos: i32) -> u64 {
    let sum = i128::from(seconds) * 1_000_000_000 + i128::from(nanos);
    u64::try_from(sum.max(0)).unwrap_or(u64::MAX)
}

impl Header {
    /// Its value, whichever field it is in.
    pub fn into_parts(self) -> (String, Vec<u8>) {
        (self.key, if self.raw_value.is_empty() { self.value } else { self.raw_value })
    }
}
