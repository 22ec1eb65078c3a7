//! Checks of a token's claims.
//!
//! Each check is a function of the claims, the provider and the time. The policy calls them in Envoy's order
//! (`authenticator.cc`). Checks that reveal no more of the configuration than Envoy's come before the
//! signature, the others after it.

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
