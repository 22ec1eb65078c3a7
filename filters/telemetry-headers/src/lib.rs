//! Filter for request ids, trace context, header edits and `Server-Timing`. The decisions are in
//! `tollgate-telemetry-headers-policy`; this crate reads the facts that the policy needs and applies its
//! decisions.

mod filter;

pub use filter::TelemetryHeaders;
