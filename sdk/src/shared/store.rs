//! Access to shared data, that of the host or that of a test.

use super::numbers::CasNumbers;
use crate::error::Result;
use crate::{Error, Status, abi, host};
use std::cell::Cell;

/// A namespace of shared data.
pub(super) trait Store {
    /// Returns the value and its CAS number, which is never 0, or `None` if there is no value.
    fn get(&self, key: &[u8]) -> Result<Option<(Vec<u8>, u32)>>;

    /// Sets the value if it still has this CAS number, and returns whether it did. The number 0 always
    /// matches, and a missing value matches every number.
    fn set(&self, key: &[u8], value: &[u8], number: u32) -> Result<bool>;

    /// Returns what this VM knows about the CAS numbers.
    fn numbers(&self) -> CasNumbers;

    /// Updates what this VM knows about the CAS numbers.
    fn set_numbers(&self, numbers: CasNumbers);
}

/// The shared data of the host.
#[derive(Clone, Copy)]
pub(super) struct Host;

thread_local! {
    static NUMBERS: Cell<CasNumbers> = const { Cell::new(CasNumbers::UNKNOWN) };
}

impl Store for Host {
    fn get(&self, key: &[u8]) -> Result<Option<(Vec<u8>, u32)>> {
        let (mut out, mut number) = (host::Returned::nothing(), 0);
        // SAFETY: pointers are to live values of the given lengths.
        let raw = unsafe {
            abi::proxy_get_shared_data(key.as_ptr(), key.len(), &mut out.bytes, &mut out.len, &mut number)
        };
        Ok(host::check_found("get_shared_data", raw)?.then(|| (out.take(), number)))
    }

    fn set(&self, key: &[u8], value: &[u8], number: u32) -> Result<bool> {
        // SAFETY: pointers are to live values of the given lengths.
        let raw = unsafe {
            abi::proxy_set_shared_data(key.as_ptr(), key.len(), value.as_ptr(), value.len(), number)
        };
        match host::check("set_shared_data", raw) {
            Ok(()) => {
                let mut numbers = self.numbers();
                numbers.record_set();
                self.set_numbers(numbers);
                Ok(true)
            }
            Err(Error::Host { status: Status::CasMismatch, .. }) => Ok(false),
            Err(error) => Err(error),
        }
    }

    fn numbers(&self) -> CasNumbers {
        NUMBERS.get()
    }

    fn set_numbers(&self, numbers: CasNumbers) {
        NUMBERS.set(numbers);
    }
}
