//! What the filters asked of the host, and what the host was told to answer instead.
//!
//! A trap says where a filter stopped, hardly ever why. The host calls just before it do; so every call is kept, with
//! its arguments as a reader would write them, and a trap is reported with the last of them.

use super::state::Status;
use std::collections::VecDeque;

/// Lines kept. A run that makes more calls than this is a load test, and its last ones are what matters.
const KEPT: usize = 16_384;
/// Lines that a trap is reported with.
const TOLD: usize = 20;
/// Bytes of one argument that are shown.
const SHOWN: usize = 120;

/// The host calls of a run, one a line.
#[derive(Debug, Default)]
pub struct Trace(VecDeque<String>);

impl Trace {
    pub(crate) fn push(&mut self, line: String) {
        if self.0.len() == KEPT {
            self.0.pop_front();
        }
        self.0.push_back(line);
    }

    /// All lines, in order.
    pub fn lines(&self) -> Vec<String> {
        self.0.iter().cloned().collect()
    }

    pub(crate) fn last(&self) -> Vec<String> {
        self.0.iter().skip(self.0.len().saturating_sub(TOLD)).cloned().collect()
    }
}

/// A filter that was stopped by the engine: a trap, `proc_exit`, or the end of its patience.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Trap {
    /// The callback, as exported: `proxy_on_request_headers`, or `_initialize`.
    pub callback: String,
    /// The context it was called with.
    pub context: u32,
    /// The thread: 0 is the main thread, 1 the first worker.
    pub thread: usize,
    /// What the engine says, with the names of functions where the module has them.
    pub reason: String,
    /// The last host calls before it.
    pub calls: Vec<String>,
}

/// Which calls of a name a fault strikes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Which {
    /// Every one.
    All,
    /// The nth since the start of the emulator; the first is 1.
    Nth(u32),
}

/// What comes in place of the call. Nothing of what was asked for is done, and no result is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Effect {
    /// The call answers this.
    Answer(Status),
    /// The VM traps in the call.
    Trap,
}

#[derive(Debug)]
struct Fault {
    call: String,
    which: Which,
    effect: Effect,
    seen: u32,
}

/// The faults that a test has ordered.
#[derive(Debug, Default)]
pub struct Faults(Vec<Fault>);

impl Faults {
    pub(crate) fn add(&mut self, call: &str, which: Which, effect: Effect) {
        self.0.push(Fault { call: call.into(), which, effect, seen: 0 });
    }

    /// Whether it matters how many calls of this name there were before.
    pub(crate) fn counts(&self, call: &str) -> bool {
        self.0.iter().any(|fault| fault.call == call && fault.which != Which::All)
    }

    /// What is to happen in place of this call, if anything.
    pub(crate) fn strike(&mut self, call: &str) -> Option<Effect> {
        let mut effect = None;
        for fault in self.0.iter_mut().filter(|f| f.call == call) {
            fault.seen += 1;
            if fault.which == Which::All || fault.which == Which::Nth(fault.seen) {
                effect = effect.or(Some(fault.effect));
            }
        }
        effect
    }
}

/// Bytes as a reader would write them, cut when long.
pub(crate) fn show(bytes: &[u8]) -> String {
    match bytes.get(..SHOWN) {
        Some(start) if bytes.len() > SHOWN => format!("\"{}\"..{} bytes", start.escape_ascii(), bytes.len()),
        _ => format!("\"{}\"", bytes.escape_ascii()),
    }
}

/// Pairs as a reader would write them.
pub(crate) fn show_pairs(pairs: &[(Vec<u8>, Vec<u8>)]) -> String {
    let each: Vec<_> = pairs.iter().map(|(k, v)| format!("{}: {}", k.escape_ascii(), show(v))).collect();
    format!("{{{}}}", each.join(", "))
}
