//! Traps: why and where a filter was stopped, and its last host calls.

use super::abi::Stop;
use super::linking;
use crate::CallbackTrap;
use std::fmt;
use wasmtime::WasmBacktrace;

/// The beginning of the reason, if the host called the allocator of the module.
pub(crate) const ALLOCATOR: &str = "the allocator failed";

/// A filter that the engine stopped: a trap, `proc_exit`, or an exceeded limit of time or instructions.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Trap {
    /// The callback's export name, for example `proxy_on_request_headers`, or `_initialize`.
    pub callback: String,
    /// The context that the callback was called with.
    pub context: u32,
    /// The thread: 0 is the main thread, 1 the first worker.
    pub thread: usize,
    /// The reason, in the engine's words.
    pub reason: String,
    /// The call stack, innermost function first, at most 20 frames. Empty if the trap was not in a function.
    pub frames: Vec<Frame>,
    /// The last host calls before the trap.
    pub calls: Vec<String>,
}

/// A stack frame of a trap.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Frame {
    /// The demangled name of the function, if the module has names.
    pub name: Option<String>,
    /// The index of the function in the module.
    pub number: u32,
    /// The offset in the module, in bytes.
    pub offset: Option<usize>,
}

impl Trap {
    pub(crate) fn of_outcome(&self) -> CallbackTrap {
        let reason = format!("{}{}", self.reason, format_frames(&self.frames));
        let callback = if reason.starts_with(ALLOCATOR) { "malloc" } else { &self.callback };
        CallbackTrap { callback: callback.to_owned(), reason }
    }
}

impl fmt::Display for Frame {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.name {
            Some(name) => write!(f, "{name}")?,
            None => write!(f, "function {}", self.number)?,
        }
        self.offset.map_or(Ok(()), |offset| write!(f, " (at {offset:#x})"))
    }
}

impl fmt::Display for Trap {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { callback, context, thread, reason, .. } = self;
        write!(f, "{callback} of context {context} on thread {thread}: {reason}")?;
        f.write_str(&format_frames(&self.frames))?;
        self.calls.iter().try_for_each(|call| write!(f, "\n  after {call}"))
    }
}

/// Formats frames, one per line with a leading line break. Adds a hint if no frame has a name.
pub(crate) fn format_frames(frames: &[Frame]) -> String {
    let mut out: String = frames.iter().map(|frame| format!("\n  in {frame}")).collect();
    if !frames.is_empty() && frames.iter().all(|frame| frame.name.is_none()) {
        out += "\n  (the module has no names; keep them with `tollgate-pack --keep-names` or, in a test, \
                        `Wasm::package_named`)";
    }
    out
}

/// The reason why the engine stopped a call, and the stack.
#[derive(Debug)]
pub(crate) struct Failure {
    pub reason: String,
    pub frames: Vec<Frame>,
}

impl Failure {
    pub fn from_error(error: &wasmtime::Error) -> Self {
        let frames = error.downcast_ref::<WasmBacktrace>().map(frames).unwrap_or_default();
        let trap = error.downcast_ref::<wasmtime::Trap>();
        let reason = match (error.downcast_ref::<Stop>(), trap) {
            (Some(stop), _) => stop.to_string(),
            (_, Some(wasmtime::Trap::Interrupt)) => "exceeded its time limit".into(),
            (_, Some(wasmtime::Trap::OutOfFuel)) => "exceeded its instruction limit".into(),
            (_, Some(trap)) => trap.to_string(),
            _ => linking::chain(error),
        };
        Self { reason, frames }
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}{}", self.reason, format_frames(&self.frames))
    }
}

fn frames(trace: &WasmBacktrace) -> Vec<Frame> {
    let frame = |frame: &wasmtime::FrameInfo| Frame {
        // The alternate format omits the hash of a mangled name.
        name: frame.func_name().map(|name| format!("{:#}", rustc_demangle::demangle(name))),
        number: frame.func_index(),
        offset: frame.module_offset(),
    };
    trace.frames().iter().map(frame).collect()
}
