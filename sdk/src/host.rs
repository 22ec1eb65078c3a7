//! Host calls with Rust types: they take slices, return owned bytes, and map each status to a [`Result`].

use crate::error::{Name, Result};
use crate::{Error, Status, abi};

/// The header maps (`WasmHeaderMapType`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u32)]
pub(crate) enum Map {
    RequestHeaders = 0,
    RequestTrailers = 1,
    ResponseHeaders = 2,
    ResponseTrailers = 3,
    GrpcInitialMetadata = 4,
    GrpcTrailingMetadata = 5,
    CallHeaders = 6,
    CallTrailers = 7,
}

impl Map {
    /// Returns the direction of the message whose headers these are.
    pub(crate) fn message(self) -> Option<Direction> {
        match self {
            Self::RequestHeaders => Some(Direction::Request),
            Self::ResponseHeaders => Some(Direction::Response),
            _ => None,
        }
    }
}

/// The buffers (`WasmBufferType`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u32)]
pub(crate) enum Buffer {
    RequestBody = 0,
    ResponseBody = 1,
    DownstreamData = 2,
    UpstreamData = 3,
    CallBody = 4,
    GrpcMessage = 5,
    PluginConfiguration = 7,
}

/// The directions of a stream (`WasmStreamType`). Those of a TCP connection follow: see [`connection`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u32)]
pub(crate) enum Direction {
    Request = 0,
    Response = 1,
}

impl Direction {
    /// Returns the buffer of the body.
    pub(crate) fn body(self) -> Buffer {
        match self {
            Self::Request => Buffer::RequestBody,
            Self::Response => Buffer::ResponseBody,
        }
    }
}

pub(crate) fn check(call: &'static str, raw: u32) -> Result<()> {
    match Status::from_raw(raw) {
        Status::Ok => Ok(()),
        status => Err(Error::Host { call, status }),
    }
}

/// Like [`check`], for a call to a cluster.
pub(crate) fn check_callout(call: &'static str, cluster: &str, raw: u32) -> Result<()> {
    match Status::from_raw(raw) {
        Status::Ok => Ok(()),
        status => Err(Error::Callout { call, cluster: Name::new(cluster.as_bytes()), status }),
    }
}

/// Like [`check`], for calls that return `NotFound` in normal operation.
pub(crate) fn check_found(call: &'static str, raw: u32) -> Result<bool> {
    match Status::from_raw(raw) {
        Status::Ok => Ok(true),
        Status::NotFound => Ok(false),
        status => Err(Error::Host { call, status }),
    }
}

/// Bytes that a call returns through two pointers.
pub(crate) struct Returned {
    pub(crate) bytes: *mut u8,
    pub(crate) len: usize,
}

impl Returned {
    pub(crate) const fn nothing() -> Self {
        Self { bytes: std::ptr::null_mut(), len: 0 }
    }

    /// Takes ownership of the bytes that the host allocated. For an empty value the host allocates nothing
    /// and leaves the pointer null.
    pub(crate) fn take(self) -> Vec<u8> {
        if self.bytes.is_null() || self.len == 0 {
            return Vec::new();
        }
        // SAFETY: `proxy_on_memory_allocate` allocated it with this length, from the allocator that `Vec`
        // uses.
        unsafe { Vec::from_raw_parts(self.bytes, self.len, self.len) }
    }
}

pub(crate) fn map_pairs(map: Map) -> Result<Vec<u8>> {
    let mut out = Returned::nothing();
    // SAFETY: in this and all calls below, pointers are to live values of the given lengths.
    check("get_header_map_pairs", unsafe {
        abi::proxy_get_header_map_pairs(map as u32, &mut out.bytes, &mut out.len)
    })?;
    Ok(out.take())
}

pub(crate) fn map_first(map: Map, name: &[u8]) -> Result<Option<Vec<u8>>> {
    let mut out = Returned::nothing();
    let raw = unsafe {
        abi::proxy_get_header_map_value(map as u32, name.as_ptr(), name.len(), &mut out.bytes, &mut out.len)
    };
    Ok(check_found("get_header_map_value", raw)?.then(|| out.take()))
}

pub(crate) fn map_add(map: Map, name: &[u8], value: &[u8]) -> Result<()> {
    check("add_header_map_value", unsafe {
        abi::proxy_add_header_map_value(map as u32, name.as_ptr(), name.len(), value.as_ptr(), value.len())
    })
}

pub(crate) fn map_set(map: Map, name: &[u8], value: &[u8]) -> Result<()> {
    check("replace_header_map_value", unsafe {
        abi::proxy_replace_header_map_value(
            map as u32,
            name.as_ptr(),
            name.len(),
            value.as_ptr(),
            value.len(),
        )
    })
}

