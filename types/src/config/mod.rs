//! Configurations: bytes become a tree, and the tree becomes a type with [`Config`].
//!
//! Envoy passes the text of a `StringValue` unchanged, and a `google.protobuf.Struct` as serialised protobuf.
//! Istio's `pluginConfig` arrives as JSON text. [`parse`] reads both.
//!
//! `#[derive(Config)]` generates the reader, the defaults and the JSON Schema of a type:
//!
//! ```
//! use tollgate_types::{Config, Duration, config};
//! # extern crate tollgate_types as tollgate;
//!
//! /// A limit.
//! #[derive(Config)]
//! struct Limit {
//!     /// Number of requests.
//!     requests: u32,
//!     /// Time in which they are counted.
//!     #[config(default = Duration::from_secs(60))]
//!     per: Duration,
//! }
//!
//! let limit: Limit = config::parse(br#"{"requests": 5}"#).unwrap();
//! assert_eq!((limit.requests, limit.per.as_nanos()), (5, 60_000_000_000));
//!
//! let error = config::parse::<Limit>(br#"{"requests": 5, "pr": "1s"}"#).err().unwrap();
//! assert_eq!(error.to_string(), "pr: unknown field `pr`, expected `requests` or `per`");
//! ```
//!
//! # Attributes of a struct
//! A field is required, unless it is an `Option` or has a default:
//!
//! | attribute of a field | meaning |
//! |---|---|
//! | `default` | optional; the default is the blank value of the type: `None`, `false`, 0, empty |
//! | `default = value` | optional, with this default |
//! | `range = 1..=10` | numbers that are accepted |
//! | `rename = "name"` | another name in the configuration |
//! | `alias = "name"` | a second name in the configuration |
//! | `skip` | not part of the configuration; the value is `Default::default()` |
//! | `flatten` | a struct whose fields are written beside those of this one |
//!
//! | attribute of the struct | meaning |
//! |---|---|
//! | `rename_all = "camelCase"` | the notation of the names |
//! | `min_properties = 1` | the number of fields that the JSON Schema requires |
//! | `default` | every field is optional, and its default is that of `Default` |
//! | `instead = [("name", "use `other`")]` | names that are rejected with a message of their own |
//!
//! Fields that several filters share are a struct that each of them flattens. Two fields with the same name
//! do not compile:
//!
//! ```compile_fail
//! # extern crate tollgate_types as tollgate;
//! #[derive(tollgate_types::Config)]
//! struct Shared {
//!     shadow: bool,
//! }
//!
//! #[derive(tollgate_types::Config)]
//! struct Settings {
//!     shadow: bool,
//!     #[config(flatten)]
//!     shared: Shared,
//! }
//! # fn main() {}
//! ```
//!
//! # Attributes of an enum
//! An enum of variants without values is read from a string, in `snake_case`. An enum of variants with one
//! value each is read from an object with exactly one member, as protobuf writes a `oneof`.
//!
//! | attribute | meaning |
//! |---|---|
//! | `rename = "name"` of a variant | another name in the configuration |
//! | `rename_all = "SCREAMING_SNAKE_CASE"` of the enum | the notation of the names |
//! | `#[default]` of a variant | the blank value; without it, the first variant |
//! | `instead = [("name", "use `other`")]` of the enum | as for a struct |
//!
//! # Attributes of other types
//!
//! | attribute | meaning |
//! |---|---|
//! | `text(expected = "a name", pattern = "^[a-z]+$")` | read from a string by `FromStr` |
//! | `try_from = Raw` | read as `Raw`, then converted by `TryFrom` |
//! | `blank = value` | the blank value of a type that is not `Default` |
//!
//! # Little code
//! serde's derived code keeps each field in a variable of its own until all are read, and is generated for
//! each struct again: 2 to 8 KB of Wasm each, 300 KB for a large configuration. Here a blank value is created
//! first and then filled in place, through `dyn`: a struct adds only a table of its names and accessors.

mod error;
mod named;
mod object;
mod protobuf;
#[cfg(feature = "schema")]
pub mod schema;
mod tables;
#[cfg(test)]
mod tests;
mod tree;
mod values;

pub use error::{ConfigError, FieldPath};
pub use named::Named;
pub use object::{Field, Object, only_member, variant};
pub use protobuf::metadata;
/// See the [module](self).
pub use tollgate_macros::Config;
pub use values::text;

pub use serde_json::Value;
use serde_json::error::Category;
use tree::Tree;

/// A type that can be read from a configuration. Derive it: see the [module](self).
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be read from a configuration",
    label = "does not implement `tollgate::Config`",
    note = "write `#[derive(tollgate::Config)]` on `{Self}`: it rejects unknown fields and generates the JSON Schema",
    note = "for a type of another crate, derive it for a type of your own, with `#[config(try_from = Raw)]` or \
            `#[config(text(expected = \"a name\"))]`"
)]
pub trait Config {
    /// Returns the default value of an optional field. For a type without a default, such as a header name,
    /// the returned value is invalid and must be filled in.
    fn blank() -> Self
    where
        Self: Sized;

