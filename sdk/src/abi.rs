//! The host calls of proxy-wasm ABI 0.2.1 at the level of Wasm: all parameters and results are numbers.
//!
//! The SDK does not use the `proxy-wasm` crate for these calls. That crate returns statuses as a Rust enum
//! with eight of the thirteen values, so receiving one of the other five is undefined behaviour. It also
//! panics on most errors, and a panic destroys the VM of the worker with all requests in it.
//!
//! On targets other than Wasm, every call returns [`Status::Unimplemented`](crate::Status), so filters and
//! this crate can be checked, documented and unit-tested natively.

macro_rules! host_calls {
    ($($(#[$meta:meta])* fn $name:ident($($arg:ident: $type:ty),*);)*) => {
        #[cfg(target_arch = "wasm32")]
        #[link(wasm_import_module = "env")]
        unsafe extern "C" {
            $($(#[$meta])* pub fn $name($($arg: $type),*) -> u32;)*
        }

        $(
            $(#[$meta])*
            #[cfg(not(target_arch = "wasm32"))]
            #[allow(clippy::too_many_arguments, reason = "the ABI's signature")]
            pub unsafe fn $name($(_: $type),*) -> u32 {
                crate::Status::Unimplemented as u32
            }
        )*
    };
}

host_calls! {
    fn proxy_log(level: u32, text: *const u8, len: usize);
    fn proxy_get_log_level(level: *mut u32);
    fn proxy_get_status(code: *mut u32, text: *mut *mut u8, len: *mut usize);
    fn proxy_get_current_time_nanoseconds(time: *mut u64);
    fn proxy_set_tick_period_milliseconds(period: u32);
    fn proxy_get_property(path: *const u8, len: usize, value: *mut *mut u8, value_len: *mut usize);
    fn proxy_set_property(path: *const u8, len: usize, value: *const u8, value_len: usize);
    fn proxy_get_header_map_value(
        map: u32, key: *const u8, key_len: usize, value: *mut *mut u8, value_len: *mut usize
    );
    fn proxy_add_header_map_value(map: u32, key: *const u8, key_len: usize, value: *const u8, value_len: usize);
    fn proxy_replace_header_map_value(map: u32, key: *const u8, key_len: usize, value: *const u8, value_len: usize);
    fn proxy_remove_header_map_value(map: u32, key: *const u8, key_len: usize);
    fn proxy_get_header_map_pairs(map: u32, pairs: *mut *mut u8, len: *mut usize);
    fn proxy_get_buffer_bytes(buffer: u32, start: usize, max: usize, bytes: *mut *mut u8, len: *mut usize);
    fn proxy_get_buffer_status(buffer: u32, len: *mut usize, flags: *mut u32);
    fn proxy_set_buffer_bytes(buffer: u32, start: usize, len: usize, bytes: *const u8, bytes_len: usize);
    fn proxy_send_local_response(
        status: u32, details: *const u8, details_len: usize, body: *const u8, body_len: usize,
        headers: *const u8, headers_len: usize, grpc_status: i32
    );
    fn proxy_continue_stream(stream: u32);
    fn proxy_close_stream(stream: u32);
    fn proxy_set_effective_context(context: u32);
    fn proxy_http_call(
        cluster: *const u8, cluster_len: usize, headers: *const u8, headers_len: usize,
        body: *const u8, body_len: usize, trailers: *const u8, trailers_len: usize,
        timeout_ms: u32, token: *mut u32
    );
    fn proxy_grpc_call(
        target: *const u8, target_len: usize, service: *const u8, service_len: usize,
        method: *const u8, method_len: usize, metadata: *const u8, metadata_len: usize,
        message: *const u8, message_len: usize, timeout_ms: u32, token: *mut u32
    );
    fn proxy_grpc_stream(
        target: *const u8, target_len: usize, service: *const u8, service_len: usize,
        method: *const u8, method_len: usize, metadata: *const u8, metadata_len: usize, token: *mut u32
    );
    fn proxy_grpc_send(token: u32, message: *const u8, message_len: usize, end_of_stream: u32);
    fn proxy_grpc_close(token: u32);
    fn proxy_grpc_cancel(token: u32);
    fn proxy_get_shared_data(
        key: *const u8, key_len: usize, value: *mut *mut u8, value_len: *mut usize, cas: *mut u32
    );
    fn proxy_set_shared_data(key: *const u8, key_len: usize, value: *const u8, value_len: usize, cas: u32);
    fn proxy_register_shared_queue(name: *const u8, len: usize, token: *mut u32);
    fn proxy_resolve_shared_queue(
        vm: *const u8, vm_len: usize, name: *const u8, name_len: usize, token: *mut u32
    );
    fn proxy_enqueue_shared_queue(token: u32, item: *const u8, len: usize);
    fn proxy_dequeue_shared_queue(token: u32, item: *mut *mut u8, len: *mut usize);
    fn proxy_define_metric(kind: u32, name: *const u8, len: usize, id: *mut u32);
    fn proxy_increment_metric(id: u32, by: i64);
    fn proxy_record_metric(id: u32, value: u64);
    fn proxy_get_metric(id: u32, value: *mut u64);
    fn proxy_call_foreign_function(
        name: *const u8, name_len: usize, args: *const u8, args_len: usize,
        result: *mut *mut u8, result_len: *mut usize
    );
}

/// The exports that every module needs: the ABI marker, the initialiser and the allocator. The `proxy-wasm`
/// crate has its own.
#[cfg(all(target_arch = "wasm32", not(feature = "proxy-wasm")))]
mod exports {
    use std::alloc::{Layout, alloc};

    unsafe extern "C" {
        fn __wasm_call_ctors();
    }

    #[unsafe(no_mangle)]
    extern "C" fn proxy_abi_version_0_2_1() {}

    // Without this `_initialize`, a Rust cdylib would run its constructors around every callback.
    #[unsafe(no_mangle)]
    extern "C" fn _initialize() {
        // SAFETY: the host calls this function once, before any other.
        unsafe { __wasm_call_ctors() }
    }

    /// Allocates memory for a value that the host returns; `host::Returned::take` turns it into a `Vec`.
    /// Returns null if memory is exhausted. The host reports null as a status, whereas an abort would destroy
    /// the VM.
    #[unsafe(no_mangle)]
    extern "C" fn proxy_on_memory_allocate(size: usize) -> *mut u8 {
        match Layout::array::<u8>(size) {
            // SAFETY: the layout is not of size zero.
            Ok(layout) if size > 0 => unsafe { alloc(layout) },
            _ => std::ptr::null_mut(),
        }
    }
}
