//! Records of any length.

use super::key::Key;
use super::store::{Host, Store};
use crate::{Error, Result};

/// Numbered records of bytes that all workers share, each as long as it has to be. One that was never written is empty.
/// Nothing is ever deleted: an empty record still has its key, so the numbers have to be bounded.
///
/// The host copies a record on each access. What has a fixed length and is changed by every request is cheaper in
/// [`Pages`](super::Pages).
pub struct Records {
    key: Key,
}

impl Records {
    /// The records `name` of this plugin. A name must not be one of its [`Pages`](super::Pages) too.
    pub fn new(plugin: &str, name: &str) -> Self {
        Self { key: Key::new(plugin, name) }
    }

    /// Calls `change` with a record, and stores what it made of it if it says so (`true`), atomically over all workers:
    /// `change` is called again, with the new record, when another worker was quicker, and [`Error::Contended`] is the
    /// answer after so many `attempts`.
    pub fn update(
        &self,
        number: u32,
        attempts: u32,
        mut change: impl FnMut(&mut Vec<u8>) -> bool,
    ) -> Result<()> {
        let key = self.key.of(number);
        for _ in 0..attempts {
            let (mut bytes, number) =
                Host.get(key.bytes())?.unwrap_or_else(|| (Vec::new(), Host.numbers().taken()));
            if !change(&mut bytes) || Host.set(key.bytes(), &bytes, number)? {
                return Ok(());
            }
        }
        Err(Error::Contended)
    }
}
