//! What a host keeps for its filters, in plain Rust.
//!
//! Nothing here knows of a Wasm engine: these are the rules of shared data, queues, metrics and of the bytes that cross
//! the border, each small enough to be tested against a table. The host calls that lead here are wired elsewhere.

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
