//! Filters that were stopped: where, why, and what they did before.

use super::abi::Stop;
use super::linking;
use std::fmt;
use wasmtime::WasmBacktrace;

/// A filter that was stopped by the engine: a trap, `proc_exit`, or the end of its patience.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Trap {
    /// The callback, as exported: `proxy_on_request_headers`, or `_initialize`.
    pub callback: String,
    /// The context it was called with.
    pub context: u32,
    /// The thread: 0 is the main thread, 1 the first worker.
    pub thread: usize,
    /// What the engine says.
    pub reason: String,
    /// The functions it was in, innermost first, at most 20. Empty, if it was stopped outside of any.
    pub frames: Vec<Frame>,
    /// The last host calls before it.
    pub calls: Vec<String>,
}

/// A function that a trap was in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Frame {
    /// Its name as its author wrote it, if the module has names.
    pub name: Option<String>,
    /// Its number in the module.
    pub number: u32,
    /// Where in the module, in bytes.
    pub offset: Option<usize>,
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
        f.write_str(&told(&self.frames))?;
        self.calls.iter().try_for_each(|call| write!(f, "\n  after {call}"))
    }
}

/// Frames, one a line, each behind a line end, and what to do if they say nothing.
pub(crate) fn told(frames: &[Frame]) -> String {
    let mut out: String = frames.iter().map(|frame| format!("\n  in {frame}")).collect();
    if !frames.is_empty() && frames.iter().all(|frame| frame.name.is_none()) {
        out += "\n  (the module has no names: packing drops them, and `tollgate-pack --keep-names` or, in a test, \
                `Wasm::package_named` does not)";
    }
    out
}

/// Why the engine stopped, and where.
#[derive(Debug)]
pub(crate) struct Failure {
    pub reason: String,
    pub frames: Vec<Frame>,
}

impl Failure {
    pub fn of(error: &wasmtime::Error) -> Self {
        let frames = error.downcast_ref::<WasmBacktrace>().map(frames).unwrap_or_default();
        let trap = error.downcast_ref::<wasmtime::Trap>();
        let reason = match (error.downcast_ref::<Stop>(), trap) {
            (Some(stop), _) => stop.to_string(),
            (_, Some(wasmtime::Trap::Interrupt)) => "still running when its time was up".into(),
            (_, Some(wasmtime::Trap::OutOfFuel)) => "still running when its instructions were used up".into(),
            (_, Some(trap)) => trap.to_string(),
            _ => linking::chain(error),
        };
        Self { reason, frames }
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}{}", self.reason, told(&self.frames))
    }
}

fn frames(trace: &WasmBacktrace) -> Vec<Frame> {
    let frame = |frame: &wasmtime::FrameInfo| Frame {
        // Without the hash that makes two functions of one name differ.
        name: frame.func_name().map(|name| format!("{:#}", rustc_demangle::demangle(name))),
        number: frame.func_index(),
        offset: frame.module_offset(),
    };
    trace.frames().iter().map(frame).collect()
}
