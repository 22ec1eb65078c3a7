//! Tables of the fields of a struct, computed when the struct is compiled.

use super::{Field, Object};

/// The tables of a struct as constants, so that they can be joined with those of a flattened struct.
pub trait Tables: Object {
    /// The fields; see [`Object::fields`].
    const FIELDS: &'static [Field];
    /// Names that are rejected; see [`Object::instead`].
    const INSTEAD: &'static [(&'static str, &'static str)];
}

/// Joins two tables. `N` is their total length, and `filler` any entry.
pub const fn joined<T: Copy, const N: usize>(own: &[T], flattened: &[T], filler: T) -> [T; N] {
    let mut all = [filler; N];
    let (first, rest) = all.split_at_mut(own.len());
    first.copy_from_slice(own);
    rest.copy_from_slice(flattened);
    all
}

/// Panics, which rejects the struct when it is compiled, if two fields have the same name, or if there are
/// more than 64 fields.
pub const fn check(fields: &[Field]) {
    // `Object::fill_members` keeps the fields that it has seen in the bits of a number.
    assert!(fields.len() <= 64, "a configuration can have at most 64 fields");
    if let [first, rest @ ..] = fields {
        is_none_of(first, rest);
        check(rest);
    }
}

const fn is_none_of(field: &Field, others: &[Field]) {
    if let [other, rest @ ..] = others {
        assert!(
            !(is_name_of(field.name, other) || is_alias_of(field.alias, other)),
            "a flattened field has the name of another field"
        );
        is_none_of(field, rest);
    }
}

const fn is_name_of(name: &str, field: &Field) -> bool {
    equals(name.as_bytes(), field.name.as_bytes())
        || matches!(field.alias, Some(alias) if equals(name.as_bytes(), alias.as_bytes()))
}

const fn is_alias_of(alias: Option<&str>, field: &Field) -> bool {
    matches!(alias, Some(alias) if is_name_of(alias, field))
}

const fn equals(this: &[u8], that: &[u8]) -> bool {
    match (this, that) {
        ([], []) => true,
        ([first, this @ ..], [other, that @ ..]) => *first == *other && equals(this, that),
        _ => false,
    }
}
