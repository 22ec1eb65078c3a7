//! The rbac filter. The decisions are in `tollgate-rbac-policy`; this crate reads the attributes that the
//! policy needs, carries out its decisions and counts them.

mod filter;
mod statistics;

pub use filter::Rbac;
