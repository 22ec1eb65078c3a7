//! The only source of randomness: the host's, fit for keys (WASI `random_get`).
//!
//! `std::collections::HashMap` draws its keys from there too, and panics when there is nothing to draw; filters use
//! [`IdMap`](crate::map::IdMap), a `BTreeMap`, or a hasher seeded from here.

use crate::{Error, Result};

/// `N` random bytes.
pub fn bytes<const N: usize>() -> Result<[u8; N]> {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes).map_err(|_| Error::NoRandomness)?;
    Ok(bytes)
}
