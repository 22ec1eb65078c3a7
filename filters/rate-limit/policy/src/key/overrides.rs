//! Which override is about a key.

use crate::plan::Override;

/// The overrides of a limit, in their order.
#[derive(Debug, Default)]
pub struct Overrides {
    list: Vec<Override>,
}

impl Overrides {
    /// Of a limit.
    pub fn new(list: Vec<Override>) -> Self {
        Self { list }
    }

    /// All of them, in their order.
    pub fn list(&self) -> &[Override] {
        &self.list
    }
}
