//! Implementations of [`Read`] for basic types.

use super::object::fill_list;
use super::{Read, ReadError};
use serde_json::{Number, Value};

/// Returns a string; `expected` names the expected value in the error.
#[inline(never)]
pub(crate) fn text<'v>(value: &'v Value, expected: &str) -> Result<&'v str, ReadError> {
    value.as_str().ok_or_else(|| ReadError::invalid_type(value, expected))
}

impl Read for String {
    fn blank() -> Self {
        Self::new()
    }

    #[inline(never)]
    fn fill(&mut self, value: &Value) -> Result<(), ReadError> {
        // The default may not be empty.
        self.clear();
        self.push_str(text(value, "a string")?);
        Ok(())
    }
}

impl Read for bool {
    fn blank() -> Self {
        false
    }

    fn fill(&mut self, value: &Value) -> Result<(), ReadError> {
        *self = value.as_bool().ok_or_else(|| ReadError::invalid_type(value, "a boolean"))?;
        Ok(())
    }
}

#[inline(never)]
fn unsigned(value: &Value, max: u64, expected: &str) -> Result<u64, ReadError> {
    let whole = value.as_u64().filter(|number| *number <= max);
    whole.ok_or_else(|| match value {
        Value::Number(number) if !number.is_f64() => ReadError::invalid_value(value, expected),
        _ => ReadError::invalid_type(value, expected),
    })
}

macro_rules! unsigned {
    ($($type:ident),*) => { $(
        impl Read for $type {
            fn blank() -> Self {
                0
            }

            fn fill(&mut self, value: &Value) -> Result<(), ReadError> {
                // The cast cannot truncate: the value is at most `MAX`.
                *self = unsigned(value, $type::MAX as u64, stringify!($type))? as $type;
                Ok(())
            }
        }
    )* };
}

unsigned!(u16, u32, u64, usize);

impl Read for Number {
    fn blank() -> Self {
        0.into()
    }

    fn fill(&mut self, value: &Value) -> Result<(), ReadError> {
        let Value::Number(number) = value else { return Err(ReadError::invalid_type(value, "a number")) };
        *self = number.clone();
        Ok(())
    }
}

/// Reads `null` as `None`.
impl<T: Read> Read for Option<T> {
    fn blank() -> Self {
        None
    }

    fn fill(&mut self, value: &Value) -> Result<(), ReadError> {
        match value {
            Value::Null => Ok(()),
            _ => self.get_or_insert_with(T::blank).fill(value),
        }
    }
}

impl<T: Read> Read for Vec<T> {
    fn blank() -> Self {
        Self::new()
    }

    fn fill(&mut self, value: &Value) -> Result<(), ReadError> {
        fill_list(self, value)
    }
}
