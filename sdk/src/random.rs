//! Random bytes of the host (WASI `random_get`), the only source of randomness. The bytes are suitable for
//! keys.
//!
//! `std::collections::HashMap` takes its keys from the same source, and panics if the source fails. Filters
//! use [`IdMap`](crate::map::IdMap), a `BTreeMap`, or a hasher that is seeded from here.

use crate::Error;
use crate::error::Result;

/// Returns `N` random bytes.
pub fn bytes<const N: usize>() -> Result<[u8; N]> {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes).map_err(|_| Error::NoRandomness)?;
    Ok(bytes)
}
