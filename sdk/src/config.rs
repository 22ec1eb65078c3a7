//! The configuration of a plugin: a type with `#[derive(Config)]`. Envoy's configuration is read into it, or
//! rejected with one line that names the field. See [`tollgate_types::config`] for the attributes.

#[doc(inline)]
pub use tollgate_types::config::*;

impl From<crate::Error> for ConfigError {
    fn from(error: crate::Error) -> Self {
        Self::here(&error)
    }
}