    /// Fills in a blank value. After an error, the value must not be used.
    fn fill(&mut self, value: &Value) -> Result<(), ConfigError>;

    /// Returns the value as it would be written in a configuration, for the default in the JSON Schema.
    /// Returns `None` for a value that cannot be written.
    #[cfg(feature = "schema")]
    fn written(&self) -> Option<Value> {
        None
    }
}

/// Reads a value. An error begins with the path of the invalid part: `rules[2].requires: ..`.
pub fn read<T: Config>(value: &Value) -> Result<T, ConfigError> {
    let mut read = T::blank();
    read.fill(value)?;
    Ok(read)
}

/// Reads a configuration in any of the forms in which Envoy delivers it. A missing configuration is read as
/// `{}`, so a filter whose fields are all optional needs no configuration.
pub fn parse<T: Config>(bytes: impl AsRef<[u8]>) -> Result<T, ConfigError> {
    read(&tree(bytes.as_ref())?)
}

/// Parses JSON text or a `Struct`. Rejects duplicate members of JSON text.
pub fn tree(bytes: &[u8]) -> Result<Value, ConfigError> {
    match serde_json::from_slice(if bytes.is_empty() { b"{}" } else { bytes }) {
        Ok(Tree(value)) => Ok(value),
        // A `Struct` begins with the tag of `fields`. JSON reads this byte as a line break and then fails.
        Err(error) => protobuf::decode_struct(bytes).ok_or_else(|| match error.classify() {
            // It is JSON, with a member that occurs twice.
            Category::Data => ConfigError::here(&error),
            _ => {
                ConfigError::here(&format_args!("neither valid JSON nor a `google.protobuf.Struct`: {error}"))
            }
        }),
    }
}

/// Used by derived code. Not part of the interface.
#[doc(hidden)]
pub mod derived {
    pub use super::tables::{Tables, check, joined};
    #[cfg(feature = "schema")]
    pub use schemars;
    pub use serde_json::{self, Value};

    use super::{Config, ConfigError};
    use core::fmt::Display;
    use core::str::FromStr;

    /// Reads a string through `FromStr`.
    #[inline]
    pub fn from_text<T: FromStr<Err: Display>>(value: &Value, expected: &str) -> Result<T, ConfigError> {
        super::text(value, expected)?.parse().map_err(|error| ConfigError::here(&error))
    }

    /// Reads another type and converts it.
    #[inline]
    pub fn convert<Raw: Config, T: TryFrom<Raw, Error: Display>>(value: &Value) -> Result<T, ConfigError> {
        super::read::<Raw>(value)?.try_into().map_err(|error| ConfigError::here(&error))
    }
}

/// Expands to its input if the JSON Schema is compiled in. The feature of this crate decides, not that of the
/// crate with the derived code.
#[cfg(feature = "schema")]
#[doc(hidden)]
#[macro_export]
macro_rules! if_schema {
    ($($code:tt)*) => { $($code)* };
}

/// Expands to nothing, because the JSON Schema is not compiled in.
#[cfg(not(feature = "schema"))]
#[doc(hidden)]
#[macro_export]
macro_rules! if_schema {
    ($($code:tt)*) => {};
}

/// Implements the JSON Schema of a type whose [`Config`] is not derived.
///
/// ```
/// # extern crate tollgate_types as tollgate;
/// use tollgate_types::{Config, ConfigError, Value};
///
/// /// A port, or `any`.
/// struct Port(u16);
///
/// impl Config for Port {
///     fn blank() -> Self {
///         Self(0)
///     }
///
///     fn fill(&mut self, value: &Value) -> Result<(), ConfigError> {
///         if value == "any" { Ok(()) } else { self.0.fill(value) }
///     }
/// }
///
/// tollgate_types::json_schema_of!(Port, |generator| {
///     let port = generator.subschema_for::<u16>();
///     tollgate_types::config::derived::schemars::json_schema!({ "anyOf": [port, { "const": "any" }] })
/// });
/// ```
#[macro_export]
macro_rules! json_schema_of {
    ($type:ident, |$generator:ident| $schema:expr) => {
        $crate::if_schema! {
            impl $crate::config::derived::schemars::JsonSchema for $type {
                fn schema_name() -> ::std::borrow::Cow<'static, str> {
                    ::std::borrow::Cow::Borrowed(stringify!($type))
                }

                fn json_schema(
                    $generator: &mut $crate::config::derived::schemars::SchemaGenerator,
                ) -> $crate::config::derived::schemars::Schema {
                    $schema
                }
            }
        }
    };
}
