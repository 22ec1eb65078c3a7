//! Normalisation of paths.
//!
//! Most upstreams treat `/login`, `/%6Cogin`, `//login` and `/a/../login` alike. Without normalisation, a
//! client would get another bucket for each spelling. So escapes are decoded once, repeated slashes become
//! one, and `.` and `..` are resolved. This goes further than RFC 3986 section 6.2.2, because an escaped
//! slash becomes a slash. Two resources that an upstream distinguishes can then share a bucket, which is the
//! less harmful mistake. Case, a trailing slash and `;parameters` do not change, because they rarely mean the
//! same.

use std::borrow::Cow;

/// Returns the normalised form of a path without a query.
pub fn normal_path(path: &[u8]) -> Cow<'_, [u8]> {
    // For example, the `*` of OPTIONS.
    if path.first() != Some(&b'/') || is_normal(path) {
        return Cow::Borrowed(path);
    }
    let decoded = tollgate_policy::percent_decoded(path);
    let mut out = Vec::with_capacity(decoded.len());
    let mut ends_in_slash = false;
    for segment in decoded.split(|byte| *byte == b'/').skip(1) {
        match segment {
            b"" | b"." => ends_in_slash = true,
            b".." => {
                let parent = out.iter().rposition(|byte| *byte == b'/').unwrap_or(0);
                out.truncate(parent);
                ends_in_slash = true;
            }
            _ => {
                out.push(b'/');
                out.extend_from_slice(segment);
                ends_in_slash = false;
            }
        }
    }
    if ends_in_slash {
        out.push(b'/');
    }
    Cow::Owned(out)
}

fn is_normal(path: &[u8]) -> bool {
    let mut after_slash = false;
    path.iter().all(|byte| {
        let odd = *byte == b'%' || (after_slash && matches!(byte, b'/' | b'.'));
        after_slash = *byte == b'/';
        !odd
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn normalises_paths() {
        for (path, normal) in [
            ("/", "/"),
            ("/login", "/login"),
            ("/%6Cogin", "/login"),
            ("//login", "/login"),
            ("/a/../login", "/login"),
            ("/../../login", "/login"),
            ("/./login", "/login"),
            ("/a%2flogin", "/a/login"),
            ("/%2e%2e/login", "/login"),
            ("/login/", "/login/"),
            ("/login//", "/login/"),
            ("/login/.", "/login/"),
            ("/a/..", "/"),
            ("/.well-known/x", "/.well-known/x"),
            ("/a/...", "/a/..."),
            ("/100%", "/100%"),
            ("*", "*"),
            ("", ""),
        ] {
            assert_eq!(*normal_path(path.as_bytes()), *normal.as_bytes(), "{path}");
        }
    }

    #[test]
    fn an_escape_is_decoded_once() {
        assert_eq!(*normal_path(b"/%252e"), *b"/%2e");
    }

    proptest! {
        #[test]
        fn keeps_normal_paths(path in "/[a./%2eEfF]{0,20}") {
            let once = normal_path(path.as_bytes()).into_owned();
            prop_assert_eq!(once.first(), Some(&b'/'));
            if !once.contains(&b'%') {
                let twice = normal_path(&once).into_owned();
                prop_assert_eq!(twice, once);
            }
        }
    }
}
