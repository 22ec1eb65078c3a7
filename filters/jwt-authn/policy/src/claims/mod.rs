//! What a token says of itself, and whether that is accepted.
//!
//! Each check is a function of the claims, the provider and the time. Their order is Envoy's (`authenticator.cc`) and is
//! the policy's: what says nothing of the configuration that Envoy does not say comes before the signature, the rest
//! behind it.

mod audience;
mod binding;
mod registered;
mod required;
mod scopes;
mod validity;

pub use audience::audience_allowed;
pub use binding::Binding;
pub use registered::Registered;
pub use required::{matches, type_allowed};
pub use scopes::{SPACE_DELIMITED, Scopes};
pub use validity::Validity;
