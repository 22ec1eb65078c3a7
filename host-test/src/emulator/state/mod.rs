//! The state that a host keeps for its filters, in plain Rust.
//!
//! This module does not depend on a Wasm engine. It contains the rules of shared data, queues and metrics,
//! and the byte formats of the ABI, each small enough to be tested against a table. The host calls that use
//! it are defined elsewhere.

pub mod metrics;
pub mod pairs;
pub mod queues;
pub mod shared_data;
pub mod status;
pub mod value;

pub use metrics::Metrics;
pub use queues::Queues;
pub use shared_data::SharedData;
pub use status::Status;
pub use value::Value;
