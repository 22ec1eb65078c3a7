//! What clients and upstreams are told.

/// What clients are told, as it is configured.
#[derive(Clone, Debug)]
pub struct Answers {}
