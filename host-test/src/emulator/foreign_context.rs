//! What foreign functions get to see.

use super::context::Prototype;
use super::foreign::{Expressions, ForeignContext};
use super::proxy::stream::FilterState;
use super::state::{Status, Value};
use super::world::World;

/// The context a foreign function is called from.
pub(crate) struct Here<'a> {
    pub world: &'a mut World,
    pub vm: usize,
    pub id: u32,
    /// The context whose callback is running.
    pub current: u32,
}

impl ForeignContext for Here<'_> {
    fn property(&self, path: &[&str]) -> Option<Value> {
        // Expressions are about the context that was called, whichever is in effect.
        super::properties::find(self.world, self.vm, self.current, path)
    }

    fn is_stream(&self) -> bool {
        self.world.stream_of(self.vm, self.id).is_some()
            || self.world.connection_of(self.vm, self.id).is_some()
    }

    /// Each request has a connection of its own, so that all spans are as long as the stream; but what has one span does
    /// not take the place of what has another.
    fn set_filter_state(&mut self, key: &str, value: Vec<u8>, span: u32) -> Status {
        let Some(states) = self.world.filter_state(self.vm, self.id) else { return Status::NotFound };
        if states.get(key).is_none_or(|old| old.span == span) {
            states.insert(key.into(), FilterState { value, readonly: false, kind: 1, span });
        }
        Status::Ok
    }

    fn declare_property(&mut self, name: &str, readonly: bool, kind: u32, _span: u32) -> Status {
        // In the context that was called, whichever is in effect; a stream looks at those of its root context alone.
        let (vm, id) = (self.vm, self.current);
        self.world.context_mut(vm, id).root.declare(name, Prototype { readonly, kind })
    }

    fn clear_route_cache(&mut self) {
        self.world.clear_route_cache(self.vm, self.id);
    }

    fn expressions(&mut self) -> &mut Expressions {
        let vm = self.vm;
        let root = self.world.root_of(vm, self.current);
        &mut self.world.context_mut(vm, root).root.expressions
    }
}
