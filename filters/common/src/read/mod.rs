//! Reads a configuration from a JSON tree, with little Wasm code.
//!
//! serde's derived code keeps each field in a separate variable until all are read, and is generated again
//! for each struct: 2 to 8 KB of Wasm each, 300 KB for a large configuration. Here, [`Read`] first creates a
//! blank value and then fills it in place. A struct adds only a table of its field names and accessors.
//! Looking up, counting and rejecting members is code that all structs share through `dyn`.
//!
//! It rejects what serde's `deny_unknown_fields` rejects, in the same words, and adds the path of the value
//! to an error. The parser that builds the tree must reject duplicate members.

mod error;
mod object;
#[cfg(test)]
mod tests;
mod values;

pub use error::ReadError;
pub use object::{Field, Object, only_member, variant};

use serde_json::Value;

/// A type that can be read from JSON.
pub trait Read {
    /// Returns the default value of an optional field. For a type without a default, such as a header name,
    /// the returned value is invalid and must be filled in.
    fn blank() -> Self
    where
        Self: Sized;

    /// Fills in a blank value. After an error, the value must not be used.
    fn fill(&mut self, value: &Value) -> Result<(), ReadError>;
}

/// Reads a value. An error begins with the path of the invalid part: `rules[2].requires: ..`.
pub fn read<T: Read>(value: &Value) -> Result<T, ReadError> {
    let mut read = T::blank();
    read.fill(value)?;
    Ok(read)
}

/// Implements [`Read`] for a struct, from its blank value and the list of its fields. A field can have
/// another name in JSON (`as`), an alias (`or`), and can be `required`. `instead` lists Envoy's fields that
/// are not supported, each with an error message that says what to use.
///
/// ```
/// #[derive(Debug, Default, PartialEq)]
/// struct Limit {
///     requests: u32,
///     per: Option<String>,
/// }
///
/// tollgate_policy::read_object!(Limit = Self::default(); requests (required), per as "unit"; instead [
///     ("rate", "use `requests`"),
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

            #[allow(unused_mut, unused_variables, reason = "the struct may have no fields")]
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

/// Implements [`Read`] for an enum of names: `read_names!(Mode { "strict" => Strict, "lax" => Lax })`. The
/// enum must be `Copy`; its `Default` is its blank value.
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

/// Implements [`Read`] through another type, from which `TryFrom` builds this one.
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
