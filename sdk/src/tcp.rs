//! Filters of TCP connections: the network filter `envoy.filters.network.wasm`.
//!
//! ```
//! use tollgate::tcp::{self, Connection, Data};
//! use tollgate::{Config, Flow, Result, TcpFilter};
//!
//! /// Lets only clients in that begin with a greeting.
//! #[derive(Config)]
//! struct Greeting {
//!     /// First bytes of each connection.
//!     greeting: String,
//! }
//!
//! #[tollgate::filter]
//! impl TcpFilter for Greeting {
//!     /// Whether the greeting has been checked.
//!     type Stream = bool;
//!
//!     fn on_downstream_data(&self, client: &mut Data<'_, Self>) -> Result {
//!         if !*client.stream {
//!             let seen = client.data.range(0, self.greeting.len())?;
//!             if !self.greeting.as_bytes().starts_with(&seen) {
//!                 return Ok(tcp::close("no_greeting"));
//!             }
//!             if seen.len() < self.greeting.len() {
//!                 let ended = client.data.end_of_stream();
//!                 return Ok(if ended { tcp::close("no_greeting") } else { Flow::Pause });
//!             }
//!             *client.stream = true;
//!         }
//!         Ok(Flow::Continue)
//!     }
//! }
//! # fn main() {}
//! ```
//!
//! A [`Flow`] decides as in an HTTP filter, with these differences:
//!
//! - `Reply`, also one that `?` returns, closes the connection, because its client could not read a response.
//!   [`close`] creates one.
//! - `Pause` holds what has arrived. The next callback of this direction then receives it once more, with the
//!   data that came since. The buffer of the proxy is limited (`per_connection_buffer_limit_bytes`): it stops
//!   reading from a peer while a filter holds more.
//! - More data also arrives while a task is pending, and the task then resumes all of it. So note in the
//!   state that a task is pending, and let the task check the data that must not pass unchecked.
//! - A task, such as a callout, can resume a new connection and what the client sends. It cannot resume what
//!   the upstream sends: Envoy has no such call (`Context::continueStream`), and the SDK closes the
//!   connection if a task tries. Wait for more data there, or ask before.
//!
//! A module has one TCP filter, and no HTTP filter besides.

use crate::body::Body;
use crate::context::Context;
use crate::entry::Vm;
use crate::filter::{HasAttribute, Uses};
use crate::host::{self, Direction};
use crate::queue::Queue;
use crate::stream::arguments;
use crate::stream_state::{CONTINUE, PAUSE, StreamCallback};
use crate::{Config, ConfigError, Error, Flow, HttpFilter, Phase, Reply, Result};
use std::ops::{Deref, DerefMut};

#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a filter",
    note = "implement `HttpFilter` or `TcpFilter` for it, with `#[tollgate::filter]`"
)]
/// A filter of TCP connections. Put `#[tollgate::filter]` on the implementation, as for an
/// [`HttpFilter`]: it exports the callbacks that the implementation defines, and adds what it leaves out.
pub trait TcpFilter: HasAttribute + Sized + 'static {
    /// The configuration: a type with `#[derive(Config)]`, or `()` for a filter without configuration.
    type Config: Config;

    /// The state of one connection.
    type Stream: Default + 'static;

    #[doc(hidden)]
    const USES: Uses = Uses::NOTHING;

    /// Creates the filter from a parsed configuration. Define metrics here. An error rejects the
    /// configuration: see [`HttpFilter::new`].
    fn new(config: Self::Config, cx: &mut Context<'_, Self>) -> Result<Self, ConfigError>;

    /// Called when a client has connected, before the proxy reads from it or connects to the upstream.
    fn on_new_connection(&self, connection: &mut Connection<'_, Self>) -> Result {
        let _ = connection;
        Ok(Flow::Continue)
    }

    /// Called when data of the client arrives.
    fn on_downstream_data(&self, client: &mut Data<'_, Self>) -> Result {
        let _ = client;
        Ok(Flow::Continue)
    }

    /// Called when data of the upstream arrives.
    fn on_upstream_data(&self, upstream: &mut Data<'_, Self>) -> Result {
        let _ = upstream;
        Ok(Flow::Continue)
    }

    /// Called when the connection to the client is closed.
    fn on_downstream_connection_close(&self, closed: &mut Closed<'_, Self>) {
        let _ = closed;
    }

    /// Called when the connection to the upstream is closed.
    fn on_upstream_connection_close(&self, closed: &mut Closed<'_, Self>) {
        let _ = closed;
    }

    /// Called once for every connection, as its last callback. Release what the connection holds here. The
    /// SDK has already dropped its pending callouts, timers and waits.
    fn on_end(&self, stream: Self::Stream, cx: &mut Context<'_, Self>) {
        let _ = (stream, cx);
    }

    /// Called when an item arrives in a queue: see [`HttpFilter::on_queue_ready`].
    fn on_queue_ready(&self, queue: Queue, cx: &mut Context<'_, Self>) {
        let _ = (queue, cx);
    }

    /// Called when another callback returns an error. By default, the connection is closed, because data that
    /// was not checked must not pass.
    fn on_error(&self, error: Error) -> Flow {
        log::error!("{error}");
        close("tollgate_host_error")
    }
}

