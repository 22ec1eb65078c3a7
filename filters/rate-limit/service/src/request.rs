use prost::Message;

/// `RateLimitRequest`.
#[derive(Clone, PartialEq, Eq, Message)]
pub struct Request {
    /// Domain: a service keeps the limits of different domains apart.
    #[prost(string, tag = "1")]
    pub domain: String,
    /// Descriptors to count. All of them must have room.
    #[prost(message, repeated, tag = "2")]
    pub descriptors: Vec<Descriptor>,
    /// Hits for descriptors without their own number; 0 counts as 1.
    #[prost(uint32, tag = "3")]
    pub hits_addend: u32,
}

/// `envoy.extensions.common.ratelimit.v3.RateLimitDescriptor`, without an override of the limit: only the
/// service sets limits.
#[derive(Clone, PartialEq, Eq, Message)]
pub struct Descriptor {
    /// Entries, in their order.
    #[prost(message, repeated, tag = "1")]
    pub entries: Vec<Entry>,
    /// Hits of this descriptor. Limitador ignores it.
    #[prost(message, optional, tag = "3")]
    pub hits_addend: Option<HitsAddend>,
}

/// `RateLimitDescriptor.Entry`.
#[derive(Clone, PartialEq, Eq, Message)]
pub struct Entry {
    /// Key of the entry.
    #[prost(string, tag = "1")]
    pub key: String,
    /// Value of the entry.
    #[prost(string, tag = "2")]
    pub value: String,
}

/// `google.protobuf.UInt64Value`. Here, 0 counts as 0.
#[derive(Clone, Copy, PartialEq, Eq, Message)]
pub struct HitsAddend {
    /// Number of hits.
    #[prost(uint64, tag = "1")]
    pub value: u64,
}

impl Request {
    /// Serialises the message.
    pub fn write(&self) -> Vec<u8> {
        self.encode_to_vec()
    }

    /// Parses the message, for a service.
    pub fn read(bytes: &[u8]) -> Option<Self> {
        Self::decode(bytes).ok()
    }
}
