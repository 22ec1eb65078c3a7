//! The pending tasks of a plugin: callouts by token, timers by deadline, and streams that wait for a signal.
//!
//! The host has one tick per plugin. Timers share it: the tick is always set to the next deadline.
//!
//! Clients determine how many streams wait and when they end. So each operation on one stream (to make it
//! wait, wake it or drop it) takes time that does not depend on the other streams. Dropped entries stay in
//! their queues. A queue is cleaned up when half of its entries are stale. Trees, which remove entries at
//! once, would add 20 KB of code.

use crate::callout::{GrpcResult, HttpResult, grpc_cancel};
use crate::clock::{self, UnixNanos};
use crate::error::Result;
use crate::grpc_stream::{GrpcEvent, GrpcStream};
use crate::map::IdMap;
use crate::queue::Queue;
use crate::signal::{Signal, Woken};
use crate::task::{Action, Awaited, Due, Events, MIN_STALE, Pending, Task, Timer, WaitQueue, is_current};
use crate::tick::SharedTick;
use crate::{HttpFilter, host};
use std::cell::Cell;
use std::cmp::Reverse;
use std::collections::{BinaryHeap, VecDeque};
use std::mem;
use std::rc::Rc;
use std::time::Duration;

pub(crate) struct Tasks<F: HttpFilter> {
    http: IdMap<(usize, Task<F, HttpResult>)>,
    grpc: IdMap<Task<F, GrpcResult>>,
    streams: IdMap<Events<F>>,
    pending: IdMap<Pending<F>>,
    /// The deadlines of `pending`, and stale ones.
    deadlines: BinaryHeap<Reverse<(UnixNanos, u32)>>,
    /// The last id in `pending`. It also orders timers with the same deadline by the time at which they were
    /// set.
    sequence: u32,
    by_signal: IdMap<WaitQueue>,
    /// Ids of the waits whose signal was sent, in that order. Some may be stale.
    woken: VecDeque<u32>,
    /// The tasks that each stream waits for.
    awaited: IdMap<Vec<Awaited>>,
    /// For each stream whose `async` callback waits: where the callback returns the state of the stream.
    lent: IdMap<Lent<F::Stream>>,
    /// The tick, if the filters of a chain share it.
    tick: Option<SharedTick>,
    /// The queues that the filter has registered.
    queues: Vec<u32>,
}

type Lent<S> = Rc<Cell<Option<S>>>;

impl<F: HttpFilter> Default for Tasks<F> {
    fn default() -> Self {
        Self {
            http: IdMap::default(),
            grpc: IdMap::default(),
            streams: IdMap::default(),
            pending: IdMap::default(),
            deadlines: BinaryHeap::new(),
            sequence: 0,
            by_signal: IdMap::default(),
            woken: VecDeque::new(),
            awaited: IdMap::default(),
            lent: IdMap::default(),
            tick: None,
            queues: Vec::new(),
        }
    }
}

impl<F: HttpFilter> Tasks<F> {
    /// Returns an empty value for the same plugin.
    pub(crate) fn empty(&self) -> Self {
        Self { tick: self.tick.clone(), ..Self::default() }
    }

    pub(crate) fn add_queue(&mut self, queue: Queue) {
        if !self.queues.contains(&queue.0) {
            self.queues.push(queue.0);
        }
    }

    /// Whether the filter has registered the queue.
    pub(crate) fn has_queue(&self, queue: Queue) -> bool {
        self.queues.contains(&queue.0)
    }

    pub(crate) fn share_tick(&mut self, tick: SharedTick) {
        self.tick = Some(tick);
    }

    /// Replaces the tasks that the plugin started under its previous configuration by those of the new one.
    /// Tasks of streams stay. Streams that wait for a signal are woken, because the new filter may not use
    /// that signal.
    pub(crate) fn replace_plugin_tasks(&mut self, new: Self) -> Result<()> {
        if F::USES.http {
            self.http.retain(|_, (_, task)| task.stream().is_some());
            self.http.extend(new.http);
        }
        if F::USES.grpc {
            self.grpc.retain(|_, task| task.stream().is_some());
            self.grpc.extend(new.grpc);
        }
        if F::USES.grpc_streams {
            self.streams.retain(|token, events| {
                let of_plugin = events.stream().is_none();
                if of_plugin {
                    grpc_cancel(*token);
                }
                !of_plugin
            });
            self.streams.extend(new.streams);
        }
        self.queues = new.queues;
        if F::USES.timers { self.replace_plugin_timers(new.pending, new.deadlines) } else { Ok(()) }
    }

