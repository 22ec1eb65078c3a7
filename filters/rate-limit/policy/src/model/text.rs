//! Values as text, for the strings of protobuf, which are UTF-8, and for people.
//!
//! Clients choose most values. Two different values must never have the same text, or a client could choose a
//! value that counts as that of another client. Two rules make texts valid and short:
//!
//! - A byte that is not UTF-8 becomes U+FFFD and two hexadecimal digits, and so does each byte of a U+FFFD in
//!   the value. All other text does not change, as in Envoy's descriptors.
//! - A text longer than [`MAX_LEN`] is cut, and ends with U+FFFD, `#` and a 128-bit hash of the whole value.
//!   The hash has no key, because all Envoys must send the same text to the service. A client that knows a
//!   value can find another one with the same text, but it could also send that value itself.

use core::fmt::Write as _;
use core::hash::Hasher as _;
use siphasher::sip128::{Hasher128 as _, SipHasher13};
use std::borrow::Cow;

/// Maximum length of a text in bytes. API keys and similar values fit; tokens are cut.
pub const MAX_LEN: usize = 1024;

/// Length of U+FFFD, `#` and 32 digits.
const MARK_LEN: usize = '\u{FFFD}'.len_utf8() + 1 + 32;

/// Returns the text of a value.
pub(super) fn of(value: Cow<'_, [u8]>) -> Cow<'_, str> {
    let value = match value {
        Cow::Borrowed(bytes) => match plain(bytes) {
            Some(text) => return Cow::Borrowed(text),
            None => Cow::Borrowed(bytes),
        },
        Cow::Owned(bytes) => match String::from_utf8(bytes) {
            Ok(text) if plain(text.as_bytes()).is_some() => return Cow::Owned(text),
            Ok(text) => Cow::Owned(text.into_bytes()),
            Err(error) => Cow::Owned(error.into_bytes()),
        },
    };
    // Escapes only make a text longer, so the bytes after `MAX_LEN` would be cut anyway.
    let mut text = escaped(value.get(..MAX_LEN).unwrap_or(&value));
    if value.len() > MAX_LEN || text.len() > MAX_LEN {
        text.truncate(text.floor_char_boundary(MAX_LEN - MARK_LEN));
        let _ = write!(text, "\u{FFFD}#{:032x}", hash(&value));
    }
    Cow::Owned(text)
}

/// Returns the text, if it needs no change.
fn plain(bytes: &[u8]) -> Option<&str> {
    let text = (bytes.len() <= MAX_LEN).then(|| str::from_utf8(bytes).ok())??;
    (!text.contains('\u{FFFD}')).then_some(text)
}

fn escaped(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(bytes.len());
    let escape = |text: &mut String, bytes: &[u8]| {
        for byte in bytes {
            let _ = write!(text, "\u{FFFD}{byte:02x}");
        }
    };
    for chunk in bytes.utf8_chunks() {
        for (index, part) in chunk.valid().split('\u{FFFD}').enumerate() {
            if index > 0 {
                escape(&mut text, "\u{FFFD}".as_bytes());
            }
            text.push_str(part);
        }
        escape(&mut text, chunk.invalid());
    }
    text
}

fn hash(bytes: &[u8]) -> u128 {
    let mut hasher = SipHasher13::new();
    hasher.write(bytes);
    hasher.finish128().as_u128()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn text(bytes: &[u8]) -> String {
        of(Cow::Borrowed(bytes)).into_owned()
    }

    #[test]
    fn escapes_only_invalid_utf8() {
        assert_eq!(text(b""), "");
        assert_eq!(text("50% of \u{e9}\0".as_bytes()), "50% of \u{e9}\0");
        assert_eq!(text(b"a\xff\xfeb"), "a\u{FFFD}ff\u{FFFD}feb");
        assert_eq!(text("\u{FFFD}ff".as_bytes()), "\u{FFFD}ef\u{FFFD}bf\u{FFFD}bdff");
    }

    #[test]
    fn cuts_long_values_and_keeps_them_distinct() {
        let long = vec![b'a'; MAX_LEN];
        assert_eq!(text(&long).as_bytes(), long);
        let (longer, other) = ([&long[..], b"b"].concat(), [&long[..], b"c"].concat());
        assert_eq!(text(&longer).len(), MAX_LEN);
        assert_ne!(text(&longer), text(&other));
        // A text that escapes make too long is cut as well.
        assert!(text(&[0xff; 300]).len() <= MAX_LEN && text(&[0xff; 300]) != text(&[0xff; 301]));
        // A value that looks like a cut text has another text.
        assert_ne!(text(text(&longer).as_bytes()), text(&longer));
    }

    proptest! {
        #[test]
        fn different_values_have_different_texts(
            a in proptest::collection::vec(prop_oneof![Just(0xef), Just(0xbf), Just(0xbd), Just(b'f'), any::<u8>()], 0..12),
            b in proptest::collection::vec(prop_oneof![Just(0xef), Just(0xbf), Just(0xbd), Just(b'f'), any::<u8>()], 0..12),
        ) {
            prop_assert_eq!(a == b, text(&a) == text(&b));
            prop_assert_eq!(of(Cow::Owned(a.clone())), of(Cow::Borrowed(&a)));
        }

        #[test]
        fn no_text_is_longer_than_allowed(byte: u8, more in any::<[u8; 4]>(), len in 0usize..3000) {
            let value: Vec<u8> = core::iter::repeat_n(byte, len).chain(more).collect();
            prop_assert!(text(&value).len() <= MAX_LEN);
        }
    }
}
