//! Typed values in shared data.

use super::store::{Host, Store};
use crate::error::Result;
use crate::{Error, random};
use std::marker::PhantomData;
use tollgate_types::Record;

/// One value that all workers share. The host copies it on each access, so it should be small.
pub struct Cell<T> {
    key: String,
    value: PhantomData<T>,
}

impl<T: Record> Cell<T> {
    /// Creates a handle for the cell `name` of this plugin.
    pub fn new(plugin: &str, name: &str) -> Self {
        Self { key: format!("{plugin}/{name}"), value: PhantomData }
    }

    /// Returns the value, or `None` if the cell is empty or contains a record of another version.
    pub fn get(&self) -> Result<Option<T>> {
        Ok(Host.get(self.key.as_bytes())?.and_then(|(bytes, _)| read(&bytes)))
    }

    /// Replaces the value unconditionally.
    pub fn set(&self, value: &T) -> Result<()> {
        self.store(value, 0).map(drop)
    }

    /// Replaces the value by the result of `change`, atomically across all workers. If another worker changes
    /// the value first, `change` is called again with the new value. After `attempts` failed attempts,
    /// returns [`Error::Contended`].
    pub fn update(&self, attempts: u32, mut change: impl FnMut(Option<T>) -> T) -> Result<T> {
        // This closure always returns a value, so `update_if` never returns `None`.
        self.update_if(attempts, |current| Some(change(current)))?.ok_or(Error::Contended)
    }

    /// Like [`update`](Self::update). If `change` returns `None`, leaves the value unchanged and returns
    /// `None`.
    pub fn update_if(
        &self,
        attempts: u32,
        mut change: impl FnMut(Option<T>) -> Option<T>,
    ) -> Result<Option<T>> {
        for _ in 0..attempts {
            let (current, cas) = match Host.get(self.key.as_bytes())? {
                Some((bytes, cas)) => (read(&bytes), cas),
                // The cell is empty. Any CAS number except 0 inserts the value, unless another worker has
                // inserted one meanwhile. The number is random, because it must not equal the number of that
                // other value.
                None => (None, u32::from_le_bytes(random::bytes()?).max(1)),
            };
            let Some(next) = change(current) else { return Ok(None) };
            if self.store(&next, cas)? {
                return Ok(Some(next));
            }
        }
        Err(Error::Contended)
    }

    fn store(&self, value: &T, cas: u32) -> Result<bool> {
        let mut bytes = vec![T::VERSION];
        value.encode(&mut bytes);
        Host.set(self.key.as_bytes(), &bytes, cas)
    }
}

fn read<T: Record>(bytes: &[u8]) -> Option<T> {
    let (version, record) = bytes.split_first()?;
    (*version == T::VERSION).then(|| T::decode(record))?
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, PartialEq)]
    struct Count(u32);

    impl Record for Count {
        const VERSION: u8 = 2;

        fn encode(&self, out: &mut Vec<u8>) {
            out.extend_from_slice(&self.0.to_le_bytes());
        }

        fn decode(bytes: &[u8]) -> Option<Self> {
            bytes.try_into().ok().map(|b| Self(u32::from_le_bytes(b)))
        }
    }

    #[test]
    fn a_record_of_another_version_or_length_reads_as_absent() {
        assert_eq!(read(&[2, 7, 0, 0, 0]), Some(Count(7)));
        assert_eq!(read::<Count>(&[1, 7, 0, 0, 0]), None);
        assert_eq!(read::<Count>(&[2, 7, 0]), None);
        assert_eq!(read::<Count>(&[]), None);
    }
}
