//! One spelling of a path.
//!
//! `/login`, `/%6Cogin`, `//login` and `/a/../login` lead most upstreams to the same thing, and a client that may choose
//! among them would have as many buckets as it can think of. So escapes are decoded once, slashes that follow one another
//! are one, and `.` and `..` are gone through. That goes further than RFC 3986 section 6.2.2 (an escaped slash is a slash):
//! two things that an upstream tells apart then share a bucket, which is the harmless mistake of the two. Upper and lower
//! case, a slash at the end and `;parameters` are left, since they rarely mean the same.

use std::borrow::Cow;

/// The path, which has no query, in the spelling that all of its spellings share.
pub fn normal_path(path: &[u8]) -> Cow<'_, [u8]> {
    // `*` of OPTIONS.
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
    fn spellings_of_a_path_are_one() {
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
        fn a_path_that_is_normal_and_has_no_percent_sign_stays(path in "/[a./%2eEfF]{0,20}") {
            let once = normal_path(path.as_bytes()).into_owned();
            prop_assert_eq!(once.first(), Some(&b'/'));
            if !once.contains(&b'%') {
                let twice = normal_path(&once).into_owned();
                prop_assert_eq!(twice, once);
            }
        }
    }
}
