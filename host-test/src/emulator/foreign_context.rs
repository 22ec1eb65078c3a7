//! The context of a foreign function call.

use super::context::Prototype;
use super::foreign::{Expressions, ForeignContext};
use super::proxy::stream::FilterState;
use super::state::{Status, Value};
use super::world::World;

/// The context that calls a foreign function.
pub(crate) struct CallingContext<'a> {
    pub world: &'a mut World,
    pub vm: usize,
    pub id: u32,
    /// The context whose callback is running.
    pub current: u32,
}

impl ForeignContext for CallingContext<'_> {
    fn property(&self, path: &[&str]) -> Option<Value> {
        // Expressions read the context that was called, not the effective context.
        super::properties::find(self.world, self.vm, self.current, path)
    }

    fn is_stream(&self) -> bool {
        self.world.stream_of(self.vm, self.id).is_some()
            || self.world.connection_of(self.vm, self.id).is_some()
    }

    /// All life spans are as long as the stream, because each request has its own connection. State of one
    /// span still does not replace state of another.
    fn set_filter_state(&mut self, key: &str, value: Vec<u8>, span: u32) -> Status {
        let Some(states) = self.world.filter_state(self.vm, self.id) else { return Status::NotFound };
        if states.get(key).is_none_or(|old| old.span == span) {
            states.insert(key.into(), FilterState { value, readonly: false, kind: 1, span, native: true });
        }
        Status::Ok
    }

    fn declare_property(&mut self, name: &str, readonly: bool, kind: u32, _span: u32) -> Status {
        // The declaration goes to the context that was called, not to the effective one. A stream reads only
        // the declarations of its root context.
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
