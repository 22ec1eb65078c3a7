use prost::Message;

/// `RateLimitRequest`.
#[derive(Clone, PartialEq, Eq, Message)]
pub struct Request {
    /// Whose limits: services keep those of different domains apart.
    #[prost(string, tag = "1")]
    pub domain: String,
    /// What is counted. All of them must have room.
    #[prost(message, repeated, tag = "2")]
    pub descriptors: Vec<Descriptor>,
    /// How many hits, for descriptors that do not say so themselves; 0 is 1.
    #[prost(uint32, tag = "3")]
    pub hits_addend: u32,
}

/// `envoy.extensions.common.ratelimit.v3.RateLimitDescriptor`, without an override of the limit, which is the service's
/// to say.
#[derive(Clone, PartialEq, Eq, Message)]
pub struct Descriptor {
    /// In their order.
    #[prost(message, repeated, tag = "1")]
    pub entries: Vec<Entry>,
    /// How many hits of this one. Limitador does not read it.
    #[prost(message, optional, tag = "3")]
    pub hits_addend: Option<HitsAddend>,
}

/// `RateLimitDescriptor.Entry`.
#[derive(Clone, PartialEq, Eq, Message)]
pub struct Entry {
    /// What it is.
    #[prost(string, tag = "1")]
    pub key: String,
    /// Whose.
    #[prost(string, tag = "2")]
    pub value: String,
}

/// `google.protobuf.UInt64Value`: here 0 is 0.
#[derive(Clone, Copy, PartialEq, Eq, Message)]
pub struct HitsAddend {
    /// How many.
    #[prost(uint64, tag = "1")]
    pub value: u64,
}

impl Request {
    /// Serialised.
    pub fn write(&self) -> Vec<u8> {
        self.encode_to_vec()
    }

    /// Of bytes, for a service.
    pub fn read(bytes: &[u8]) -> Option<Self> {
        Self::decode(bytes).ok()
    }
}
