//! Request id, trace context, header edits and `Server-Timing`. What is decided and why is in
//! `tollgate-telemetry-headers-policy`; this crate reads what the policy needs and carries out what it decides.

mod filter;
