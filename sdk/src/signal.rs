//! Signals: streams wait for an event that they share, such as keys that one callout fetches for all streams,
//! or a quota that a timer renews.
//!
//! ```
//! use std::cell::RefCell;
//! use std::time::Duration;
//! use tollgate::{ConfigError, Context, Flow, HttpCall, HttpFilter, Reply, Request, Result, Signal};
//!
//! const KEYS: Signal = Signal(0);
//!
//! #[derive(Default)]
//! struct Keys(RefCell<Option<Vec<u8>>>);
//!
//! #[tollgate::filter(http_callouts, timers)]
//! impl HttpFilter for Keys {
//!     type Config = ();
//!     type Stream = ();
//!
//!     fn new(_: Self::Config, cx: &mut Context<'_, Self>) -> Result<Self, ConfigError> {
//!         cx.plugin_after(Duration::from_millis(1), |_, cx| {
//!             let call = HttpCall::new("keys", "GET", "keys.test", "/");
//!             let sent = cx.plugin_http_call(&call, |filter, response, cx| {
//!                 filter.0.replace(response.ok().map(|response| response.body));
//!                 let _ = cx.signal(KEYS);
//!             });
//!             tollgate::log::debug!("{sent:?}");
//!         })?;
//!         Ok(Self::default())
//!     }
//!
//!     fn on_request_headers(&self, request: &mut Request<'_, Self>) -> Result {
//!         if self.0.borrow().is_some() {
//!             return Ok(Flow::Continue);
//!         }
//!         if request.waiting(KEYS) >= 100 {
//!             return Reply::refuse(503, "too_many_waiting").into();
//!         }
//!         request.wait(KEYS, Duration::from_secs(1), |filter, _, _, _| match *filter.0.borrow() {
//!             Some(_) => Ok(Flow::Continue),
//!             None => Reply::refuse(503, "no_keys").into(),
//!         })?;
//!         Ok(Flow::Pause)
//!     }
//! }
//! # fn main() {}
//! ```

/// An event that streams can wait for with [`Context::wait`](crate::Context::wait). The filter chooses the
/// number. It is local to one plugin on one worker.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Signal(pub u32);

/// The reason why a stream that waited is resumed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Woken {
    /// The signal was sent, or the plugin was reconfigured, so that nothing can send the signal any more.
    Signalled,
    /// The timeout passed before the signal was sent.
    TimedOut,
}
