//! The retry filter. The decisions are in `tollgate-retry-policy`; this crate reads the facts that the policy
//! needs, carries out its decisions and counts them.

mod filter;
mod replay;
mod worker;

pub use filter::Retry;
