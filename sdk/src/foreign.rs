//! Foreign functions: functions of the host, called by name. They run natively and cost a fraction of the
//! same code in Wasm.

use crate::error::Result;
use crate::{abi, host};

/// Calls the function `name` with serialised arguments. Returns `None` if the host has no such function.
pub fn call(name: &str, args: &[u8]) -> Result<Option<Vec<u8>>> {
    let mut out = host::Returned::nothing();
    // SAFETY: pointers are to live values of the given lengths.
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
