//! Arguments of the callbacks of a stream: the part of the message that has arrived, the state of the stream,
//! and a [`Context`] to start callouts and timers.
//!
//! The part and the state are fields, so that a callback can borrow both at once. The methods of [`Context`]
//! can be called on the whole: `request.http_call(..)`.

use crate::body::Body;
use crate::context::Context;
use crate::error::Result;
use crate::headers::{RequestHeaders, ResponseHeaders, Trailers};
use crate::host::{self, Map};
use crate::{HttpFilter, Pairs};
use std::ops::{Deref, DerefMut};

macro_rules! arguments {
    ($($(#[$meta:meta])* $name:ident { $(#[$doc:meta])* $part:ident: $view:ty })*) => { $(
        $(#[$meta])*
        pub struct $name<'a, F: HttpFilter> {
            $(#[$doc])*
            pub $part: $view,
            /// State of the stream.
            pub stream: &'a mut F::Stream,
            cx: Context<'a, F>,
        }

        impl<'a, F: HttpFilter> $name<'a, F> {
            pub(crate) fn new($part: $view, stream: &'a mut F::Stream, cx: Context<'a, F>) -> Self {
                Self { $part, stream, cx }
            }

            /// Returns the parts, each to be passed on separately.
            pub fn parts(&mut self) -> (&mut $view, &mut F::Stream, &mut Context<'a, F>) {
                (&mut self.$part, self.stream, &mut self.cx)
            }
        }

        impl<'a, F: HttpFilter> Deref for $name<'a, F> {
            type Target = Context<'a, F>;

            fn deref(&self) -> &Context<'a, F> {
                &self.cx
            }
        }

        impl<F: HttpFilter> DerefMut for $name<'_, F> {
            fn deref_mut(&mut self) -> &mut Self::Target {
                &mut self.cx
            }
        }
    )* };
}

pub(crate) use arguments;

arguments! {
    /// A request whose headers have arrived.
    Request {
        /// Headers of the request.
        headers: RequestHeaders<'a>
    }
    /// A request of whose body a part has arrived.
    RequestBody {
        /// The part of the body that the host holds.
        body: Body<'a>
    }
    /// A request whose trailers have arrived.
    RequestTrailers {
        /// Trailers of the request.
        trailers: Trailers<'a>
    }
    /// A response whose headers have arrived.
    Response {
        /// Headers of the response.
        headers: ResponseHeaders<'a>
    }
    /// A response of whose body a part has arrived.
    ResponseBody {
        /// The part of the body that the host holds.
        body: Body<'a>
    }
    /// A response whose trailers have arrived.
    ResponseTrailers {
        /// Trailers of the response.
        trailers: Trailers<'a>
    }
    /// A stream that is complete. Its headers and trailers can be read, and no longer be changed.
    AccessLog {
        /// Headers and trailers of the stream.
        maps: AccessLogMaps
    }
}

/// The header maps of a complete stream.
pub struct AccessLogMaps(());

impl AccessLogMaps {
    pub(crate) fn new() -> Self {
        Self(())
    }

    /// Returns the request headers as this proxy sent them.
    pub fn request_headers(&self) -> Result<Pairs> {
        Pairs::parse(host::map_pairs(Map::RequestHeaders)?)
    }

    /// Returns the response headers as this proxy sent them.
    pub fn response_headers(&self) -> Result<Pairs> {
        Pairs::parse(host::map_pairs(Map::ResponseHeaders)?)
    }

    /// Returns the response trailers.
    pub fn response_trailers(&self) -> Result<Pairs> {
        Pairs::parse(host::map_pairs(Map::ResponseTrailers)?)
    }
}
