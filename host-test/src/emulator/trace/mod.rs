//! The trace: the host calls that filters made.
//!
//! A trap shows where a filter stopped, but hardly ever why. The host calls before it do. So every call is
//! kept with its arguments, and a trap is reported with the last ones. Formatting a call costs more than
//! executing it, and most calls are never read. They are therefore stored as bytes, and become a [`Call`] or
//! a line only when they are read.

mod diff;
pub(crate) mod value;

pub use diff::diff;
pub use value::Value;

use super::abi::Signature;
use super::state::Status;
use std::collections::{BTreeMap, VecDeque};
use std::fmt;

/// Default number of calls that are kept. A run with more is a load test, where the last calls matter most.
pub(crate) const KEPT: usize = 65_536;
/// Limit on the total bytes of arguments and results, because bodies are large.
const KEPT_BYTES: usize = 64 << 20;
/// Number of calls that a trap is reported with.
const CALLS_IN_TRAP: usize = 20;

/// A host call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Call {
    /// The thread: 0 is the main thread, 1 the first worker.
    pub thread: usize,
    /// The context that the call applied to: the one whose callback ran, or the effective one.
    pub context: u32,
    /// The callback that made the call; empty while a module starts.
    pub callback: &'static str,
    /// The name of the call.
    pub name: &'static str,
    /// The arguments with their names, without the addresses of results.
    pub args: Vec<(&'static str, Value)>,
    /// The outcome of the call.
    pub end: End,
    /// The results.
    pub results: Vec<Value>,
}

/// The outcome of a host call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum End {
    /// It returned a status.
    Status(Status),
    /// It returned a number that is not a status, as WASI calls do.
    Number(u32),
    /// The VM was stopped in the call, for this reason.
    Stopped(String),
}

impl fmt::Display for Call {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "[{}#{}] {}(", self.thread, self.context, self.name)?;
        for (place, (name, value)) in self.args.iter().enumerate() {
            write!(f, "{}{name}={value}", if place == 0 { "" } else { ", " })?;
        }
        match &self.end {
            End::Status(status) => write!(f, ") -> {status:?}")?,
            End::Number(number) => write!(f, ") -> {number}")?,
            End::Stopped(why) => write!(f, ") -> {why}")?,
        }
        self.results.iter().try_for_each(|result| write!(f, " {result}"))
    }
}

/// A stored call. `data` contains the arguments, followed by the results.
#[derive(Debug)]
pub(crate) struct Record {
    pub signature: &'static Signature,
    pub thread: usize,
    pub context: u32,
    pub callback: &'static str,
    pub data: Vec<u8>,
    pub end: Result<u32, String>,
}

impl Record {
    /// Formats the call as a line.
    pub fn line(&self) -> String {
        self.call().to_string()
    }

    fn call(&self) -> Call {
        let mut values = value::decode(&self.data);
        let args = self.signature.inputs().zip(&mut values).collect();
        let end = match &self.end {
            Ok(code) if self.signature.name.starts_with("proxy_") => {
                Status::ALL.get(*code as usize).map_or(End::Number(*code), |status| End::Status(*status))
            }
            Ok(code) => End::Number(*code),
            Err(why) => End::Stopped(why.clone()),
        };
        Call {
            thread: self.thread,
            context: self.context,
            callback: self.callback,
            name: self.signature.name,
            args,
            end,
            results: values.collect(),
        }
    }
}

#[derive(Debug)]
enum Entry {
    Call(Record),
    /// An entry that is not a call, such as a trap.
    Note(String),
}

impl Entry {
    fn size(&self) -> usize {
        match self {
            Entry::Call(record) => record.data.len(),
            Entry::Note(text) => text.len(),
        }
    }

    fn line(&self) -> String {
        match self {
            Entry::Call(record) => record.line(),
            Entry::Note(text) => text.clone(),
        }
    }
}

/// The last host calls of a run, up to a limit.
#[derive(Debug)]
pub(crate) struct Trace {
    entries: VecDeque<Entry>,
    capacity: usize,
    bytes: usize,
    dropped: u64,
    /// The number of calls that were dropped, by name.
    dropped_calls: BTreeMap<&'static str, u64>,
}

