//! The fault filter. The crate `tollgate-fault-policy` decides which faults a request gets; this crate reads
//! what the policy needs, polls the control endpoint, and carries out the faults.

mod control;
mod filter;
mod host;

pub use filter::Fault;
