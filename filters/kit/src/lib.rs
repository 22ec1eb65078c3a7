//! Parts that the shells of all filters share. They carry out decisions of `tollgate-policy` with host calls.

pub mod counts;
pub mod decisions;
mod environment;
pub mod facts;
pub mod fetch;
pub mod replace;
pub mod replay;

pub use environment::WithEnvironment;
