//! What a plugin has under way: callouts by token, timers by deadline, streams that wait for a signal.
//!
//! The host knows one tick for each plugin; timers are multiplexed over it by always asking for the next deadline.
//!
//! Clients decide how many streams wait and when they go away. So whatever is done for one of them (parking it, waking
//! it, forgetting it) looks at that one and not at the others. What is forgotten stays in the queues that it was in, which
//! are tidied when half of what is in them is gone: trees, which give it up at once, are 20 KB more of code.

use crate::callout::{GrpcResult, HttpResult, grpc_cancel};
use crate::clock::{self, UnixNanos};
use crate::map::IdMap;
use crate::signal::{Signal, Woken};
use crate::{Context, Flow, HttpFilter, Result, host};
use std::cmp::Reverse;
use std::collections::{BinaryHeap, VecDeque};
use std::mem;
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

/// What happens later.
enum What<F: HttpFilter> {
    Timer(Timer<F>),
    /// A stream waits for a signal.
    Wait(Signal, Task<F, Woken>),
}

struct Later<F: HttpFilter> {
    /// None if its signal has come.
    deadline: Option<UnixNanos>,
    what: What<F>,
}

/// Those that wait for a signal, in the order in which they came.
#[derive(Default)]
struct Queue {
    numbers: Vec<u32>,
    /// How many of the numbers are not waiting any more.
    gone: usize,
}

/// How many may be gone from a queue before it is worth tidying.
const FEW: usize = 32;

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
    Later(u32),
}

pub(crate) struct Tasks<F: HttpFilter> {
    http: IdMap<(usize, Task<F, HttpResult>)>,
    grpc: IdMap<Task<F, GrpcResult>>,
    later: IdMap<Later<F>>,
    /// Of those above, and of some that are not there any more.
    deadlines: BinaryHeap<Reverse<(UnixNanos, u32)>>,
    /// Names what happens later, and tells timers of one deadline apart in the order in which they were set.
    sequence: u32,
    by_signal: IdMap<Queue>,
    /// Waits whose signal has come, in that order; some may be forgotten by now.
    woken: VecDeque<u32>,
    /// What each stream waits for.
    awaited: IdMap<Vec<Awaited>>,
}

