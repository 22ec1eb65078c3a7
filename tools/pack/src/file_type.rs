//! Recognises files that are not modules.

use crate::Error;

/// Files that people take for modules, by their first bytes, with what to do.
const KNOWN: [(&[u8], &str); 11] = [
    (b"\x1f\x8b", "a gzip archive, such as a layer of an image: unpack `plugin.wasm` from it"),
    (b"PK\x03\x04", "a zip archive: unpack the module from it"),
    (b"\x28\xb5\x2f\xfd", "a zstd archive, such as a layer of an image: unpack `plugin.wasm` from it"),
    (b"\xfd7zXZ\0", "an xz archive: unpack the module from it"),
    (b"BZh", "a bzip2 archive: unpack the module from it"),
    (b"\x7fELF", "a native program: build for the target `wasm32-wasip1`"),
    (b"!<arch>", "a native library: build for the target `wasm32-wasip1`"),
    (b"BC\xc0\xde", "bitcode of LLVM: link it for the target `wasm32-wasip1`"),
    (b"(module", "a module in the text format: assemble it, for example with `wat2wasm`"),
    (b"{", "JSON, such as the manifest of an image: get the module from its layer"),
    (b"<", "HTML or XML, such as an error page: check the address that it was downloaded from"),
];

/// Returns an error that names the type of a file, if it is not a module.
pub(crate) fn check(bytes: &[u8]) -> Result<(), Error> {
    match describe(bytes) {
        Some(what) => Err(Error::Invalid(what)),
        None => Ok(()),
    }
}

/// Returns what a file is, if it is not a module. A module begins with `\0asm` and the version 1.
pub fn describe(bytes: &[u8]) -> Option<String> {
    if let Some(rest) = bytes.strip_prefix(b"\0asm") {
        return match rest.get(..4) {
            Some([1, 0, 0, 0]) => None,
            // The second half of the version is the layer: 1 for components.
            Some([_, _, 1, 0]) => Some(
                "a component, expected a core module: build for the target `wasm32-wasip1`, not `wasm32-wasip2`"
                    .into(),
            ),
            Some(version) => Some(format!("a module of the unknown version {version:?}, expected [1, 0, 0, 0]")),
            None => Some(format!("a module that was cut off after {} bytes", bytes.len())),
        };
    }
    if bytes.is_empty() {
        return Some("an empty file".into());
    }
    if bytes.get(257..262) == Some(b"ustar") {
        return Some("a tar archive, such as a layer of an image: unpack `plugin.wasm` from it".into());
    }
    let text = bytes.trim_ascii_start();
    let known = KNOWN.iter().find(|(start, _)| bytes.starts_with(start) || text.starts_with(start));
    Some(match known {
        Some((_, what)) => (*what).into(),
        None => {
            format!("not WebAssembly: it begins with `{}`", bytes.get(..4).unwrap_or(bytes).escape_ascii())
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_the_type_of_a_file() {
        let mut tar = vec![0; 512];
        tar[..11].copy_from_slice(b"plugin.wasm");
        tar[257..262].copy_from_slice(b"ustar");
        for (bytes, what) in [
            (b"".as_slice(), "an empty file"),
            (b"\x1f\x8b\x08\0", "a gzip archive"),
            (&tar, "a tar archive"),
            (b"PK\x03\x04..", "a zip archive"),
            (b"\x28\xb5\x2f\xfd..", "a zstd archive"),
            (b"\n  (module)", "a module in the text format"),
            (b"{\"schemaVersion\": 2}", "JSON"),
            (b"<!DOCTYPE html>", "HTML"),
            (b"\x7fELF\x02", "a native program"),
            (b"\0asm\x0d\0\x01\0", "a component"),
            (b"\0asm\x02\0\0\0", "a module of the unknown version [2, 0, 0, 0]"),
            (b"\0asm\x01", "a module that was cut off after 5 bytes"),
            (b"no", "not WebAssembly: it begins with `no`"),
            (b"\xff\xd8\xff\xe0..", "not WebAssembly: it begins with `\\xff\\xd8\\xff\\xe0`"),
        ] {
            assert!(describe(bytes).is_some_and(|found| found.starts_with(what)), "{:?}", describe(bytes));
        }
        assert_eq!(describe(b"\0asm\x01\0\0\0"), None);
    }
}