pub(crate) fn map_remove(map: Map, name: &[u8]) -> Result<()> {
    check("remove_header_map_value", unsafe {
        abi::proxy_remove_header_map_value(map as u32, name.as_ptr(), name.len())
    })
}

/// Returns up to `max` bytes from the start of a buffer. The result is empty if the host has no such buffer
/// now.
pub(crate) fn buffer(buffer: Buffer, max: usize) -> Result<Vec<u8>> {
    buffer_from(buffer, 0, max)
}

/// Returns up to `max` bytes of a buffer from `start`.
pub(crate) fn buffer_from(buffer: Buffer, start: usize, max: usize) -> Result<Vec<u8>> {
    let mut out = Returned::nothing();
    let raw = unsafe { abi::proxy_get_buffer_bytes(buffer as u32, start, max, &mut out.bytes, &mut out.len) };
    check_found("get_buffer_bytes", raw)?;
    Ok(out.take())
}

/// Returns the number of bytes in a buffer.
pub(crate) fn buffer_len(buffer: Buffer) -> Result<usize> {
    let (mut len, mut flags) = (0, 0);
    // SAFETY: the pointers are to live values.
    check("get_buffer_status", unsafe { abi::proxy_get_buffer_status(buffer as u32, &mut len, &mut flags) })?;
    Ok(len)
}

/// Replaces a part of a buffer. With `start` 0, Envoy drains `len` bytes and prepends. With `start` at or
/// past the end, it appends. It rejects any `start` between.
pub(crate) fn set_buffer(buffer: Buffer, start: usize, len: usize, bytes: &[u8]) -> Result<()> {
    check("set_buffer_bytes", unsafe {
        abi::proxy_set_buffer_bytes(buffer as u32, start, len, bytes.as_ptr(), bytes.len())
    })
}

pub(crate) fn property(path: &str) -> Result<Option<Vec<u8>>> {
    let mut out = Returned::nothing();
    let raw = unsafe { abi::proxy_get_property(path.as_ptr(), path.len(), &mut out.bytes, &mut out.len) };
    Ok(check_found("get_property", raw)?.then(|| out.take()))
}

pub(crate) fn set_property(path: &str, value: &[u8]) -> Result<()> {
    check("set_property", unsafe {
        abi::proxy_set_property(path.as_ptr(), path.len(), value.as_ptr(), value.len())
    })
}

pub(crate) fn send_local_response(
    status: u16,
    details: &str,
    headers: &[u8],
    body: &[u8],
    grpc_status: i32,
) -> Result<()> {
    check("send_local_response", unsafe {
        abi::proxy_send_local_response(
            status.into(),
            details.as_ptr(),
            details.len(),
            body.as_ptr(),
            body.len(),
            headers.as_ptr(),
            headers.len(),
            grpc_status,
        )
    })
}

pub(crate) fn continue_stream(direction: Direction) -> Result<()> {
    check("continue_stream", unsafe { abi::proxy_continue_stream(direction as u32) })
}

pub(crate) fn close_stream(direction: Direction) -> Result<()> {
    check("close_stream", unsafe { abi::proxy_close_stream(direction as u32) })
}

/// Calls for TCP connections. Their stream types are 2, downstream, and 3, upstream.
pub(crate) mod connection {
    use super::{Direction, abi, check};
    use crate::error::Result;

    const DOWNSTREAM: u32 = 2;

    /// Resumes what the client sends. Fails for what the upstream sends: Envoy has no such call.
    pub(crate) fn resume(direction: Direction) -> Result<()> {
        // SAFETY: numbers only, here and below.
        check("continue_stream", unsafe { abi::proxy_continue_stream(DOWNSTREAM + direction as u32) })
    }

    /// Closes the connection to the client. Envoy then closes the one to the upstream.
    pub(crate) fn close() -> Result<()> {
        check("close_stream", unsafe { abi::proxy_close_stream(DOWNSTREAM) })
    }
}

pub(crate) fn set_effective_context(context: u32) -> Result<()> {
    check("set_effective_context", unsafe { abi::proxy_set_effective_context(context) })
}

pub(crate) fn set_tick_period(milliseconds: u32) -> Result<()> {
    check("set_tick_period_milliseconds", unsafe { abi::proxy_set_tick_period_milliseconds(milliseconds) })
}

/// Returns the status code and the message of the callout that failed last. The message can contain any
/// bytes.
pub(crate) fn last_status() -> Result<(u32, Vec<u8>)> {
    let (mut code, mut text) = (0, Returned::nothing());
    check("get_status", unsafe { abi::proxy_get_status(&mut code, &mut text.bytes, &mut text.len) })?;
    Ok((code, text.take()))
}
