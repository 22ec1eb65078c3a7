//! State of a filter that its callbacks change.

use crate::Error;
use std::cell::RefCell;

/// State of a filter that its callbacks change. The methods of a filter receive it by `&self`, because a task
/// that waits shares it.
#[derive(Debug, Default)]
pub struct State<T>(RefCell<T>);

impl<T> State<T> {
    /// Wraps a value.
    pub const fn new(value: T) -> Self {
        Self(RefCell::new(value))
    }

    /// Calls `change` with the value. Returns [`Error::Busy`] inside another call of `enter` for the same
    /// value, where a `RefCell` would panic.
    #[inline]
    pub fn enter<R>(&self, change: impl FnOnce(&mut T) -> R) -> Result<R, Error> {
        match self.0.try_borrow_mut() {
            Ok(mut value) => Ok(change(&mut value)),
            Err(_) => Err(Error::Busy),
        }
    }

    /// Calls `change` with the value, where no stream waits for the result: an error is logged.
    pub fn update(&self, change: impl FnOnce(&mut T)) {
        if let Err(error) = self.enter(change) {
            crate::log::error!("cannot update the state of the filter: {error}");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_nested_call_returns_an_error() {
        let state = State::new(1);
        let nested = state.enter(|value| {
            *value += 1;
            state.enter(|_| ())
        });
        assert_eq!((nested, state.enter(|value| *value)), (Ok(Err(Error::Busy)), Ok(2)));
    }
}
