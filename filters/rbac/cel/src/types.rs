//! Types, and sets of types for checks at load.

use core::fmt;

/// A type of values.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Type {
    /// `null_type`.
    Null,
    /// `bool`.
    Bool,
    /// `int`: 64 bits with a sign.
    Int,
    /// `uint`: 64 bits without a sign.
    Uint,
    /// `double`.
    Double,
    /// `string`.
    String,
    /// `bytes`.
    Bytes,
    /// `list`.
    List,
    /// `map`.
    Map,
    /// `google.protobuf.Timestamp`.
    Timestamp,
    /// `google.protobuf.Duration`.
    Duration,
    /// `type`.
    Type,
}

/// All types, with the letter that denotes each of them in a signature.
const TYPES: [(Type, u8, &str); 12] = [
    (Type::Null, b'n', "null_type"),
    (Type::Bool, b'b', "bool"),
    (Type::Int, b'i', "int"),
    (Type::Uint, b'u', "uint"),
    (Type::Double, b'd', "double"),
    (Type::String, b's', "string"),
    (Type::Bytes, b'y', "bytes"),
    (Type::List, b'l', "list"),
    (Type::Map, b'm', "map"),
    (Type::Timestamp, b't', "google.protobuf.Timestamp"),
    (Type::Duration, b'r', "google.protobuf.Duration"),
    (Type::Type, b'k', "type"),
];

impl Type {
    /// Returns the type of a name, such as `null_type`.
    pub(crate) fn from_name(name: &str) -> Option<Self> {
        TYPES.iter().find(|(_, _, other)| *other == name).map(|(each, _, _)| *each)
    }

    /// Returns the name.
    pub fn name(self) -> &'static str {
        TYPES.iter().find(|(each, _, _)| *each == self).map_or("", |(_, _, name)| name)
    }
}

impl fmt::Display for Type {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// The types that an expression can have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Types(u16);

impl Types {
    pub(crate) const ANY: Self = Self(!0);
    pub(crate) const NOTHING: Self = Self(0);
    const NUMBERS: Self = Self(Self::of(Type::Int).0 | Self::of(Type::Uint).0 | Self::of(Type::Double).0);

    pub(crate) const fn of(each: Type) -> Self {
        Self(1 << each as u16)
    }

    /// Returns the types that a letter of a signature denotes: `*` is any type, `#` any number.
    pub(crate) fn from_letter(letter: u8) -> Self {
        match letter {
            b'*' => Self::ANY,
            b'#' => Self::NUMBERS,
            _ => TYPES
                .iter()
                .find(|(_, other, _)| *other == letter)
                .map_or(Self::NOTHING, |(each, _, _)| Self::of(*each)),
        }
    }

    pub(crate) fn intersects(self, other: Self) -> bool {
        self.0 & other.0 != 0
    }

    pub(crate) fn or(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// Returns whether values of these types can be equal. Numbers of all types can.
    pub(crate) fn comparable(self, other: Self) -> bool {
        self.intersects(other) || self.intersects(Self::NUMBERS) && other.intersects(Self::NUMBERS)
    }

    /// Returns the names, such as `` `int` or `string` ``.
    #[inline(never)]
    pub(crate) fn describe(self) -> String {
        if self == Self::ANY {
            return "any type".into();
        }
        let mut text = String::new();
        for (each, _, name) in TYPES {
            if self.intersects(Self::of(each)) {
                let or = if text.is_empty() { "" } else { " or " };
                text = text + or + "`" + name + "`";
            }
        }
        text
    }
}
