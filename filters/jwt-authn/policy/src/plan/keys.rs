//! Keys that are part of the configuration.

use super::problem::{ConfigProblem, Place};
use crate::config::LocalJwks;
use tollgate_jose::{KeyError, KeySet, KeySetError, Limits};

/// What the keys of a configuration may weigh: each is in the memory of every worker.
const LIMITS: Limits = Limits { bytes: 1 << 20, keys: 1000 };

/// The text of the keys, and where it was.
pub(super) fn text(
    local: LocalJwks,
    place: &Place,
    environment: &impl Fn(&str) -> Option<String>,
) -> Result<(String, Place), ConfigProblem> {
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
pub(super) fn read(text: &str, place: &Place) -> Result<KeySet, ConfigProblem> {
    let text = text.trim();
    if text.starts_with("-----BEGIN") {
        return KeySet::from_pem(text).map_err(|error| place.refuse(set_problem(&error)));
    }
    let (set, skipped) =
        KeySet::from_jwks(text.as_bytes(), LIMITS).map_err(|error| place.refuse(set_problem(&error)))?;
    match skipped.iter().find(|skipped| !matches!(skipped.error, KeyError::NotForVerifying(_))) {
        Some(skipped) => {
            Err(place.refuse(format_args!("`keys[{}]` {}", skipped.index, key_problem(&skipped.error))))
        }
        None => Ok(set),
    }
}

fn set_problem(error: &KeySetError) -> String {
    match error {
        KeySetError::TooLarge(limit) => format!("the keys are longer than {limit} bytes"),
        KeySetError::NotAKeySet => "neither a JWKS (`{\"keys\": [..]}`), nor a JWK, nor PEM".into(),
        KeySetError::TooManyKeys(limit) => format!("there are more than {limit} keys"),
        KeySetError::NoUsableKey(None) => "there is no key".into(),
        KeySetError::NoUsableKey(Some(error)) => {
            format!("no key can be used; the first {}", key_problem(error))
        }
        other => format!("the keys cannot be used: {other:?}"),
    }
}

fn key_problem(error: &KeyError) -> String {
    match error {
        KeyError::Member(name) => format!("has no valid `{name}`"),
        KeyError::Unsupported(what) => format!("is of a kind that is not offered: `{}`", what.escape_debug()),
        KeyError::NotForVerifying(member) => format!("is not for verifying, says its `{member}`"),
        KeyError::Weak(what) => format!("is too weak: {what}"),
        KeyError::TooLarge(what) => format!("is too large: {what}"),
        KeyError::Invalid(what) => format!("is invalid: {what}"),
        KeyError::Pem(what) => format!("cannot be read: {what}"),
        other => format!("cannot be used: {other:?}"),
    }
}