/// A TCP filter runs as the filter of a stream whose parts are those of a connection.
impl<F: TcpFilter> HttpFilter for F {
    type Config = <F as TcpFilter>::Config;
    type Stream = <F as TcpFilter>::Stream;

    const USES: Uses = Uses { tcp: true, ..<F as TcpFilter>::USES };

    fn new(config: <F as TcpFilter>::Config, cx: &mut Context<'_, Self>) -> Result<Self, ConfigError> {
        <F as TcpFilter>::new(config, cx)
    }

    fn on_end(&self, stream: <F as TcpFilter>::Stream, cx: &mut Context<'_, Self>) {
        TcpFilter::on_end(self, stream, cx);
    }

    fn on_queue_ready(&self, queue: Queue, cx: &mut Context<'_, Self>) {
        TcpFilter::on_queue_ready(self, queue, cx);
    }

    fn on_error(&self, error: Error, _: Phase) -> Flow {
        TcpFilter::on_error(self, error)
    }
}

/// Closes the connection. Data that was passed on before is still sent. `reason` is logged at level debug.
pub fn close(reason: &'static str) -> Flow {
    Reply::refuse(500, reason).into()
}

/// A new connection.
pub struct Connection<'a, F: HttpFilter> {
    /// State of the connection.
    pub stream: &'a mut F::Stream,
    cx: Context<'a, F>,
}

impl<'a, F: HttpFilter> Deref for Connection<'a, F> {
    type Target = Context<'a, F>;

    fn deref(&self) -> &Context<'a, F> {
        &self.cx
    }
}

impl<F: HttpFilter> DerefMut for Connection<'_, F> {
    fn deref_mut(&mut self) -> &mut Self::Target {
        &mut self.cx
    }
}

arguments! {
    /// Data of one direction of a connection.
    Data {
        /// The data that the proxy holds. It has no end while the peer can send more.
        data: Body<'a>
    }
    /// A connection to a peer that was closed.
    Closed {
        /// The side that closed the connection.
        by: ClosedBy
    }
}

/// The side that closed a connection (`CloseType` of proxy-wasm). If both peers shut down, the proxy closes
/// it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ClosedBy {
    /// The host does not say: Envoy for the upstream.
    Unknown,
    /// This proxy.
    Proxy,
    /// The peer.
    Peer,
}

impl ClosedBy {
    fn from_raw(raw: u32) -> Self {
        match raw {
            1 => Self::Proxy,
            2 => Self::Peer,
            _ => Self::Unknown,
        }
    }
}

impl<F: TcpFilter> Vm<F> {
    /// `proxy_on_new_connection`.
    pub fn on_new_connection(&self, id: u32) -> u32 {
        let action = self.on_stream(id, StreamCallback::REQUEST_HEADERS, |filter, stream, cx| {
            filter.on_new_connection(&mut Connection { stream, cx })
        });
        if action == CONTINUE { CONTINUE } else { PAUSE }
    }

    /// `proxy_on_downstream_data`.
    pub fn on_downstream_data(&self, id: u32, size: usize, end_of_stream: bool) -> u32 {
        self.on_data(id, Direction::Request, size, end_of_stream, F::on_downstream_data)
    }

    /// `proxy_on_upstream_data`.
    pub fn on_upstream_data(&self, id: u32, size: usize, end_of_stream: bool) -> u32 {
        self.on_data(id, Direction::Response, size, end_of_stream, F::on_upstream_data)
    }

    fn on_data(
        &self,
        id: u32,
        direction: Direction,
        size: usize,
        end_of_stream: bool,
        decide: impl FnOnce(&F, &mut Data<'_, F>) -> Result,
    ) -> u32 {
        self.on_stream(id, StreamCallback::body(direction, end_of_stream), |filter, stream, cx| {
            let data = Body::of_connection(direction, size, end_of_stream, cx.position);
            decide(filter, &mut Data::new(data, stream, cx))
        })
    }

    /// `proxy_on_downstream_connection_close`.
    pub fn on_downstream_connection_close(&self, id: u32, peer: u32) {
        self.on_close(id, peer, F::on_downstream_connection_close);
    }

    /// `proxy_on_upstream_connection_close`.
    pub fn on_upstream_connection_close(&self, id: u32, peer: u32) {
        self.on_close(id, peer, F::on_upstream_connection_close);
    }

    fn on_close(&self, id: u32, peer: u32, notify: impl FnOnce(&F, &mut Closed<'_, F>)) {
        self.observe(id, |filter, stream, cx| {
            notify(filter, &mut Closed::new(ClosedBy::from_raw(peer), stream, cx));
        });
    }
}

/// Resumes a connection that was paused. Closes it if the host cannot resume it: it would stay open forever.
pub(crate) fn resume(direction: Direction) {
    if let Err(error) = host::connection::resume(direction) {
        log::error!("cannot resume the data of the upstream, closing the connection: {error}");
        if let Err(error) = host::connection::close() {
            log::error!("cannot close the connection: {error}");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_close_type_of_another_version_is_unknown() {
        let seen = [0, 1, 2, 3, u32::MAX].map(ClosedBy::from_raw);
        let expected =
            [ClosedBy::Unknown, ClosedBy::Proxy, ClosedBy::Peer, ClosedBy::Unknown, ClosedBy::Unknown];
        assert_eq!(seen, expected);
    }
}
