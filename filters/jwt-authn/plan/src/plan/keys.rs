//! Keys that are part of the configuration.

use super::Environment;
use crate::config::LocalJwks;
use tollgate_jose::{KeyError, KeySet, Limits};
use tollgate_policy::{Place, Problem};

/// What the keys of a configuration may weigh: each is in the memory of every worker.
const LIMITS: Limits = Limits { bytes: 1 << 20, keys: 1000 };

/// The text of the keys, and where it was.
pub(super) fn text(
    local: LocalJwks,
    place: &Place,
    environment: Environment<'_>,
) -> Result<(String, Place), Problem> {
    match (local.inline_string, local.environment_variable) {
        (Some(text), None) => Ok((text, place.field("inline_string"))),
        (None, Some(name)) => {
            let place = place.field("environment_variable");
            match environment(&name) {
                Some(text) => Ok((text, place)),
                None => Err(place
                    .refuse(format_args!("the VM's environment has no variable `{}`", name.escape_debug()))),
            }
        }
        _ => Err(place.refuse("give one of `inline_string` and `environment_variable`")),
    }
}

/// Reads a JWKS, a JWK or PEM.
///
/// What a fetched set holds besides is its issuer's business and read past. Here an operator wrote each key and means
/// to use it, so that one which cannot be used is an error; unless it is not for signatures, since whole sets are pasted.
pub(super) fn read(text: &str, place: &Place) -> Result<KeySet, Problem> {
    let text = text.trim();
    if text.starts_with("-----BEGIN") {
        return KeySet::from_pem(text).map_err(|error| place.refuse(error));
    }
    let (set, skipped) = KeySet::from_jwks(text.as_bytes(), LIMITS).map_err(|error| place.refuse(error))?;
    match skipped.iter().find(|skipped| !matches!(skipped.error, KeyError::NotForVerifying(_))) {
        Some(skipped) => {
            Err(place
                .refuse(format_args!("key {} of the set cannot be used: {}", skipped.index, skipped.error)))
        }
        None => Ok(set),
    }
}
