//! Tasks: closures that a callout, a timer, a wait or a gRPC stream calls.

use crate::clock::UnixNanos;
use crate::grpc_stream::GrpcEvent;
use crate::map::IdMap;
use crate::signal::{Signal, Woken};
use crate::{Context, HttpFilter, host};
use std::cell::RefCell;
use std::rc::Rc;
use std::time::Duration;

/// A task of a stream. `Task::Stream` keeps it with the stream and the direction in which it was started.
pub(crate) type ForStream<F, T> =
    Box<dyn FnOnce(&F, &mut <F as HttpFilter>::Stream, T, &mut Context<'_, F>) -> crate::Result>;
/// A task of the plugin.
pub(crate) type ForPlugin<F, T> = Box<dyn FnOnce(&F, T, &mut Context<'_, F>)>;
/// A periodic task of the plugin.
pub(crate) type Repeated<F> = Box<dyn FnMut(&F, &mut Context<'_, F>)>;

pub(crate) enum Task<F: HttpFilter, T> {
    Stream(u32, host::Direction, ForStream<F, T>),
    Plugin(ForPlugin<F, T>),
}

impl<F: HttpFilter, T> Task<F, T> {
    pub(crate) fn stream(&self) -> Option<u32> {
        match self {
            Self::Stream(stream, ..) => Some(*stream),
            Self::Plugin(_) => None,
        }
    }
}

/// Receives the events of a gRPC stream.
pub(crate) enum Events<F: HttpFilter> {
    Stream(u32, host::Direction, Shared<EventOfStream<F>>),
    Plugin(Shared<EventOfPlugin<F>>),
}

/// A closure that each event calls.
type Shared<T> = Rc<RefCell<Box<T>>>;
type EventOfStream<F> =
    dyn FnMut(&F, &mut <F as HttpFilter>::Stream, GrpcEvent, &mut Context<'_, F>) -> crate::Result;
type EventOfPlugin<F> = dyn FnMut(&F, GrpcEvent, &mut Context<'_, F>);

impl<F: HttpFilter> Events<F> {
    pub(crate) fn of_stream(
        stream: u32,
        direction: host::Direction,
        then: impl FnMut(&F, &mut F::Stream, GrpcEvent, &mut Context<'_, F>) -> crate::Result + 'static,
    ) -> Self {
        Self::Stream(stream, direction, Rc::new(RefCell::new(Box::new(then))))
    }

    pub(crate) fn of_plugin(then: impl FnMut(&F, GrpcEvent, &mut Context<'_, F>) + 'static) -> Self {
        Self::Plugin(Rc::new(RefCell::new(Box::new(then))))
    }

    pub(crate) fn stream(&self) -> Option<u32> {
        match self {
            Self::Stream(stream, ..) => Some(*stream),
            Self::Plugin(_) => None,
        }
    }

    /// Returns the task for one event. No event arrives while another one is handled.
    pub(crate) fn task(&self) -> Task<F, GrpcEvent> {
        match self {
            Self::Stream(stream, direction, then) => {
                let then = Rc::clone(then);
                Task::Stream(
                    *stream,
                    *direction,
                    Box::new(move |filter, stream, event, cx| then.borrow_mut()(filter, stream, event, cx)),
                )
            }
            Self::Plugin(then) => {
                let then = Rc::clone(then);
                Task::Plugin(Box::new(move |filter, event, cx| then.borrow_mut()(filter, event, cx)))
            }
        }
    }
}

pub(crate) enum Timer<F: HttpFilter> {
    Once(Task<F, ()>),
    Every(Duration, Repeated<F>),
}

/// Work to do at a deadline or when a signal is sent.
pub(crate) enum Action<F: HttpFilter> {
    Timer(Timer<F>),
    /// A stream waits for a signal.
    Wait(Signal, Task<F, Woken>),
}

pub(crate) struct Pending<F: HttpFilter> {
    /// `None` if the signal was sent.
    pub(crate) deadline: Option<UnixNanos>,
    pub(crate) action: Action<F>,
}

/// The waits for one signal, in the order in which they began.
#[derive(Default)]
pub(crate) struct WaitQueue {
    pub(crate) ids: Vec<u32>,
    /// How many of the ids belong to waits that have ended.
    pub(crate) stale: usize,
}

/// How many stale entries a queue may have before a cleanup is worth its cost.
pub(crate) const MIN_STALE: usize = 32;

/// A timer or a wait with a deadline that has passed.
pub(crate) enum Due<F: HttpFilter> {
    Timer(Timer<F>),
    TimedOut(Task<F, Woken>),
}

/// A task that a stream waits for.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Awaited {
    Http(u32),
    Grpc(u32),
    Stream(u32),
    Pending(u32),
}

pub(crate) fn is_current<F: HttpFilter>(all: &IdMap<Pending<F>>, deadline: UnixNanos, id: u32) -> bool {
    all.get(&id).is_some_and(|pending| pending.deadline == Some(deadline))
}
