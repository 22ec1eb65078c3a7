//! Rate limits. What is decided and why is in `tollgate-rate-limit-policy`; this crate reads what the policy needs, shares
//! pages between workers, asks the rate limit service and carries out what is decided.

mod filter;
mod in_line;
mod service;
mod statistics;
mod world;
