//! Finds local files for the modules that a configuration names.

use super::Problem;
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

/// Checks that a text is a SHA-256 in hexadecimal.
pub fn check_sha256(field: &str, text: &str) -> Result<(), Problem> {
    let is_digest = text.len() == 64 && text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
    let why = || format!("invalid SHA-256 `{text}`, expected 64 lower-case hexadecimal digits");
    if is_digest { Ok(()) } else { Err(Problem::invalid(field, why())) }
}

/// Checks the digest in the name of an image, and that `sha256` is the same: the proxy compares both with the
/// digest of the image's manifest. `at` is the path of the message with both fields, with a dot at its end.
pub fn check_digest(at: &str, image: &str, sha256: Option<&str>) -> Result<(), Problem> {
    let Some((_, digest)) = image.rsplit_once('@') else { return Ok(()) };
    let in_url = || {
        let why =
            format!("invalid digest `{digest}`, expected `sha256:` and 64 lower-case hexadecimal digits");
        Problem::invalid(&format!("{at}url"), why)
    };
    let digest = digest.strip_prefix("sha256:").ok_or_else(in_url)?;
    check_sha256("", digest).map_err(|_| in_url())?;
    match sha256.filter(|sha256| *sha256 != digest) {
        Some(other) => {
            let why =
                format!("`{other}` differs from the digest `{digest}` in `url`, so the image never loads");
            Err(Problem::invalid(&format!("{at}sha256"), why))
        }
        None => Ok(()),
    }
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

    #[test]
    fn an_image_has_one_digest() {
        let (one, other) = ("a".repeat(64), "b".repeat(64));
        let check = |image: &str, sha256: Option<&str>| check_digest("", image, sha256).is_ok();
        assert!(check("r/hello:1", Some(&one)) && check("r:5000/hello", None));
        assert!(check(&format!("r/hello@sha256:{one}"), None));
        assert!(check(&format!("oci://r/hello:1@sha256:{one}"), Some(&one)));
        assert!(!check(&format!("r/hello@sha256:{one}"), Some(&other)));
        for image in
            ["r/hello@sha256:00", "r/hello@md5:00", "r/hello@", &format!("r/h@sha256:{}", "A".repeat(64))]
        {
            assert!(!check(image, None), "{image}");
        }
    }
}
