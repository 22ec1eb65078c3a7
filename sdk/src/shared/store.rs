//! Shared data, as the host has it or a test.

use super::numbers::Numbers;
use crate::{Error, Result, Status, abi, host};
use std::cell::Cell;

/// A namespace of shared data.
pub(super) trait Store {
    /// The value and its number, which is never 0; `None` if there is none.
    fn get(&self, key: &[u8]) -> Result<Option<(Vec<u8>, u32)>>;

    /// Sets the value if its number is still this one (0: whatever it is; a value that is not there has all numbers), and
    /// says whether it was.
    fn set(&self, key: &[u8], value: &[u8], number: u32) -> Result<bool>;

    /// What this VM knows of the numbers.
    fn numbers(&self) -> Numbers;

    /// From now on it knows this.
    fn know(&self, numbers: Numbers);
}

/// The one of the host.
#[derive(Clone, Copy)]
pub(super) struct Host;

thread_local! {
    static NUMBERS: Cell<Numbers> = const { Cell::new(Numbers::NONE) };
}

impl Store for Host {
    fn get(&self, key: &[u8]) -> Result<Option<(Vec<u8>, u32)>> {
        let (mut out, mut number) = (host::Returned::nothing(), 0);
        // SAFETY: pointers are to live values of the lengths given.
        let raw = unsafe {
            abi::proxy_get_shared_data(key.as_ptr(), key.len(), &mut out.bytes, &mut out.len, &mut number)
        };
        Ok(host::check_found("get_shared_data", raw)?.then(|| (out.take(), number)))
    }

    fn set(&self, key: &[u8], value: &[u8], number: u32) -> Result<bool> {
        // SAFETY: pointers are to live values of the lengths given.
        let raw = unsafe {
            abi::proxy_set_shared_data(key.as_ptr(), key.len(), value.as_ptr(), value.len(), number)
        };
        match host::check("set_shared_data", raw) {
            Ok(()) => {
                let mut numbers = self.numbers();
                numbers.wrote();
                self.know(numbers);
                Ok(true)
            }
            Err(Error::Host { status: Status::CasMismatch, .. }) => Ok(false),
            Err(error) => Err(error),
        }
    }

    fn numbers(&self) -> Numbers {
        NUMBERS.get()
    }

    fn know(&self, numbers: Numbers) {
        NUMBERS.set(numbers);
    }
}