impl Default for Trace {
    fn default() -> Self {
        Self {
            entries: VecDeque::new(),
            capacity: KEPT,
            bytes: 0,
            dropped: 0,
            dropped_calls: BTreeMap::new(),
        }
    }
}

impl Trace {
    /// Sets the number of calls to keep. 0 turns the trace off, which is faster.
    pub fn keep(&mut self, calls: usize) {
        self.capacity = calls;
        self.evict(0);
    }

    /// Returns whether calls are kept.
    pub fn is_on(&self) -> bool {
        self.capacity > 0
    }

    /// Returns a buffer for the next call. If the trace is full, drops the oldest call and reuses its buffer.
    pub fn buffer(&mut self) -> Vec<u8> {
        if self.entries.len() < self.capacity {
            return Vec::with_capacity(64);
        }
        match self.drop_oldest() {
            Some(Entry::Call(mut record)) => {
                record.data.clear();
                record.data
            }
            _ => Vec::new(),
        }
    }

    pub fn push(&mut self, record: Record) {
        self.put(Entry::Call(record));
    }

    /// Adds a line that is not a call.
    pub fn note(&mut self, text: String) {
        self.put(Entry::Note(text));
    }

    fn put(&mut self, entry: Entry) {
        if !self.is_on() {
            return;
        }
        self.evict(entry.size());
        self.bytes += entry.size();
        self.entries.push_back(entry);
    }

    fn evict(&mut self, size: usize) {
        while !self.entries.is_empty()
            && (self.entries.len() >= self.capacity.max(1) || self.bytes + size > KEPT_BYTES)
        {
            self.drop_oldest();
        }
    }

    fn drop_oldest(&mut self) -> Option<Entry> {
        let entry = self.entries.pop_front()?;
        self.bytes -= entry.size();
        self.dropped += 1;
        if let Entry::Call(record) = &entry {
            *self.dropped_calls.entry(record.signature.name).or_default() += 1;
        }
        Some(entry)
    }

    /// Returns all lines, in order.
    pub fn lines(&self) -> Vec<String> {
        self.entries.iter().map(Entry::line).collect()
    }

    /// Returns all calls, in order.
    pub fn calls(&self) -> Vec<Call> {
        let call = |entry: &Entry| match entry {
            Entry::Call(record) => Some(record.call()),
            Entry::Note(_) => None,
        };
        self.entries.iter().filter_map(call).collect()
    }

    /// Returns the number of calls by name, including those that were dropped.
    pub fn counts(&self) -> BTreeMap<String, u64> {
        let mut counts = self.dropped_calls.clone();
        for entry in &self.entries {
            if let Entry::Call(record) = entry {
                *counts.entry(record.signature.name).or_default() += 1;
            }
        }
        counts.into_iter().map(|(name, count)| (name.to_owned(), count)).collect()
    }

    /// Returns the number of entries that were dropped.
    pub fn dropped(&self) -> u64 {
        self.dropped
    }

    /// Returns all lines and clears the trace.
    pub fn take(&mut self) -> Vec<String> {
        let lines = self.lines();
        self.entries.clear();
        self.bytes = 0;
        lines
    }

    pub fn last(&self) -> Vec<String> {
        self.entries.iter().skip(self.entries.len().saturating_sub(CALLS_IN_TRAP)).map(Entry::line).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_oldest_entries_are_dropped_first() {
        let mut trace = Trace::default();
        trace.keep(3);
        (0..5).for_each(|n| trace.note(n.to_string()));
        assert_eq!((trace.lines(), trace.dropped()), (vec!["2".into(), "3".into(), "4".into()], 2));
        trace.keep(0);
        trace.note("5".into());
        assert_eq!(trace.lines(), Vec::<String>::new());
    }

    #[test]
    fn a_large_entry_drops_several_small_ones() {
        let mut trace = Trace::default();
        (0..4).for_each(|_| trace.note("x".repeat(KEPT_BYTES / 4)));
        assert_eq!(trace.lines().len(), 4);
        trace.note("y".into());
        assert_eq!((trace.lines().len(), trace.dropped()), (4, 1));
        assert!(trace.bytes <= KEPT_BYTES);
    }
}