    fn replace_plugin_timers(
        &mut self,
        mut new: IdMap<Pending<F>>,
        deadlines: BinaryHeap<Reverse<(UnixNanos, u32)>>,
    ) -> Result<()> {
        self.pending.retain(|_, pending| match &pending.action {
            Action::Timer(Timer::Once(task)) => task.stream().is_some(),
            Action::Timer(Timer::Every(..)) => false,
            Action::Wait(..) => true,
        });
        for Reverse((deadline, id)) in deadlines.into_sorted_vec().into_iter().rev() {
            if let Some(pending) = new.remove(&id) {
                self.add_pending(deadline, pending.action);
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

    /// Whether a paused stream has a pending task that can resume it.
    pub(crate) fn has_pending_for(&self, stream: u32) -> bool {
        F::USES.any() && self.awaited.contains_key(&stream)
    }

    pub(crate) fn add_http(&mut self, token: u32, max_body: usize, task: Task<F, HttpResult>) {
        self.track(task.stream(), Awaited::Http(token));
        self.http.insert(token, (max_body, task));
    }

    pub(crate) fn add_grpc(&mut self, token: u32, task: Task<F, GrpcResult>) {
        self.track(task.stream(), Awaited::Grpc(token));
        self.grpc.insert(token, task);
    }

    pub(crate) fn add_stream(&mut self, stream: GrpcStream, events: Events<F>) {
        self.track(events.stream(), Awaited::Stream(stream.token));
        self.streams.insert(stream.token, events);
    }

    /// Returns what receives an event of a gRPC stream, or `None` if its owner has ended.
    pub(crate) fn take_event(&mut self, token: u32, event: &GrpcEvent) -> Option<Task<F, GrpcEvent>> {
        let events = self.streams.get(&token)?;
        let task = events.task();
        if matches!(event, GrpcEvent::Closed(_)) {
            self.remove_stream(token);
        }
        Some(task)
    }

    pub(crate) fn remove_stream(&mut self, token: u32) {
        if let Some(events) = self.streams.remove(&token) {
            self.untrack(events.stream(), Awaited::Stream(token));
        }
    }

    /// Calls `timer` after `delay`, but not before a millisecond has passed. The host ticks no faster, and a
    /// timer that sets itself again immediately would keep the tick from ending.
    pub(crate) fn add_timer(&mut self, delay: Duration, timer: Timer<F>) -> Result<()> {
        let now = clock::now()?;
        let stream = if let Timer::Once(task) = &timer { task.stream() } else { None };
        let id = self.add_pending(now + delay.max(Duration::from_millis(1)), Action::Timer(timer));
        self.track(stream, Awaited::Pending(id));
        self.arm(now)
    }

    /// Makes a stream wait for the signal, up to `timeout`.
    pub(crate) fn add_wait(&mut self, signal: Signal, timeout: Duration, task: Task<F, Woken>) -> Result<()> {
        let now = clock::now()?;
        let stream = task.stream();
        let id = self.add_pending(now + timeout.max(Duration::from_millis(1)), Action::Wait(signal, task));
        self.track(stream, Awaited::Pending(id));
        self.by_signal.entry(signal.0).or_default().ids.push(id);
        self.arm(now)
    }

    fn add_pending(&mut self, deadline: UnixNanos, action: Action<F>) -> u32 {
        loop {
            self.sequence = self.sequence.wrapping_add(1);
            // The id may still be in use after 2^32 others.
            if !self.pending.contains_key(&self.sequence) {
                break;
            }
        }
        self.pending.insert(self.sequence, Pending { deadline: Some(deadline), action });
        self.deadlines.push(Reverse((deadline, self.sequence)));
        self.sequence
    }

    /// Wakes the streams that wait for the signal, in the order in which they began to wait.
    pub(crate) fn signal(&mut self, signal: Signal) -> Result<()> {
        let Some(queue) = self.by_signal.remove(&signal.0) else { return Ok(()) };
        self.wake(queue);
        self.arm(clock::now()?)
    }

    /// Returns the number of streams that wait for the signal.
    pub(crate) fn waiting(&self, signal: Signal) -> usize {
        self.by_signal.get(&signal.0).map_or(0, |queue| queue.ids.len().saturating_sub(queue.stale))
    }

    /// Returns the number of streams that wait for a task.
    pub(crate) fn waiting_streams(&self) -> usize {
        self.awaited.len()
    }

    fn wake(&mut self, queue: WaitQueue) {
        for id in queue.ids {
            if let Some(pending) = self.pending.get_mut(&id) {
                pending.deadline = None;
                self.woken.push_back(id);
            }
        }
    }

    /// Returns the task of an HTTP callout and the maximum size of its body, or `None` if its stream has
    /// ended.
    pub(crate) fn take_http(&mut self, token: u32) -> Option<(usize, Task<F, HttpResult>)> {
        let (max_body, task) = self.http.remove(&token)?;
        self.untrack(task.stream(), Awaited::Http(token));
        Some((max_body, task))
    }

    /// Returns the task of a gRPC call, or `None` if its stream has ended.
    pub(crate) fn take_grpc(&mut self, token: u32) -> Option<Task<F, GrpcResult>> {
        let task = self.grpc.remove(&token)?;
        self.untrack(task.stream(), Awaited::Grpc(token));
        Some(task)
    }

    pub(crate) fn has_grpc(&self, token: u32) -> bool {
        self.grpc.contains_key(&token) || self.streams.contains_key(&token)
    }

    /// Removes and returns the next timer or wait that is due.
    pub(crate) fn take_due(&mut self, now: UnixNanos) -> Option<Due<F>> {
        let (_, id) = self.next_deadline().filter(|(deadline, _)| *deadline <= now)?;
        Some(match self.take_pending(id)? {
            Action::Timer(timer) => Due::Timer(timer),
            Action::Wait(_, task) => Due::TimedOut(task),
        })
    }

    /// Returns the first deadline that is still pending, and its id.
    fn next_deadline(&mut self) -> Option<(UnixNanos, u32)> {
        loop {
            let Reverse((deadline, id)) = *self.deadlines.peek()?;
            if is_current(&self.pending, deadline, id) {
                return Some((deadline, id));
            }
            self.deadlines.pop();
        }
    }

    /// Returns the number of streams that were woken and not resumed yet.
    pub(crate) fn woken(&self) -> usize {
        self.woken.len()
    }

    /// Returns the next stream that was woken, or `None` if it has ended.
    pub(crate) fn take_woken(&mut self) -> Option<Task<F, Woken>> {
        let id = self.woken.pop_front()?;
        match self.take_pending(id)? {
            Action::Wait(_, task) => Some(task),
            Action::Timer(_) => None,
        }
    }

    fn take_pending(&mut self, id: u32) -> Option<Action<F>> {
        let action = self.remove_pending(id)?;
        let stream = match &action {
            Action::Timer(Timer::Once(task)) => task.stream(),
            Action::Timer(Timer::Every(..)) => None,
            Action::Wait(_, task) => task.stream(),
        };
        self.untrack(stream, Awaited::Pending(id));
        Some(action)
    }

    fn remove_pending(&mut self, id: u32) -> Option<Action<F>> {
        let pending = self.pending.remove(&id)?;
        if let (Action::Wait(signal, _), Some(_)) = (&pending.action, pending.deadline) {
            self.mark_stale(*signal);
        }
        let all = &self.pending;
        if self.deadlines.len() > 2 * all.len() + MIN_STALE {
            self.deadlines.retain(|Reverse((deadline, id))| is_current(all, *deadline, *id));
        }
        Some(pending.action)
    }

    /// Marks an entry of the signal's queue as stale, after its wait was removed from `pending`.
    fn mark_stale(&mut self, signal: Signal) {
        let Some(queue) = self.by_signal.get_mut(&signal.0) else { return };
        queue.stale += 1;
        if queue.stale >= queue.ids.len() {
            self.by_signal.remove(&signal.0);
        } else if queue.stale > queue.ids.len() / 2 + MIN_STALE {
            queue.ids.retain(|id| self.pending.contains_key(id));
            queue.stale = 0;
        }
    }

    /// Sets the host's tick to the next deadline, or stops it if there is no deadline.
    pub(crate) fn arm(&mut self, now: UnixNanos) -> Result<()> {
        let own = match self.next_deadline() {
            _ if !self.woken.is_empty() => Some(now),
            next => next.map(|(deadline, _)| deadline),
        };
        let first = match &self.tick {
            Some(tick) => tick.first_with(own),
            None => own,
        };
        // A period of 0 would stop the tick.
        let period = first.map_or(0, |first| first.since(now).as_millis().clamp(1, u32::MAX.into()));
        host::set_tick_period(u32::try_from(period).unwrap_or(u32::MAX))
    }

    pub(crate) fn keep_lent(&mut self, stream: u32, home: Option<Lent<F::Stream>>) {
        match home {
            Some(home) => drop(self.lent.insert(stream, home)),
            None => drop(self.lent.remove(&stream)),
        }
    }

    /// Returns the state that a dropped `async` callback of the stream has returned.
    pub(crate) fn take_returned(&mut self, stream: u32) -> Option<F::Stream> {
        if F::USES.asynchronous { self.lent.remove(&stream)?.take() } else { None }
    }

    /// Drops the tasks that a stream still waited for when it ended.
    pub(crate) fn drop_stream(&mut self, stream: u32) {
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
                Awaited::Stream(token) if F::USES.grpc_streams => {
                    self.streams.remove(&token);
                    grpc_cancel(token);
                }
                Awaited::Pending(id) if F::USES.timers => drop(self.remove_pending(id)),
                // A kind of task that this filter cannot start.
                _ => {}
            }
        }
    }

    fn track(&mut self, stream: Option<u32>, awaited: Awaited) {
        if let Some(stream) = stream {
            self.awaited.entry(stream).or_default().push(awaited);
        }
    }

    fn untrack(&mut self, stream: Option<u32>, awaited: Awaited) {
        let Some(stream) = stream else { return };
        if let Some(all) = self.awaited.get_mut(&stream) {
            all.retain(|other| *other != awaited);
            if all.is_empty() {
                self.awaited.remove(&stream);
            }
        }
    }
}
