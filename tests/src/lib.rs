//! What must hold for the whole project; the tests are in `tests/`.

use std::path::PathBuf;

/// The repository's root.
pub fn root() -> PathBuf {
    let mut root = PathBuf::from(env!("CARGO_MANIFEST_DIR"));
    root.pop();
    root
}
