//! What the filters asked of the host.
//!
//! A trap says where a filter stopped, hardly ever why. The host calls just before it do; so every call is kept, with
//! its arguments, and a trap is reported with the last of them. A call costs more to write down as text than to carry
//! out, and hardly any is ever read: what is kept is bytes, which become a [`Call`] or a line when somebody looks.

mod diff;
pub(crate) mod value;

pub use diff::diff;
pub use value::Value;

use super::abi::Signature;
use super::state::Status;
use std::collections::VecDeque;
use std::fmt;

/// Calls kept, unless a test asks for more. A run that makes more than this is a load test, and its last calls are what
/// matters.
pub(crate) const KEPT: usize = 65_536;
/// Bytes of arguments and results kept beside that: bodies are large.
const KEPT_BYTES: usize = 64 << 20;
/// Calls that a trap is reported with.
const TOLD: usize = 20;

/// A host call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Call {
    /// The thread: 0 is the main thread, 1 the first worker.
    pub thread: usize,
    /// The context it was about: the one that was called, or the effective one.
    pub context: u32,
    /// The callback it was made in; empty while a module starts.
    pub callback: &'static str,
    /// Its name.
    pub name: &'static str,
    /// Its arguments with their names, without those that say where results go.
    pub args: Vec<(&'static str, Value)>,
    /// How it ended.
    pub end: End,
    /// What it gave.
    pub results: Vec<Value>,
}

/// How a host call ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum End {
    /// It answered with a status.
    Status(Status),
    /// It answered with a number that is no status, as those of WASI do.
    Number(u32),
    /// The VM was stopped in it, and why.
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

/// A call as it is kept: arguments and then results, one behind the other, in `data`.
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
    /// As a line.
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
    /// Something that is no call: a trap.
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

/// The host calls of a run: as many of the last ones as there is room for.
#[derive(Debug)]
pub(crate) struct Trace {
    entries: VecDeque<Entry>,
    room: usize,
    bytes: usize,
    forgotten: u64,
}

impl Default for Trace {
    fn default() -> Self {
        Self { entries: VecDeque::new(), room: KEPT, bytes: 0, forgotten: 0 }
    }
}

impl Trace {
    /// Keeps as many calls as this; none at all is faster.
    pub fn keep(&mut self, calls: usize) {
        self.room = calls;
        self.make_room(0);
    }

    /// Whether calls are kept at all.
    pub fn is_on(&self) -> bool {
        self.room > 0
    }

    /// A buffer for the next call; that of the oldest one, when there is no room for both.
    pub fn buffer(&mut self) -> Vec<u8> {
        if self.entries.len() < self.room {
            return Vec::with_capacity(64);
        }
        match self.forget() {
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

    /// Something that a reader of the calls should know.
    pub fn note(&mut self, text: String) {
        self.put(Entry::Note(text));
    }

    fn put(&mut self, entry: Entry) {
        if !self.is_on() {
            return;
        }
        self.make_room(entry.size());
        self.bytes += entry.size();
        self.entries.push_back(entry);
    }

    fn make_room(&mut self, size: usize) {
        while !self.entries.is_empty()
            && (self.entries.len() >= self.room.max(1) || self.bytes + size > KEPT_BYTES)
        {
            self.forget();
        }
    }

    fn forget(&mut self) -> Option<Entry> {
        let entry = self.entries.pop_front()?;
        self.bytes -= entry.size();
        self.forgotten += 1;
        Some(entry)
    }

    /// All lines, in order.
    pub fn lines(&self) -> Vec<String> {
        self.entries.iter().map(Entry::line).collect()
    }

    /// All calls, in order.
    pub fn calls(&self) -> Vec<Call> {
        let call = |entry: &Entry| match entry {
            Entry::Call(record) => Some(record.call()),
            Entry::Note(_) => None,
        };
        self.entries.iter().filter_map(call).collect()
    }

    /// Calls for which there was no room.
    pub fn forgotten(&self) -> u64 {
        self.forgotten
    }

    /// Forgets everything, having told it.
    pub fn take(&mut self) -> Vec<String> {
        let lines = self.lines();
        self.entries.clear();
        self.bytes = 0;
        lines
    }

    pub fn last(&self) -> Vec<String> {
        self.entries.iter().skip(self.entries.len().saturating_sub(TOLD)).map(Entry::line).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_oldest_make_room_for_the_newest() {
        let mut trace = Trace::default();
        trace.keep(3);
        (0..5).for_each(|n| trace.note(n.to_string()));
        assert_eq!((trace.lines(), trace.forgotten()), (vec!["2".into(), "3".into(), "4".into()], 2));
        trace.keep(0);
        trace.note("5".into());
        assert_eq!(trace.lines(), Vec::<String>::new());
    }

    #[test]
    fn large_ones_push_out_more_than_one() {
        let mut trace = Trace::default();
        (0..4).for_each(|_| trace.note("x".repeat(KEPT_BYTES / 4)));
        assert_eq!(trace.lines().len(), 4);
        trace.note("y".into());
        assert_eq!((trace.lines().len(), trace.forgotten()), (4, 1));
        assert!(trace.bytes <= KEPT_BYTES);
    }
}
