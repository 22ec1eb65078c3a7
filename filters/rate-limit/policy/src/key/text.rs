//! Values as text, for the strings of protobuf, which are UTF-8, and for people.
//!
//! Clients choose most values, so two things are bounded here and neither may make one text of two values: whoever could
//! choose a value that reads like somebody else's would be counted as them.
//!
//! - A byte that is no UTF-8 becomes U+FFFD and two hexadecimal digits, and so does each byte of a U+FFFD that was sent.
//!   All other text stays as it is, as Envoy's descriptors have it.
//! - What is longer than [`MAX_LEN`] is cut, and ends with U+FFFD, `#` and a hash of 128 bits of the whole. The hash has
//!   no key, since all Envoys have to agree on what they tell the service: who knows a value can make another one with
//!   its text, but can also just send it.

use core::fmt::Write as _;
use core::hash::Hasher as _;
use siphasher::sip128::{Hasher128 as _, SipHasher13};
use std::borrow::Cow;

/// In bytes. Longer than what keys are made of, such as API keys; tokens are cut.
pub const MAX_LEN: usize = 1024;

/// U+FFFD, `#` and 32 digits.
const MARK_LEN: usize = '\u{FFFD}'.len_utf8() + 1 + 32;

/// The text of a value.
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
    // An escape is longer than what it stands for, so what is not looked at would be cut anyway.
    let mut text = escaped(value.get(..MAX_LEN).unwrap_or(&value));
    if value.len() > MAX_LEN || text.len() > MAX_LEN {
        text.truncate(text.floor_char_boundary(MAX_LEN - MARK_LEN));
        let _ = write!(text, "\u{FFFD}#{:032x}", hash(&value));
    }
    Cow::Owned(text)
}

/// The text, if it can stay as it is.
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
    fn only_what_is_no_text_is_escaped() {
        assert_eq!(text(b""), "");
        assert_eq!(text("50% of \u{e9}\0".as_bytes()), "50% of \u{e9}\0");
        assert_eq!(text(b"a\xff\xfeb"), "a\u{FFFD}ff\u{FFFD}feb");
        assert_eq!(text("\u{FFFD}ff".as_bytes()), "\u{FFFD}ef\u{FFFD}bf\u{FFFD}bdff");
    }

    #[test]
    fn what_is_too_long_is_cut_and_still_told_apart() {
        let long = vec![b'a'; MAX_LEN];
        assert_eq!(text(&long).as_bytes(), long);
        let (longer, other) = ([&long[..], b"b"].concat(), [&long[..], b"c"].concat());
        assert_eq!(text(&longer).len(), MAX_LEN);
        assert_ne!(text(&longer), text(&other));
        // What escapes make too long is cut as well.
        assert!(text(&[0xff; 300]).len() <= MAX_LEN && text(&[0xff; 300]) != text(&[0xff; 301]));
        // A text that looks like one that was cut is none.
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
