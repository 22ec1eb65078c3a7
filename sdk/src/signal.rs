//! Streams that wait for something which is not theirs alone: keys that one callout fetches for all, a quota that a timer
//! renews.
//!
//! ```
//! use std::time::Duration;
//! use tollgate::{ConfigError, Context, Flow, HttpCall, HttpFilter, Reply, RequestHeaders, Result, Signal, Woken};
//!
//! const KEYS: Signal = Signal(0);
//!
//! #[derive(Default)]
//! struct Keys(Option<Vec<u8>>);
//!
//! #[tollgate::filter(http_callouts, timers)]
//! impl HttpFilter for Keys {
//!     type Config = serde::de::IgnoredAny;
//!     type Stream = ();
//!
//!     fn new(_: Self::Config, cx: &mut Context<'_, Self>) -> std::result::Result<Self, ConfigError> {
//!         cx.plugin_after(Duration::from_millis(1), |_, cx| {
//!             let sent = cx.plugin_http_call(&HttpCall::new("keys", "GET", "keys.test", "/"), |filter, answer, cx| {
//!                 filter.0 = answer.ok().map(|answer| answer.body);
//!                 let _ = cx.signal(KEYS);
//!             });
//!             tollgate::log::debug!("{sent:?}");
//!         })?;
//!         Ok(Self::default())
//!     }
//!
//!     fn on_request_headers(
//!         &mut self, _: &mut (), _: &mut RequestHeaders<'_>, cx: &mut Context<'_, Self>,
//!     ) -> Result<Flow> {
//!         if self.0.is_some() {
//!             return Ok(Flow::Continue);
//!         }
//!         if cx.waiting(Some(KEYS)) >= 100 {
//!             return Reply::refuse(503, "too_many_wait").into();
//!         }
//!         cx.wait(KEYS, Duration::from_secs(1), |filter, _, _, _| match filter.0 {
//!             Some(_) => Ok(Flow::Continue),
//!             None => Reply::refuse(503, "no_keys").into(),
//!         })?;
//!         Ok(Flow::Pause)
//!     }
//! }
//! # fn main() {}
//! ```

/// What streams wait for ([`Context::wait`](crate::Context::wait)): a number of the filter's choice, which means something
/// only to one plugin on one worker.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Signal(pub u32);

/// Why a stream that waited is asked again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Woken {
    /// The signal came; or the plugin was configured anew, which leaves nobody to send it.
    Signalled,
    /// It did not come in time.
    TimedOut,
}
