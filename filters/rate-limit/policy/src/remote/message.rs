//! What is asked.

use super::Descriptor;
use tollgate_rate_limit_service::{Descriptor as Message, Entry, HitsAddend, Request};

/// No more hits than that at once: Envoy's own bound of `hits_addend`, and it fits the message.
pub(super) const MOST_HITS: u64 = 1_000_000_000;

/// What a descriptor's request costs.
pub(super) fn hits(descriptor: &Descriptor) -> u64 {
    descriptor.hits.min(MOST_HITS)
}

/// Asks about the descriptors. If each has as many hits the message says so once, with `asked` in their place: services
/// that do not read the hits of a descriptor (Limitador, envoyproxy/ratelimit until 2024) read those. Otherwise it says the
/// most of any, which is too much for some rather than too little.
pub(super) fn request(domain: &str, descriptors: &[Descriptor], uniform: bool, asked: u64) -> Request {
    let entry = |(key, value): &(String, String)| Entry { key: key.clone(), value: value.clone() };
    let descriptor = |descriptor: &Descriptor| Message {
        entries: descriptor.entries.iter().map(entry).collect(),
        hits_addend: (!uniform).then(|| HitsAddend { value: hits(descriptor) }),
    };
    Request {
        domain: domain.to_owned(),
        descriptors: descriptors.iter().map(descriptor).collect(),
        hits_addend: addend(asked),
    }
}

/// In the message's type.
pub(super) fn addend(hits: u64) -> u32 {
    u32::try_from(hits).unwrap_or(u32::MAX)
}
