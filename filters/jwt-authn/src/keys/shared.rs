//! The records as shared cells, and randomness.

use tollgate::shared::Record;
use tollgate::{clock, random};
use tollgate_jwt_authn_policy::remote;

/// All keys of shared data begin so.
pub(super) const PLUGIN: &str = "jwt_authn";
/// How often a change is tried when other workers are quicker. Each that was quicker has changed what there is to do, and
/// most then leave it.
pub(super) const ATTEMPTS: u32 = 32;

pub(super) struct State(pub(super) remote::State);

impl Record for State {
    const VERSION: u8 = remote::State::VERSION;

    fn encode(&self, out: &mut Vec<u8>) {
        self.0.encode(out);
    }

    fn decode(bytes: &[u8]) -> Option<Self> {
        remote::State::decode(bytes).map(Self)
    }
}

pub(super) struct Body(pub(super) remote::Body);

impl Record for Body {
    const VERSION: u8 = remote::Body::VERSION;

    fn encode(&self, out: &mut Vec<u8>) {
        self.0.encode(out);
    }

    fn decode(bytes: &[u8]) -> Option<Self> {
        remote::Body::decode(bytes).map(Self)
    }
}

/// A random number for jitter, and to tell leases apart. Without randomness the clock's, which is as good as none for
/// jitter, and tells two leases apart unless they were taken in the same nanosecond.
pub(super) fn draw() -> u64 {
    match random::bytes() {
        Ok(bytes) => u64::from_le_bytes(bytes),
        Err(_) => clock::now().map_or(1, |now| now.0),
    }
}
