//! Implementations of [`Config`] for basic types.

use super::object::fill_list;
use super::{Config, ConfigError};
use core::fmt::Display;
use serde_json::{Number, Value};

/// Returns a string; `expected` names the expected value in the error.
#[inline(never)]
pub fn text<'v>(value: &'v Value, expected: &str) -> Result<&'v str, ConfigError> {
    value.as_str().ok_or_else(|| ConfigError::invalid_type(value, expected))
}

impl Config for String {
    fn blank() -> Self {
        Self::new()
    }

    #[inline(never)]
    fn fill(&mut self, value: &Value) -> Result<(), ConfigError> {
        // The default may not be empty.
        self.clear();
        self.push_str(text(value, "a string")?);
        Ok(())
    }

    #[cfg(feature = "schema")]
    fn written(&self) -> Option<Value> {
        Some(self.as_str().into())
    }
}

impl Config for bool {
    fn blank() -> Self {
        false
    }

    fn fill(&mut self, value: &Value) -> Result<(), ConfigError> {
        *self = value.as_bool().ok_or_else(|| ConfigError::invalid_type(value, "a boolean"))?;
        Ok(())
    }

    #[cfg(feature = "schema")]
    fn written(&self) -> Option<Value> {
        Some((*self).into())
    }
}

#[inline(never)]
fn unsigned(value: &Value, min: u64, max: u64) -> Result<u64, ConfigError> {
    value.as_u64().filter(|number| *number <= max).ok_or_else(|| not_integer(value, &min, &max))
}

#[inline(never)]
fn signed(value: &Value, min: i64, max: i64) -> Result<i64, ConfigError> {
    value.as_i64().filter(|number| (min..=max).contains(number)).ok_or_else(|| not_integer(value, &min, &max))
}

/// Returns the error for a value that is not an integer of a range.
#[inline(never)]
pub(super) fn not_integer(value: &Value, min: &dyn Display, max: &dyn Display) -> ConfigError {
    let expected = format!("an integer from {min} to {max}");
    match value {
        Value::Number(number) if !number.is_f64() => ConfigError::invalid_value(value, &expected),
        _ => ConfigError::invalid_type(value, &expected),
    }
}

macro_rules! integers {
    ($read:ident, $wide:ident: $($type:ident),*) => { $(
        impl Config for $type {
            fn blank() -> Self {
                0
            }

            fn fill(&mut self, value: &Value) -> Result<(), ConfigError> {
                // The cast cannot truncate: the value is between `MIN` and `MAX`.
                let (min, max) = ($type::MIN as $wide, $type::MAX as $wide);
                *self = $read(value, min, max)? as $type;
                Ok(())
            }

            #[cfg(feature = "schema")]
            fn written(&self) -> Option<Value> {
                Some((*self).into())
            }
        }
    )* };
}

integers!(unsigned, u64: u8, u16, u32, u64, usize);
integers!(signed, i64: i32, i64);

impl Config for f64 {
    fn blank() -> Self {
        0.0
    }

    fn fill(&mut self, value: &Value) -> Result<(), ConfigError> {
        *self = value.as_f64().ok_or_else(|| ConfigError::invalid_type(value, "a number"))?;
        Ok(())
    }

    #[cfg(feature = "schema")]
    fn written(&self) -> Option<Value> {
        Some((*self).into())
    }
}

/// The configuration of a filter that has none. Accepts `{}` and rejects every field.
impl Config for () {
    fn blank() -> Self {}

    fn fill(&mut self, value: &Value) -> Result<(), ConfigError> {
        match value {
            Value::Object(members) => match members.keys().next() {
                None => Ok(()),
                Some(name) => Err(ConfigError::unknown("field", name, &mut [].into_iter()).in_member(name)),
            },
            _ => Err(ConfigError::invalid_type(value, "an object")),
        }
    }
}

impl<T: Config> Config for Box<T> {
    fn blank() -> Self {
        Self::new(T::blank())
    }

    fn fill(&mut self, value: &Value) -> Result<(), ConfigError> {
        T::fill(self, value)
    }

    #[cfg(feature = "schema")]
    fn written(&self) -> Option<Value> {
        T::written(self)
    }
}

impl Config for Number {
    fn blank() -> Self {
        0.into()
    }

    fn fill(&mut self, value: &Value) -> Result<(), ConfigError> {
        let Value::Number(number) = value else { return Err(ConfigError::invalid_type(value, "a number")) };
        *self = number.clone();
        Ok(())
    }

    #[cfg(feature = "schema")]
    fn written(&self) -> Option<Value> {
        Some(Value::Number(self.clone()))
    }
}

/// Reads `null` as `None`.
impl<T: Config> Config for Option<T> {
    fn blank() -> Self {
        None
    }

    fn fill(&mut self, value: &Value) -> Result<(), ConfigError> {
        match value {
            Value::Null => Ok(()),
            _ => self.get_or_insert_with(T::blank).fill(value),
        }
    }

    #[cfg(feature = "schema")]
    fn written(&self) -> Option<Value> {
        self.as_ref().and_then(T::written)
    }
}

impl<T: Config> Config for Vec<T> {
    fn blank() -> Self {
        Self::new()
    }

    fn fill(&mut self, value: &Value) -> Result<(), ConfigError> {
        // The default may not be empty.
        self.clear();
        fill_list(self, value)
    }

    #[cfg(feature = "schema")]
    fn written(&self) -> Option<Value> {
        self.iter().map(T::written).collect()
    }
}
