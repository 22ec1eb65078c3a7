//! Reading a configuration out of a tree of JSON, in little code.
//!
//! serde's derived code holds each field in a variable of its own until all are there, and is made anew for each struct: 2
//! to 8 KB of Wasm, 300 KB for a large configuration. Here a value is made blank and filled in where it is. What a struct
//! adds is a table of its fields' names and the way to each field; how members are looked up, counted and refused is code
//! that all of them share, behind `dyn`.
//!
//! What is refused, and in which words, is as with serde's `deny_unknown_fields`; a place is added to an error on its way
//! out. That no member is there twice is for whoever makes the tree.

mod error;
mod object;
#[cfg(test)]
mod tests;
mod values;

pub use error::ReadError;
pub use object::{Field, Object, only_member, variant};

use serde_json::Value;

/// What can be read out of JSON.
pub trait Read {
    /// The value where nothing is written: the default of a field that may be left out. Of a type without one, such as the
    /// name of a header, it is no valid value, and only there to be filled in.
    fn blank() -> Self
    where
        Self: Sized;

    /// Fills in a blank value. After an error it is of no use.
    fn fill(&mut self, value: &Value) -> Result<(), ReadError>;
}

/// Reads a value. An error says where in it something is wrong: `rules[2].requires: ..`.
pub fn read<T: Read>(value: &Value) -> Result<T, ReadError> {
    let mut read = T::blank();
    read.fill(value)?;
    Ok(read)
}

/// Implements [`Read`] for a struct: its blank value, and its fields by their names. A field may have another name in JSON
/// (`as`) and one more (`or`), and may have to be there (`required`). Envoy's fields that mean nothing here may be listed
/// with what to write `instead`.
///
/// ```
/// #[derive(Debug, Default, PartialEq)]
/// struct Limit {
///     requests: u32,
///     per: Option<String>,
/// }
///
/// tollgate_policy::read_object!(Limit = Self::default(); requests (required), per as "unit"; instead [
///     ("rate", "give `requests`"),
/// ]);
///
/// let limit: Limit = tollgate_policy::read(&serde_json::json!({"requests": 5, "unit": "minute"})).unwrap();
/// assert_eq!(limit, Limit { requests: 5, per: Some("minute".into()) });
/// ```
#[macro_export]
macro_rules! read_object {
    (
        $type:ident $(< $parameter:ident >)? = $blank:expr;
        $($field:ident $(as $name:literal)? $(or $alias:literal)? $(($required:ident))?),* $(,)?
        $(; instead $instead:expr)?
    ) => {
        impl $(<$parameter: $crate::Read>)? $crate::Object for $type $(<$parameter>)? {
            fn fields(&self) -> &'static [$crate::Field] {
                &[$($crate::Field {
                    name: $crate::read_object!(@name $field $($name)?),
                    alias: $crate::read_object!(@alias $($alias)?),
                    required: $crate::read_object!(@required $($required)?),
                }),*]
            }

            #[allow(unused_mut, unused_variables, reason = "it may have no fields")]
            fn field(&mut self, index: usize) -> Option<&mut dyn $crate::Read> {
                let mut before = index;
                $(
                    if before == 0 {
                        return Some(&mut self.$field);
                    }
                    before = before.wrapping_sub(1);
                )*
                None
            }

            $(
                fn instead(&self) -> &'static [(&'static str, &'static str)] {
                    &$instead
                }
            )?
        }

        impl $(<$parameter: $crate::Read>)? $crate::Read for $type $(<$parameter>)? {
            fn blank() -> Self {
                $blank
            }

            fn fill(&mut self, value: &$crate::Value) -> Result<(), $crate::ReadError> {
                (self as &mut dyn $crate::Object).fill_members(value)
            }
        }
    };
    (@name $field:ident) => { stringify!($field) };
    (@name $field:ident $name:literal) => { $name };
    (@alias) => { None };
    (@alias $alias:literal) => { Some($alias) };
    (@required) => { false };
    (@required required) => { true };
}

/// Implements [`Read`] for an enum whose variants are names: `read_names!(Mode { "strict" => Strict, "lax" => Lax })`. It is
/// `Copy`, and blank by default.
#[macro_export]
macro_rules! read_names {
    ($type:ident { $($name:literal => $variant:ident),* $(,)? }) => {
        impl $crate::Read for $type {
            fn blank() -> Self {
                Self::default()
            }

            fn fill(&mut self, value: &$crate::Value) -> Result<(), $crate::ReadError> {
                let index = $crate::variant(value, &[$($name),*])?;
                *self = [$(Self::$variant),*].get(index).copied().unwrap_or_default();
                Ok(())
            }
        }
    };
}

/// Implements [`Read`] through the type from which it is built by `TryFrom`.
macro_rules! read_through {
    ($type:ident, $raw:ty, $blank:expr) => {
        impl $crate::Read for $type {
            fn blank() -> Self {
                $blank
            }

            fn fill(&mut self, value: &$crate::Value) -> Result<(), $crate::ReadError> {
                let raw: $raw = $crate::read(value)?;
                *self = raw.try_into().map_err(|error| $crate::ReadError::new(&error))?;
                Ok(())
            }
        }
    };
}

/// Implements [`Read`] through `FromStr`.
macro_rules! read_text {
    ($type:ident, $expecting:literal, $blank:expr) => {
        impl $crate::Read for $type {
            fn blank() -> Self {
                $blank
            }

            fn fill(&mut self, value: &$crate::Value) -> Result<(), $crate::ReadError> {
                let text = $crate::read::text(value, $expecting)?;
                *self = text.parse().map_err(|error| $crate::ReadError::new(&error))?;
                Ok(())
            }
        }
    };
}

pub(crate) use object::{Map, fill_map};
pub(crate) use read_text;
pub(crate) use read_through;
pub(crate) use values::text;
