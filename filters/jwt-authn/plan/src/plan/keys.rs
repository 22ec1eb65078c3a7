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

/// Keys in the configuration, and a warning for each key that was skipped.
pub(super) type LocalKeys = (KeySet, Vec<String>);

/// Reads a JWKS, a JWK or PEM.
///
/// Keys of kinds that are not understood, and keys for other purposes than signatures, are skipped (RFC 7517
/// section 5), because operators paste whole sets. Another unusable key is an error, unlike in a fetched set:
/// the operator wrote it, and intends to use it.
pub(super) fn read(text: &str, place: &FieldPath) -> Result<LocalKeys, ConfigError> {
    let text = text.trim();
    if text.starts_with("-----BEGIN") {
        let keys = KeySet::from_pem(text).map_err(|error| place.error(error))?;
        return Ok((keys, Vec::new()));
    }
    let (set, skipped) = KeySet::from_jwks(text.as_bytes(), LIMITS).map_err(|error| place.error(error))?;
    let mut warnings = Vec::new();
    for skipped in skipped {
        match skipped.error {
            KeyError::NotForVerifying(_) | KeyError::Unsupported(_) => {
                warnings.push(place.error(format_args!("skipping {skipped}")).to_string());
            }
            _ => return Err(place.error(format_args!("unusable {skipped}"))),
        }
    }
    Ok((set, warnings))
}
