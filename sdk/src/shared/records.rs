//! Records of variable length.

use super::key::Key;
use super::store::{Host, Store};
use crate::Error;
use crate::error::Result;

/// Numbered records of bytes that all workers share. Each record has its own length. A record that was never
/// written is empty. Records cannot be deleted (an empty record keeps its key), so the numbers must be
/// bounded.
///
/// The host copies a record on each access. For values of fixed length that every request changes,
/// [`Pages`](super::Pages) cost less.
pub struct Records {
    key: Key,
}

impl Records {
    /// Creates a handle for the records `name` of this plugin. The plugin must not use the same name for
    /// [`Pages`](super::Pages).
    pub fn new(plugin: &str, name: &str) -> Self {
        Self { key: Key::new(plugin, name) }
    }

    /// Calls `change` with the bytes of a record. If it returns `true`, stores the changed bytes, atomically
    /// across all workers. If another worker changes the record first, `change` is called again with the new
    /// bytes. After `attempts` failed attempts, returns [`Error::Contended`].
    pub fn update(
        &self,
        number: u32,
        attempts: u32,
        mut change: impl FnMut(&mut Vec<u8>) -> bool,
    ) -> Result<()> {
        let key = self.key.with_number(number);
        for _ in 0..attempts {
            let (mut bytes, number) =
                Host.get(key.bytes())?.unwrap_or_else(|| (Vec::new(), Host.numbers().for_insert()));
            if !change(&mut bytes) || Host.set(key.bytes(), &bytes, number)? {
                return Ok(());
            }
        }
        Err(Error::Contended)
    }
}
