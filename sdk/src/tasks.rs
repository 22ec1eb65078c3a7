//! What a plugin has under way: callouts by token, timers by deadline, streams that wait for a signal.
//!
//! The host knows one tick for each plugin; timers are multiplexed over it by always asking for the next deadline.
//!
//! Clients decide how many streams wait and when they go away. So whatever is done for one of them (parking it, waking
//! it, forgetting it) looks at that one and not at the others.

use crate::callout::{GrpcResult, HttpResult, grpc_cancel};
use crate::clock::{self, UnixNanos};
use crate::map::IdMap;
use crate::signal::{Signal, Woken};
use crate::{Context, Flow, HttpFilter, Result, host};
use std::collections::{BTreeMap, BTreeSet, VecDeque};
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

/// A stream that waits for a signal.
struct Wait<F: HttpFilter> {
    signal: Signal,
    until: UnixNanos,
    task: Task<F, Woken>,
}

/// What happens at a deadline.
enum Deadline<F: HttpFilter> {
    Timer(Timer<F>),
    /// The wait of this number is over.
    Wait,
}

/// A deadline that has passed.
pub(crate) enum Due<F: HttpFilter> {
    Timer(Timer<F>),
    TimedOut(Task<F, Woken>),
}

/// What a stream waits for.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Awaited {
    Http(u32),
    Grpc(u32),
    Timer(UnixNanos, u64),
    Wait(u64),
}

pub(crate) struct Tasks<F: HttpFilter> {
    http: IdMap<(usize, Task<F, HttpResult>)>,
    grpc: IdMap<Task<F, GrpcResult>>,
    timers: BTreeMap<(UnixNanos, u64), Deadline<F>>,
    /// Tells timers of one deadline apart, in the order in which they were set, and names waits.
    sequence: u64,
    waits: BTreeMap<u64, Wait<F>>,
    by_signal: BTreeMap<Signal, BTreeSet<u64>>,
    /// Waits whose signal has come, in that order; some may be forgotten by now.
    woken: VecDeque<u64>,
    /// What each stream waits for.
    awaited: IdMap<Vec<Awaited>>,
}

impl<F: HttpFilter> Default for Tasks<F> {
    fn default() -> Self {
        Self {
            http: IdMap::default(),
            grpc: IdMap::default(),
            timers: BTreeMap::new(),
            sequence: 0,
            waits: BTreeMap::new(),
            by_signal: BTreeMap::new(),
            woken: VecDeque::new(),
            awaited: IdMap::default(),
        }
    }
}

impl<F: HttpFilter> Tasks<F> {
    /// Takes over what a new configuration has started, in place of what the one before it had. What streams wait
    /// for stays; those that wait for a signal are woken, since it may mean nothing to the new filter.
    pub(crate) fn replace_those_of_the_plugin(&mut self, new: Self) -> Result<()> {
        if F::USES.http {
            self.http.retain(|_, (_, task)| task.stream().is_some());
            self.http.extend(new.http);
        }
        if F::USES.grpc {
            self.grpc.retain(|_, task| task.stream().is_some());
            self.grpc.extend(new.grpc);
        }
        if F::USES.timers { self.replace_timers_of_the_plugin(new.timers) } else { Ok(()) }
    }

    fn replace_timers_of_the_plugin(&mut self, new: BTreeMap<(UnixNanos, u64), Deadline<F>>) -> Result<()> {
        self.timers.retain(|_, deadline| match deadline {
            Deadline::Timer(Timer::Once(task)) => task.stream().is_some(),
            Deadline::Timer(Timer::Every(..)) => false,
            Deadline::Wait => true,
        });
        for ((deadline, _), what) in new {
            self.sequence += 1;
            self.timers.insert((deadline, self.sequence), what);
        }
        let signals: Vec<_> = self.by_signal.keys().copied().collect();
        for signal in signals {
            self.wake(signal);
        }
        if self.timers.is_empty() && self.woken.is_empty() {
            return Ok(());
        }
        self.arm(clock::now()?)
    }

    /// Whether anything is under way that can make a paused stream go on.
    pub(crate) fn are_awaited_by(&self, stream: u32) -> bool {
        F::USES.any() && self.awaited.contains_key(&stream)
    }

    pub(crate) fn add_http(&mut self, token: u32, max_body: usize, task: Task<F, HttpResult>) {
        self.await_by(task.stream(), Awaited::Http(token));
        self.http.insert(token, (max_body, task));
    }

    pub(crate) fn add_grpc(&mut self, token: u32, task: Task<F, GrpcResult>) {
        self.await_by(task.stream(), Awaited::Grpc(token));
        self.grpc.insert(token, task);
    }

    /// Calls `timer` after `delay`, at least a millisecond from now: the host ticks no faster, and a timer that sets
    /// itself again at once would never let the tick end.
    pub(crate) fn add_timer(&mut self, delay: Duration, timer: Timer<F>) -> Result<()> {
        let now = clock::now()?;
        self.sequence += 1;
        let deadline = now + delay.max(Duration::from_millis(1));
        if let Timer::Once(task) = &timer {
            self.await_by(task.stream(), Awaited::Timer(deadline, self.sequence));
        }
        self.timers.insert((deadline, self.sequence), Deadline::Timer(timer));
        self.arm(now)
    }

