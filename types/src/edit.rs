//! Header edits as values.

use crate::HeaderName;
use std::borrow::Cow;

/// One edit of the headers. The shell applies edits in order.
///
/// Names, and values that do not depend on the request, are borrowed from the configuration of the policy. A
/// value is always valid ([`crate::is_valid_value`]), because Envoy would write CR and LF to the wire
/// unescaped.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum HeaderEdit<'p> {
    /// Replace all headers of that name by one.
    Set(&'p HeaderName, Cow<'p, [u8]>),
    /// Append a header; existing headers of that name stay.
    Add(&'p HeaderName, Cow<'p, [u8]>),
    /// Remove all headers of that name.
    Remove(&'p HeaderName),
}

impl HeaderEdit<'_> {
    /// Returns the name of the header that the edit changes.
    pub fn name(&self) -> &HeaderName {
        match self {
            Self::Set(name, _) | Self::Add(name, _) | Self::Remove(name) => name,
        }
    }

    /// Returns the value that the edit writes, if it writes one.
    pub fn value(&self) -> Option<&[u8]> {
        match self {
            Self::Set(_, value) | Self::Add(_, value) => Some(value),
            Self::Remove(_) => None,
        }
    }

    /// Returns whether a header of that name exists after these edits; `before` is whether one exists before
    /// them.
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
    fn the_last_edit_of_a_name_decides_presence() {
        let (a, b): (HeaderName, HeaderName) = ("a".parse().unwrap(), "b".parse().unwrap());
        let edits =
            [HeaderEdit::Set(&a, b"1".into()), HeaderEdit::Remove(&a), HeaderEdit::Add(&b, b"2".into())];
        assert!(!HeaderEdit::leaves_present(&edits, &a, true));
        assert!(HeaderEdit::leaves_present(&edits, &b, false));
        assert!(HeaderEdit::leaves_present(&edits[..1], &b, true));
        assert!(!HeaderEdit::leaves_present(&edits[..1], &b, false));
    }
}
