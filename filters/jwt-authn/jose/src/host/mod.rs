//! Envoy's foreign function `verify_signature`: what it takes, what it answers, and when it is believed.
//!
//! It runs natively: a third of the time of RSA in Wasm, a ninth of ECDSA's. It does RSA with PKCS #1 v1.5, and ECDSA; not
//! PSS, Ed25519 and HMAC. The key decides what is verified and the arguments only name a hash, so a key is bound to its
//! algorithm before it gets there ([`Key::permits`]). Envoy: `source/extensions/common/wasm/foreign.cc`,
//! `source/common/crypto/utility_impl.cc`.

mod answer;
mod arguments;
mod by_host;
mod probe;

pub use answer::accepted;
pub use arguments::arguments;
pub use by_host::{ByHost, Counts};
pub use probe::{Abilities, probe};

/// The function's name.
pub const FUNCTION: &str = "verify_signature";
