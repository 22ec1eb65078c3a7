//! What a plugin has under way: callouts by token, timers by deadline.
//!
//! The host knows one tick for each plugin; timers are multiplexed over it by always asking for the next deadline.

use crate::callout::{GrpcResult, HttpResult, grpc_cancel};
use crate::clock::{self, UnixNanos};
use crate::map::IdMap;
use crate::{Context, Flow, HttpFilter, Result, host};
use std::collections::BTreeMap;
use std::time::Duration;

/// Something to do later for a stream, and where the stream stood when it was asked for.
pub(crate) type ForStream<F, T> =
    Box<dyn FnOnce(&mut F, &mut <F as HttpFilter>::Stream, T, &mut Context<'_, F>) -> Result<Flow>>;
/// Something to do later for the plugin.
pub(crate) type ForPlugin<F, T> = Box<dyn FnOnce(&mut F, T, &mut Context<'_, F>)>;
/// Something to do again and again for the plugin.
pub(crate) type Repeated<F> = Box<dyn FnMut(&mut F, &mut Context<'_, F>)>;

pub(crate) enum Task<F: HttpFilter, T> {
    Stream(u32, host::Direction, ForStream<F, T>),
    Plugin(ForPlugin<F, T>),
}

impl<F: HttpFilter, T> Task<F, T> {
    fn stream(&self) -> Option<u32> {
        match self {
            Self::Stream(stream, ..) => Some(*stream),
            Self::Plugin(_) => None,
        }
    }
}

pub(crate) enum Timer<F: HttpFilter> {
    Once(Task<F, ()>),
    Every(Duration, Repeated<F>),
}

pub(crate) struct Tasks<F: HttpFilter> {
    http: IdMap<(usize, Task<F, HttpResult>)>,
    grpc: IdMap<Task<F, GrpcResult>>,
    timers: BTreeMap<(UnixNanos, u64), Timer<F>>,
    /// Tells timers of one deadline apart, in the order in which they were set.
    sequence: u64,
    /// How many tasks each stream waits for.
    waiting: IdMap<u32>,
}

impl<F: HttpFilter> Default for Tasks<F> {
    fn default() -> Self {
        Self {
            http: IdMap::default(),
            grpc: IdMap::default(),
            timers: BTreeMap::new(),
            sequence: 0,
            waiting: IdMap::default(),
        }
    }
}

impl<F: HttpFilter> Tasks<F> {
    /// Takes over what a new configuration has started, in place of what the one before it had. What streams wait
    /// for stays.
    pub(crate) fn replace_those_of_the_plugin(&mut self, new: Self) -> Result<()> {
        self.http.retain(|_, (_, task)| task.stream().is_some());
        self.grpc.retain(|_, task| task.stream().is_some());
        self.timers.retain(|_, timer| matches!(timer, Timer::Once(Task::Stream(..))));
        self.http.extend(new.http);
        self.grpc.extend(new.grpc);
        if new.timers.is_empty() {
            return Ok(());
        }
        for ((deadline, _), timer) in new.timers {
            self.sequence += 1;
            self.timers.insert((deadline, self.sequence), timer);
        }
        self.arm(clock::now()?)
    }

    /// Whether anything is under way that can make a paused stream go on.
    pub(crate) fn are_awaited_by(&self, stream: u32) -> bool {
        self.waiting.contains_key(&stream)
    }

    pub(crate) fn add_http(&mut self, token: u32, max_body: usize, task: Task<F, HttpResult>) {
        self.await_by(task.stream());
        self.http.insert(token, (max_body, task));
    }

    pub(crate) fn add_grpc(&mut self, token: u32, task: Task<F, GrpcResult>) {
        self.await_by(task.stream());
        self.grpc.insert(token, task);
    }

    /// Calls `timer` after `delay`, at least a millisecond from now.
    pub(crate) fn add_timer(&mut self, delay: Duration, timer: Timer<F>) -> Result<()> {
        let now = clock::now()?;
        if let Timer::Once(task) = &timer {
            self.await_by(task.stream());
        }
        self.sequence += 1;
        self.timers.insert((now + delay, self.sequence), timer);
        self.arm(now)
    }

    /// The task of an HTTP callout and the cap on its body; `None` if its stream is gone.
    pub(crate) fn take_http(&mut self, token: u32) -> Option<(usize, Task<F, HttpResult>)> {
        let (max_body, task) = self.http.remove(&token)?;
        self.awaited(task.stream());
        Some((max_body, task))
    }

    /// The task of a gRPC call; `None` if its stream is gone.
    pub(crate) fn take_grpc(&mut self, token: u32) -> Option<Task<F, GrpcResult>> {
        let task = self.grpc.remove(&token)?;
        self.awaited(task.stream());
        Some(task)
    }

    pub(crate) fn has_grpc(&self, token: u32) -> bool {
        self.grpc.contains_key(&token)
    }

    /// The next timer that is due.
    pub(crate) fn take_due(&mut self, now: UnixNanos) -> Option<Timer<F>> {
        let entry = self.timers.first_entry().filter(|entry| entry.key().0 <= now)?;
        let timer = entry.remove();
        if let Timer::Once(task) = &timer {
            self.awaited(task.stream());
        }
        Some(timer)
    }

    /// Asks the host for a tick at the next deadline, or for none.
    pub(crate) fn arm(&self, now: UnixNanos) -> Result<()> {
        let period = match self.timers.first_key_value() {
            None => 0,
            // A period of 0 would stop the tick.
            Some(((deadline, _), _)) => deadline.since(now).as_millis().clamp(1, u32::MAX.into()),
        };
        host::set_tick_period(u32::try_from(period).unwrap_or(u32::MAX))
    }

    /// Drops what a stream that has ended still waited for.
    pub(crate) fn forget(&mut self, stream: u32) {
        if self.waiting.remove(&stream).is_none() {
            return;
        }
        self.http.retain(|_, (_, task)| task.stream() != Some(stream));
        self.grpc.retain(|token, task| {
            let keep = task.stream() != Some(stream);
            if !keep {
                grpc_cancel(*token);
            }
            keep
        });
        self.timers.retain(|_, timer| !matches!(timer, Timer::Once(task) if task.stream() == Some(stream)));
    }

    fn await_by(&mut self, stream: Option<u32>) {
        if let Some(stream) = stream {
            *self.waiting.entry(stream).or_default() += 1;
        }
    }

    fn awaited(&mut self, stream: Option<u32>) {
        let Some(stream) = stream else { return };
        if let Some(count) = self.waiting.get_mut(&stream) {
            *count -= 1;
            if *count == 0 {
                self.waiting.remove(&stream);
            }
        }
    }
}
