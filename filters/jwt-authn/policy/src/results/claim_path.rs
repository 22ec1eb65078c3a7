//! Lookup of claims by path.

use crate::config::ClaimPath;
use tollgate_jose::Json;

/// Returns the claim at a path. `null` counts as absent.
pub fn find<'c>(path: &ClaimPath, claims: &'c Json) -> Option<&'c Json> {
    let found = match path {
        ClaimPath::Dotted(name) => claims.get(name).or_else(|| {
            // A name without a dot was looked up above.
            let mut names = name.split('.');
            let first = claims.get(names.next()?)?;
            names.try_fold(first, |claim, name| claim.get(name))
        }),
        ClaimPath::Names(names) => names.iter().try_fold(claims, |claim, name| claim.get(name)),
    };
    found.filter(|claim| **claim != Json::Null)
}
