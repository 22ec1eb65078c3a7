//! Requests that a filter sends again by callouts, and responses that take the place of others.
//! `tollgate-kit` carries out the [`Step`]s of a policy.

use crate::Refusal;

/// Name and value of a field.
pub type Field = (String, Vec<u8>);

/// A request, so that it can be sent again.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Request {
    /// `:method`.
    pub method: String,
    /// `:path`.
    pub path: String,
    /// `:authority`.
    pub authority: String,
    /// Headers, without pseudo-headers.
    pub headers: Vec<Field>,
    /// Body.
    pub body: Vec<u8>,
}

/// A response that takes the place of another.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Response {
    /// HTTP status.
    pub status: u16,
    /// Headers, without pseudo-headers.
    pub headers: Vec<Field>,
    /// Body.
    pub body: Vec<u8>,
    /// Trailers.
    pub trailers: Vec<Field>,
}

/// A callout.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Call {
    /// Name of the cluster.
    pub cluster: String,
    /// The request.
    pub request: Request,
    /// Timeout in nanoseconds, at least a millisecond.
    pub timeout: u64,
    /// Maximum size of the body of the response in bytes.
    pub max_response_bytes: usize,
}

/// The part of a response that a filter must see before it can decide.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Wait {
    /// None: the response passes through.
    #[default]
    Nothing,
    /// The body. The headers are held.
    Body,
    /// The trailers. The headers pass, and the only message of the body is held.
    Trailers,
}

/// The next step of a stream. `W` says what a task has waited for, and `R` is the reason of a response that
/// is not that of the upstream.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Step<W, R> {
    /// Pass the response of the upstream on, except for the part that the filter waits for.
    Pass(Wait),
    /// Hold what is held: more arrives, or another task decides.
    Hold,
    /// Hold what is held, and ask for the next step after these nanoseconds.
    After(u64, W),
    /// Hold the response until another task of its stream wakes it, and ask for the next step then.
    Wait(W),
    /// Wake the response, which waits.
    Wake,
    /// Send a request, and ask for the next step with its result.
    Call(Box<Call>),
    /// Answer with this response in the place of the upstream's.
    Replace(Box<Response>, R),
    /// Answer with this response as a reply of the filter.
    Reply(Refusal<R>),
}
