//! Envoy's foreign function `verify_signature`: its arguments, its result, and when to trust it.
//!
//! It runs natively, and takes a third of the time of RSA in Wasm, and a ninth of ECDSA's. It supports RSA
//! with PKCS #1 v1.5, and ECDSA, but not PSS, Ed25519 and HMAC. The key alone selects the algorithm, and the
//! arguments name only a hash. So `Key::permits` checks the algorithm before the call. Envoy:
//! `source/extensions/common/wasm/foreign.cc`, `source/common/crypto/utility_impl.cc`.

mod answer;
mod arguments;
mod by_host;
mod probe;

pub use answer::accepted;
pub use arguments::arguments;
pub use by_host::{ByHost, Counts};
pub use probe::{Abilities, probe};

/// Name of the function.
pub const FUNCTION: &str = "verify_signature";
