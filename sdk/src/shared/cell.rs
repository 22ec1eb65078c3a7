//! Values with types.

use super::store::{Host, Store};
use crate::{Error, Result, random};
use std::marker::PhantomData;

/// A value that can be kept in a [`Cell`].
pub trait Record: Sized {
    /// Changes whenever the encoding does: a record of another version reads as absent.
    const VERSION: u8;

    /// Appends the encoding.
    fn encode(&self, out: &mut Vec<u8>);

    /// Reads the encoding; `None` if it is not one, by length or otherwise.
    fn decode(bytes: &[u8]) -> Option<Self>;
}

/// One shared value. The host copies it on each access, so it should be small.
pub struct Cell<T> {
    key: String,
    value: PhantomData<T>,
}

impl<T: Record> Cell<T> {
    /// The cell `name` of this plugin.
    pub fn new(plugin: &str, name: &str) -> Self {
        Self { key: format!("{plugin}/{name}"), value: PhantomData }
    }

    /// What it holds; `None` if nothing, or a record of another version.
    pub fn get(&self) -> Result<Option<T>> {
        Ok(Host.get(self.key.as_bytes())?.and_then(|(bytes, _)| read(&bytes)))
    }

    /// Writes whatever it holds now.
    pub fn set(&self, value: &T) -> Result<()> {
        self.store(value, 0).map(drop)
    }

    /// Replaces what it holds by what `change` makes of it, atomically over all workers: `change` is called again
    /// with the new value when another worker was quicker, and [`Error::Contended`] is the answer after `attempts`.
    pub fn update(&self, attempts: u32, mut change: impl FnMut(Option<T>) -> T) -> Result<T> {
        // `Contended` is what is left if it was never stored, and never left as it was.
        self.update_if(attempts, |current| Some(change(current)))?.ok_or(Error::Contended)
    }

    /// Like [`update`](Self::update), but leaves what it holds if `change` makes nothing of it; then `None` is the answer.
    pub fn update_if(
        &self,
        attempts: u32,
        mut change: impl FnMut(Option<T>) -> Option<T>,
    ) -> Result<Option<T>> {
        for _ in 0..attempts {
            let (current, cas) = match Host.get(self.key.as_bytes())? {
                Some((bytes, cas)) => (read(&bytes), cas),
                // Absent: any number but 0 inserts, and is refused if another worker inserted meanwhile. A random
                // one, since it must not be the number that the other worker's record got.
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