    /// Parks a stream until the signal comes, at the longest for `timeout`.
    pub(crate) fn add_wait(&mut self, signal: Signal, timeout: Duration, task: Task<F, Woken>) -> Result<()> {
        let now = clock::now()?;
        self.sequence += 1;
        let (number, until) = (self.sequence, now + timeout.max(Duration::from_millis(1)));
        self.await_by(task.stream(), Awaited::Wait(number));
        self.timers.insert((until, number), Deadline::Wait);
        self.by_signal.entry(signal).or_default().insert(number);
        self.waits.insert(number, Wait { signal, until, task });
        self.arm(now)
    }

    /// Makes those that wait for the signal due, in the order in which they came.
    pub(crate) fn signal(&mut self, signal: Signal) -> Result<()> {
        self.wake(signal);
        if self.woken.is_empty() { Ok(()) } else { self.arm(clock::now()?) }
    }

    /// How many streams wait for the signal; for any, if it is `None`.
    pub(crate) fn waiting(&self, signal: Option<Signal>) -> usize {
        match signal {
            Some(signal) => self.by_signal.get(&signal).map_or(0, BTreeSet::len),
            None => self.by_signal.values().map(BTreeSet::len).sum(),
        }
    }

    fn wake(&mut self, signal: Signal) {
        for number in self.by_signal.remove(&signal).unwrap_or_default() {
            if let Some(wait) = self.waits.get(&number) {
                self.timers.remove(&(wait.until, number));
                self.woken.push_back(number);
            }
        }
    }

    /// The task of an HTTP callout and the cap on its body; `None` if its stream is gone.
    pub(crate) fn take_http(&mut self, token: u32) -> Option<(usize, Task<F, HttpResult>)> {
        let (max_body, task) = self.http.remove(&token)?;
        self.no_longer(task.stream(), Awaited::Http(token));
        Some((max_body, task))
    }

    /// The task of a gRPC call; `None` if its stream is gone.
    pub(crate) fn take_grpc(&mut self, token: u32) -> Option<Task<F, GrpcResult>> {
        let task = self.grpc.remove(&token)?;
        self.no_longer(task.stream(), Awaited::Grpc(token));
        Some(task)
    }

    pub(crate) fn has_grpc(&self, token: u32) -> bool {
        self.grpc.contains_key(&token)
    }

    /// The next timer that is due.
    pub(crate) fn take_due(&mut self, now: UnixNanos) -> Option<Due<F>> {
        let entry = self.timers.first_entry().filter(|entry| entry.key().0 <= now)?;
        let (deadline, number) = *entry.key();
        match entry.remove() {
            Deadline::Timer(timer) => {
                if let Timer::Once(task) = &timer {
                    self.no_longer(task.stream(), Awaited::Timer(deadline, number));
                }
                Some(Due::Timer(timer))
            }
            Deadline::Wait => self.take_wait(number).map(Due::TimedOut),
        }
    }

    /// How many streams were woken and not yet asked.
    pub(crate) fn woken(&self) -> usize {
        self.woken.len()
    }

    /// The next stream that was woken; `None` if it is gone.
    pub(crate) fn take_woken(&mut self) -> Option<Task<F, Woken>> {
        let number = self.woken.pop_front()?;
        self.take_wait(number)
    }

    fn take_wait(&mut self, number: u64) -> Option<Task<F, Woken>> {
        let wait = self.waits.remove(&number)?;
        self.no_longer(wait.task.stream(), Awaited::Wait(number));
        self.not_for(wait.signal, number);
        Some(wait.task)
    }

    fn not_for(&mut self, signal: Signal, number: u64) {
        if let Some(waits) = self.by_signal.get_mut(&signal) {
            waits.remove(&number);
            if waits.is_empty() {
                self.by_signal.remove(&signal);
            }
        }
    }

    /// Asks the host for a tick at the next deadline, or for none.
    pub(crate) fn arm(&self, now: UnixNanos) -> Result<()> {
        let period = match self.timers.first_key_value() {
            _ if !self.woken.is_empty() => 1,
            None => 0,
            // A period of 0 would stop the tick.
            Some(((deadline, _), _)) => deadline.since(now).as_millis().clamp(1, u32::MAX.into()),
        };
        host::set_tick_period(u32::try_from(period).unwrap_or(u32::MAX))
    }

    /// Drops what a stream that has ended still waited for.
    pub(crate) fn forget(&mut self, stream: u32) {
        if !F::USES.any() || self.awaited.is_empty() {
            return;
        }
        for awaited in self.awaited.remove(&stream).unwrap_or_default() {
            match awaited {
                Awaited::Http(token) if F::USES.http => drop(self.http.remove(&token)),
                Awaited::Grpc(token) if F::USES.grpc => {
                    self.grpc.remove(&token);
                    grpc_cancel(token);
                }
                Awaited::Timer(deadline, number) if F::USES.timers => {
                    drop(self.timers.remove(&(deadline, number)));
                }
                Awaited::Wait(number) if F::USES.timers => {
                    if let Some(wait) = self.waits.remove(&number) {
                        self.timers.remove(&(wait.until, number));
                        self.not_for(wait.signal, number);
                    }
                }
                // Of a kind that this filter cannot start.
                _ => {}
            }
        }
    }

    fn await_by(&mut self, stream: Option<u32>, awaited: Awaited) {
        if let Some(stream) = stream {
            self.awaited.entry(stream).or_default().push(awaited);
        }
    }

    fn no_longer(&mut self, stream: Option<u32>, awaited: Awaited) {
        let Some(stream) = stream else { return };
        if let Some(all) = self.awaited.get_mut(&stream) {
            all.retain(|other| *other != awaited);
            if all.is_empty() {
                self.awaited.remove(&stream);
            }
        }
    }
}
