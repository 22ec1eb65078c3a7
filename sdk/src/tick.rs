//! The tick of a plugin, if the filters of a chain share it.

use crate::clock::UnixNanos;
use std::cell::RefCell;
use std::rc::Rc;

/// The deadlines of the filters of a chain, which share the tick of their plugin.
pub(crate) type Deadlines = Rc<RefCell<Vec<Option<UnixNanos>>>>;

/// The part of one filter in a shared tick.
#[derive(Clone)]
pub(crate) struct SharedTick {
    pub(crate) index: usize,
    pub(crate) deadlines: Deadlines,
}

impl SharedTick {
    /// Sets the next deadline of this filter. Returns the first of all filters.
    pub(crate) fn first_with(&self, own: Option<UnixNanos>) -> Option<UnixNanos> {
        let mut deadlines = self.deadlines.borrow_mut();
        if let Some(deadline) = deadlines.get_mut(self.index) {
            *deadline = own;
        }
        deadlines.iter().flatten().min().copied()
    }
}
