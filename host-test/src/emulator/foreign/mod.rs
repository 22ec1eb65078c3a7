//! Foreign functions: what Envoy offers beside the ABI, in `source/extensions/common/wasm/foreign.cc`.
//!
//! These ten are all there are in Envoy 1.40. Each takes bytes and gives bytes, and reaches the host through
//! [`ForeignContext`] alone, so that what a function answers can be compared with Envoy without running a module.

mod attributes;
mod conversions;
mod expressions;
mod filter_state;
mod keys;
mod proto;
mod signatures;
#[cfg(test)]
mod tests;
mod zlib;

pub use expressions::Expressions;
pub use filter_state::read as read_filter_state;

use super::state::{Status, Value};

/// What a foreign function may want of the context it is called from.
pub trait ForeignContext {
    /// The property at `path`, as `get_property` would find it, or nothing.
    fn property(&self, path: &[&str]) -> Option<Value>;
    /// Whether this is a stream; otherwise it is a root context.
    fn is_stream(&self) -> bool;
    /// Stores a filter state object for `span`: 0 filter chain, 1 request, 2 connection.
    fn set_filter_state(&mut self, key: &str, value: Vec<u8>, span: u32) -> Status;
    /// Declares a property: `kind` 0 bytes, 1 string, 2 FlatBuffers, 3 protobuf; `span` as above.
    fn declare_property(&mut self, name: &str, readonly: bool, kind: u32, span: u32) -> Status;
    /// Makes the route be looked up again.
    fn clear_route_cache(&mut self);
    /// The expressions of the root context.
    fn expressions(&mut self) -> &mut Expressions;
}

/// Calls the function `name`.
///
/// Fails with [`Status::NotFound`] when there is none of this name, and with what the function fails with.
pub fn call(name: &[u8], args: &[u8], cx: &mut dyn ForeignContext) -> Result<Vec<u8>, Status> {
    match name {
        b"verify_signature" => signatures::verify(args),
        b"sign" => signatures::sign(args),
        b"compress" => zlib::compress(args),
        b"uncompress" => zlib::uncompress(args),
        b"set_envoy_filter_state" => filter_state::set(args, cx),
        b"declare_property" => filter_state::declare(args, cx),
        b"clear_route_cache" => {
            cx.clear_route_cache();
            Ok(Vec::new())
        }
        b"expr_create" => expressions::create(args, cx.expressions()),
        b"expr_evaluate" => expressions::evaluate(args, cx),
        b"expr_delete" => expressions::delete(args, cx.expressions()),
        _ => Err(Status::NotFound),
    }
}
