//! Tasks: closures that a callout, a timer or a wait calls.

use crate::{Context, HttpFilter, host};
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

pub(crate) enum Timer<F: HttpFilter> {
    Once(Task<F, ()>),
    Every(Duration, Repeated<F>),
}
