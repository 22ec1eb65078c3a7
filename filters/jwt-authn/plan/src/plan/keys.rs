//! Keys in the configuration.

use super::Environment;
use crate::config::LocalJwks;
use tollgate_jose::{KeyError, KeySet, Limits};
use tollgate_policy::{ConfigError, FieldPath};

/// Limits for keys in the configuration. Every worker keeps all of them in memory.
const LIMITS: Limits = Limits { bytes: 1 << 20, keys: 1000 };

/// Returns the text of the keys, and the path of its field.
pub(super) fn text(
    local: LocalJwks,
    place: &FieldPath,
    environment: Environment<'_>,
) -> Result<(String, FieldPath), ConfigError> {
    match (local.inline_string, local.environment_variable) {
        (Some(text), None) => Ok((text, place.field("inline_string"))),
        (None, Some(name)) => {
            let place = place.field("environment_variable");
            match environment(&name) {
                Some(text) => Ok((text, place)),
                None => {
                    let message =
                        format_args!("variable `{}` is not set in the VM's environment", name.escape_debug());
                    Err(place.error(message))
                }
            }
        }
        _ => Err(place.error("exactly one of `inline_string` and `environment_variable` must be set")),
    }
}

/// Reads a JWKS, a JWK or PEM.
///
/// The filter skips unusable keys of a fetched set. In the configuration, an operator wrote each key and
/// intends to use it, so an unusable key is an error. Keys for other purposes than signatures are skipped,
/// because operators paste whole sets.
pub(super) fn read(text: &str, place: &FieldPath) -> Result<KeySet, ConfigError> {
    let text = text.trim();
    if text.starts_with("-----BEGIN") {
        return KeySet::from_pem(text).map_err(|error| place.error(error));
    }
    let (set, skipped) = KeySet::from_jwks(text.as_bytes(), LIMITS).map_err(|error| place.error(error))?;
    match skipped.iter().find(|skipped| !matches!(skipped.error, KeyError::NotForVerifying(_))) {
        Some(skipped) => {
            Err(place.error(format_args!("key {} of the set is unusable: {}", skipped.index, skipped.error)))
        }
        None => Ok(set),
    }
}
