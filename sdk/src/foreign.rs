//! Functions that the host offers by name, which run natively and cost a fraction of what Wasm would.

use crate::{Result, abi, host};

/// Calls `name` with serialised arguments; `None` if the host has no such function.
pub fn call(name: &str, args: &[u8]) -> Result<Option<Vec<u8>>> {
    let mut out = host::Returned::nothing();
    // SAFETY: pointers are to live values of the lengths given.
    let raw = unsafe {
        abi::proxy_call_foreign_function(
            name.as_ptr(),
            name.len(),
            args.as_ptr(),
            args.len(),
            &mut out.bytes,
            &mut out.len,
        )
    };
    Ok(host::check_found("call_foreign_function", raw)?.then(|| out.take()))
}