impl<F: HttpFilter> Default for Tasks<F> {
    fn default() -> Self {
        Self {
            http: IdMap::default(),
            grpc: IdMap::default(),
            later: IdMap::default(),
            deadlines: BinaryHeap::new(),
            sequence: 0,
            by_signal: IdMap::default(),
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
        if F::USES.timers { self.replace_timers_of_the_plugin(new.later, new.deadlines) } else { Ok(()) }
    }

    fn replace_timers_of_the_plugin(
        &mut self,
        mut new: IdMap<Later<F>>,
        deadlines: BinaryHeap<Reverse<(UnixNanos, u32)>>,
    ) -> Result<()> {
        self.later.retain(|_, later| match &later.what {
            What::Timer(Timer::Once(task)) => task.stream().is_some(),
            What::Timer(Timer::Every(..)) => false,
            What::Wait(..) => true,
        });
        for Reverse((deadline, number)) in deadlines.into_sorted_vec().into_iter().rev() {
            if let Some(later) = new.remove(&number) {
                self.add_later(deadline, later.what);
            }
        }
        for (_, queue) in mem::take(&mut self.by_signal) {
            self.wake(queue);
        }
        match self.next_deadline() {
            None if self.woken.is_empty() => Ok(()),
            _ => self.arm(clock::now()?),
        }
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
        let stream = if let Timer::Once(task) = &timer { task.stream() } else { None };
        let number = self.add_later(now + delay.max(Duration::from_millis(1)), What::Timer(timer));
        self.await_by(stream, Awaited::Later(number));
        self.arm(now)
    }

    /// Parks a stream until the signal comes, at the longest for `timeout`.
    pub(crate) fn add_wait(&mut self, signal: Signal, timeout: Duration, task: Task<F, Woken>) -> Result<()> {
        let now = clock::now()?;
        let stream = task.stream();
        let number = self.add_later(now + timeout.max(Duration::from_millis(1)), What::Wait(signal, task));
        self.await_by(stream, Awaited::Later(number));
        self.by_signal.entry(signal.0).or_default().numbers.push(number);
        self.arm(now)
    }

    fn add_later(&mut self, deadline: UnixNanos, what: What<F>) -> u32 {
        loop {
            self.sequence = self.sequence.wrapping_add(1);
            // Still there after 2^32 others.
            if !self.later.contains_key(&self.sequence) {
                break;
            }
        }
        self.later.insert(self.sequence, Later { deadline: Some(deadline), what });
        self.deadlines.push(Reverse((deadline, self.sequence)));
        self.sequence
    }

    /// Makes those that wait for the signal due, in the order in which they came.
    pub(crate) fn signal(&mut self, signal: Signal) -> Result<()> {
        let Some(queue) = self.by_signal.remove(&signal.0) else { return Ok(()) };
        self.wake(queue);
        self.arm(clock::now()?)
    }

    /// How many streams wait for the signal; for any, if it is `None`.
    pub(crate) fn waiting(&self, signal: Option<Signal>) -> usize {
        let waiting = |queue: &Queue| queue.numbers.len().saturating_sub(queue.gone);
        match signal {
            Some(signal) => self.by_signal.get(&signal.0).map_or(0, waiting),
            None => self.by_signal.values().map(waiting).sum(),
        }
    }

    fn wake(&mut self, queue: Queue) {
        for number in queue.numbers {
            if let Some(later) = self.later.get_mut(&number) {
                later.deadline = None;
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
        let (_, number) = self.next_deadline().filter(|(deadline, _)| *deadline <= now)?;
        Some(match self.take_later(number)? {
            What::Timer(timer) => Due::Timer(timer),
            What::Wait(_, task) => Due::TimedOut(task),
        })
    }

    /// The first deadline of something that still is to happen, and its number.
    fn next_deadline(&mut self) -> Option<(UnixNanos, u32)> {
        loop {
            let Reverse((deadline, number)) = *self.deadlines.peek()?;
            if is_due(&self.later, deadline, number) {
                return Some((deadline, number));
            }
            self.deadlines.pop();
        }
    }

    /// How many streams were woken and not yet asked.
    pub(crate) fn woken(&self) -> usize {
        self.woken.len()
    }

    /// The next stream that was woken; `None` if it is gone.
    pub(crate) fn take_woken(&mut self) -> Option<Task<F, Woken>> {
        let number = self.woken.pop_front()?;
        match self.take_later(number)? {
            What::Wait(_, task) => Some(task),
            What::Timer(_) => None,
        }
    }

    fn take_later(&mut self, number: u32) -> Option<What<F>> {
        let what = self.remove_later(number)?;
        let stream = match &what {
            What::Timer(Timer::Once(task)) => task.stream(),
            What::Timer(Timer::Every(..)) => None,
            What::Wait(_, task) => task.stream(),
        };
        self.no_longer(stream, Awaited::Later(number));
        Some(what)
    }

    fn remove_later(&mut self, number: u32) -> Option<What<F>> {
        let later = self.later.remove(&number)?;
        if let (What::Wait(signal, _), Some(_)) = (&later.what, later.deadline) {
            self.not_for(*signal);
        }
        let all = &self.later;
        if self.deadlines.len() > 2 * all.len() + FEW {
            self.deadlines.retain(|Reverse((deadline, number))| is_due(all, *deadline, *number));
        }
        Some(later.what)
    }

    /// One that waited for the signal is not in `later` any more.
    fn not_for(&mut self, signal: Signal) {
        let Some(queue) = self.by_signal.get_mut(&signal.0) else { return };
        queue.gone += 1;
        if queue.gone >= queue.numbers.len() {
            self.by_signal.remove(&signal.0);
        } else if queue.gone > queue.numbers.len() / 2 + FEW {
            queue.numbers.retain(|number| self.later.contains_key(number));
            queue.gone = 0;
        }
    }

    /// Asks the host for a tick at the next deadline, or for none.
    pub(crate) fn arm(&mut self, now: UnixNanos) -> Result<()> {
        let period = match self.next_deadline() {
            _ if !self.woken.is_empty() => 1,
            None => 0,
            // A period of 0 would stop the tick.
            Some((deadline, _)) => deadline.since(now).as_millis().clamp(1, u32::MAX.into()),
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
                Awaited::Later(number) if F::USES.timers => drop(self.remove_later(number)),
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

fn is_due<F: HttpFilter>(all: &IdMap<Later<F>>, deadline: UnixNanos, number: u32) -> bool {
    all.get(&number).is_some_and(|later| later.deadline == Some(deadline))
}
