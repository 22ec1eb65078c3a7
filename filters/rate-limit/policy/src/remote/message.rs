//! Request messages.

use super::Descriptor;
use tollgate_rate_limit_service::{Descriptor as Message, Entry, HitsAddend, Request};

/// Maximum number of hits in a call: Envoy's own bound of `hits_addend`, which fits into the message.
pub(super) const MOST_HITS: u64 = 1_000_000_000;

/// Returns the hits of a descriptor.
pub(super) fn hits(descriptor: &Descriptor) -> u64 {
    descriptor.hits.min(MOST_HITS)
}

/// Returns a request for the descriptors. If all have the same hits (`uniform`), the message contains only
/// `asked` for all of them, unless it is 0, which counts as 1 there. Services that ignore the hits of a
/// descriptor (Limitador, envoyproxy/ratelimit until 2024) use this number as well. Otherwise it is the
/// maximum of all, which is too much for some descriptors, but not too little for any.
pub(super) fn request(domain: &str, descriptors: &[Descriptor], uniform: bool, asked: u64) -> Request {
    let entry = |(key, value): &(String, String)| Entry { key: key.clone(), value: value.clone() };
    let descriptor = |descriptor: &Descriptor| Message {
        entries: descriptor.entries.iter().map(entry).collect(),
        hits_addend: (!uniform || asked == 0).then(|| HitsAddend { value: hits(descriptor) }),
    };
    Request {
        domain: domain.to_owned(),
        descriptors: descriptors.iter().map(descriptor).collect(),
        hits_addend: addend(asked),
    }
}

/// Converts hits to the type of the message.
pub(super) fn addend(hits: u64) -> u32 {
    u32::try_from(hits).unwrap_or(u32::MAX)
}
