//! The configuration, as it is written.

/// The whole configuration.
#[derive(Clone, Debug, Default)]
pub struct Config {}
