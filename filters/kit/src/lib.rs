//! Parts that the shells of all filters share. They carry out decisions of `tollgate-policy` with host calls.

pub mod counts;
pub mod facts;
pub mod fetch;
