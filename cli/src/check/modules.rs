//! Finds local files for the modules that a configuration names.

use sha2::{Digest, Sha256};
use std::path::PathBuf;

/// The values of `--module` and `--modules`.
#[derive(Debug, Default)]
pub struct Modules {
    /// Files by URL, image, SHA-256 or path.
    pub named: Vec<(String, PathBuf)>,
    /// Folder to search for all other modules.
    pub folder: Option<PathBuf>,
}

impl Modules {
    /// Returns the local file for a URL, an image or a path. A file from `--module` may not exist.
    pub fn find(&self, url: &str, sha256: Option<&str>) -> Option<PathBuf> {
        let names = names(url);
        let matches = |name: &String| names.contains(&name.as_str()) || Some(name.as_str()) == sha256;
        let named = self.named.iter().find(|(name, _)| matches(name)).map(|(_, path)| path.clone());
        let shortest = names.last().copied().unwrap_or(url);
        let in_folder =
            || Some(self.folder.as_ref()?.join(format!("{shortest}.wasm"))).filter(|path| path.is_file());
        named.or_else(in_folder)
    }

    /// Returns the option that names a local file for a URL.
    pub fn hint(url: &str) -> String {
        let names = names(url);
        format!("--module {}=FILE", names.last().copied().unwrap_or(url))
    }
}

/// Names that `--module` accepts for a URL, from the whole URL to its last part without tag and extension:
/// `oci://r.example/a/hello:1`, `r.example/a/hello:1`, `r.example/a/hello`, `hello:1`, `hello`.
fn names(url: &str) -> Vec<&str> {
    let bare = url.split_once("://").map_or(url, |(_, rest)| rest);
    let last = bare.rsplit('/').next().unwrap_or(bare);
    let stem = last.split(['@', ':', '?']).next().unwrap_or(last);
    let untagged = &bare[..bare.len() - last.len() + stem.len()];
    let plain = stem.strip_suffix(".wasm").unwrap_or(stem);
    vec![url, bare, untagged, last, stem, plain]
}

/// Computes the SHA-256 of a module, in hexadecimal.
pub fn sha256(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn named(name: &str) -> Modules {
        Modules { named: vec![(name.into(), "x.wasm".into())], folder: None }
    }

    #[test]
    fn finds_a_module_by_each_of_its_names() {
        for name in ["oci://r:5000/a/hello:1.0", "r:5000/a/hello:1.0", "r:5000/a/hello", "hello:1.0", "hello"]
        {
            let found = named(name).find("oci://r:5000/a/hello:1.0", None);
            assert_eq!(found, Some("x.wasm".into()), "{name}");
        }
        assert_eq!(named("ello").find("oci://r/hello:1.0", None), None);
        assert_eq!(named("hello").find("https://h.test/f/hello.wasm?v=1", None), Some("x.wasm".into()));
        assert_eq!(named("abc").find("https://h.test/hello.wasm", Some("abc")), Some("x.wasm".into()));
        assert_eq!(named("hello").find("r/hello@sha256:00", None), Some("x.wasm".into()));
    }
}
