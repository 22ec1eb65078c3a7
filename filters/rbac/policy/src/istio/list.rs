//! Lists that must not be empty, and fields that are ignored.

use core::ops::Deref;
use tollgate_policy::{Config, ConfigError, Value};

/// A list that is either absent, or has an entry.
///
/// An empty list would not narrow a rule. It is nearly always the result of a template that found no values,
/// and would turn a rule for some into a rule for all. `null` is rejected for the same reason.
#[derive(Clone, Debug)]
pub struct List<T>(Vec<T>);

impl<T> From<Vec<T>> for List<T> {
    fn from(entries: Vec<T>) -> Self {
        Self(entries)
    }
}

impl<T> Default for List<T> {
    fn default() -> Self {
        Self(Vec::new())
    }
}

impl<T> Deref for List<T> {
    type Target = [T];

    fn deref(&self) -> &[T] {
        &self.0
    }
}

impl<T: Config> Config for List<T> {
    fn blank() -> Self {
        Self::default()
    }

    fn fill(&mut self, value: &Value) -> Result<(), ConfigError> {
        // A list is read after the entries that are already there: those of the default.
        self.0.clear();
        self.0.fill(value)?;
        if self.0.is_empty() { Err(empty_list()) } else { Ok(()) }
    }

    tollgate_policy::if_schema! {
        fn written(&self) -> Option<Value> {
            self.0.written()
        }
    }
}

#[inline(never)]
fn empty_list() -> ConfigError {
    ConfigError::here(&"empty list, expected an entry, or no such field")
}

/// A field that is accepted with any value, and ignored.
#[derive(Clone, Copy, Debug, Default)]
pub struct Ignored {
    /// Whether the field has a value.
    pub is_given: bool,
}

impl Config for Ignored {
    fn blank() -> Self {
        Self::default()
    }

    fn fill(&mut self, value: &Value) -> Result<(), ConfigError> {
        self.is_given = !value.is_null();
        Ok(())
    }
}

tollgate_policy::json_schema_of!(Ignored, |_generator| {
    tollgate_policy::config::derived::schemars::json_schema!(true)
});

tollgate_policy::if_schema! {
    use tollgate_policy::config::derived::schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};

    impl<T: JsonSchema> JsonSchema for List<T> {
        fn inline_schema() -> bool {
            true
        }

        fn schema_name() -> std::borrow::Cow<'static, str> {
            format!("List_of_{}", T::schema_name()).into()
        }

        fn json_schema(generator: &mut SchemaGenerator) -> Schema {
            let items = generator.subschema_for::<T>();
            json_schema!({ "type": "array", "items": items, "minItems": 1 })
        }
    }
}
