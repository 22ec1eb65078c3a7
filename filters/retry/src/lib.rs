//! The retry filter. The decisions are in `tollgate-retry-policy`, and `tollgate-kit` carries out the steps
//! of a replay; this crate reads the facts that the policy needs, and counts its events.

mod filter;
mod replay;
mod world;

pub use filter::Retry;
