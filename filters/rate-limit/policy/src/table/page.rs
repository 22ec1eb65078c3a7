//! A page as bytes.

/// Entries of a page.
pub const WAYS: usize = 16;

const ENTRY_BYTES: usize = 24;

/// Bytes of a page. All zeros is one without entries.
pub const PAGE_BYTES: usize = WAYS * ENTRY_BYTES;

/// What is kept of one rate of one key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Entry {
    /// Whose it is; 0 for nobody's.
    pub tag: u64,
    /// What is kept.
    pub state: crate::rate::State,
}

/// A page, where it is.
#[derive(Debug)]
pub struct Page<'a>(pub &'a mut [u8]);
