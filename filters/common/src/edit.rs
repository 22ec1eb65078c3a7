//! What a policy does to headers, as a value.

use crate::HeaderName;
use std::borrow::Cow;

/// One change of the header fields. The shell carries them out in order.
///
/// Names are borrowed from the policy's configuration, and so are values that do not depend on the request. A value is
/// always valid ([`crate::is_valid_value`]): Envoy would write CR and LF to the wire as they are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum HeaderEdit<'p> {
    /// Put one field in place of all of that name.
    Set(&'p HeaderName, Cow<'p, [u8]>),
    /// Append a field; those of that name stay.
    Add(&'p HeaderName, Cow<'p, [u8]>),
    /// Remove all fields of that name.
    Remove(&'p HeaderName),
}

impl HeaderEdit<'_> {
    /// The name of the fields it changes.
    pub fn name(&self) -> &HeaderName {
        match self {
            Self::Set(name, _) | Self::Add(name, _) | Self::Remove(name) => name,
        }
    }

    /// What it writes, if it writes.
    pub fn value(&self) -> Option<&[u8]> {
        match self {
            Self::Set(_, value) | Self::Add(_, value) => Some(value),
            Self::Remove(_) => None,
        }
    }

    /// Whether, after these edits, there is a field of that name; `before` says whether there was one before them.
    pub fn leaves_present(edits: &[HeaderEdit<'_>], name: &HeaderName, before: bool) -> bool {
        match edits.iter().rev().find(|edit| edit.name() == name) {
            Some(edit) => edit.value().is_some(),
            None => before,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_edit_of_a_name_says_whether_it_is_present() {
        let (a, b): (HeaderName, HeaderName) = ("a".parse().unwrap(), "b".parse().unwrap());
        let edits =
            [HeaderEdit::Set(&a, b"1".into()), HeaderEdit::Remove(&a), HeaderEdit::Add(&b, b"2".into())];
        assert!(!HeaderEdit::leaves_present(&edits, &a, true));
        assert!(HeaderEdit::leaves_present(&edits, &b, false));
        assert!(HeaderEdit::leaves_present(&edits[..1], &b, true));
        assert!(!HeaderEdit::leaves_present(&edits[..1], &b, false));
    }
}
