//! Foreign functions: Envoy's extensions of the ABI, in `source/extensions/common/wasm/foreign.cc`.
//!
//! Envoy 1.40 has exactly these ten. Each takes bytes and returns bytes, and accesses the host only through
//! [`ForeignContext`], so its results can be compared with Envoy without running a module.

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

/// The part of the host that foreign functions use.
pub trait ForeignContext {
    /// Returns the property at `path`, as `proxy_get_property` finds it.
    fn property(&self, path: &[&str]) -> Option<Value>;
    /// Returns whether this is a stream context. Otherwise it is a root context.
    fn is_stream(&self) -> bool;
    /// Stores a filter state object for `span`: 0 filter chain, 1 request, 2 connection.
    fn set_filter_state(&mut self, key: &str, value: Vec<u8>, span: u32) -> Status;
    /// Declares a property. `kind`: 0 bytes, 1 string, 2 FlatBuffers, 3 protobuf. `span` is as in
    /// `set_filter_state`.
    fn declare_property(&mut self, name: &str, readonly: bool, kind: u32, span: u32) -> Status;
    /// Makes the router look up the route again.
    fn clear_route_cache(&mut self);
    /// Returns the expressions of the root context.
    fn expressions(&mut self) -> &mut Expressions;
}

/// Calls a foreign function.
///
/// Fails with [`Status::NotFound`] if no function has this name, and otherwise with the function's own error.
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
