//! Carries out the steps of a policy that sends requests again, and replaces responses.

use crate::decisions;
use crate::replace::{self, Held};
use std::time::Duration;
use tollgate::filter::{HttpCallouts, Timers};
use tollgate::{
    CalloutError, Context, Error, Flow, HttpCall, HttpFilter, HttpResult, ResponseHeaders, Result, Signal,
};
use tollgate_policy::replay::{Call, Step, Wait};
use tollgate_policy::{Headers, ResponseDetails, ResponseFacts};

/// Longest time that a response waits for another task: the longest timeout of a callout.
const MAX_WAIT: Duration = Duration::from_secs(86_400);

/// Facts, trailers and body of the response to a callout, or the error.
pub type CalloutResult<'a> = Result<(ResponseFacts<'a>, Headers<'a>, &'a [u8]), CalloutError>;

/// A step of a filter.
pub type StepOf<F> = Step<<F as Replayer>::Wake, <F as Replayer>::Reason>;

/// A filter that sends requests again. Its signals are the ids of its streams.
pub trait Replayer: HttpFilter + HttpCallouts + Timers {
    /// Events that a task waits for.
    type Wake: Copy + 'static;
    /// Reasons of responses that are not those of the upstream.
    type Reason: ResponseDetails;

    /// Name of the filter state that receives the reason of a response that replaces that of the upstream.
    const STATE: &'static str;

    /// Returns what the filter holds of a response.
    fn held(stream: &mut Self::Stream) -> &mut Held;

    /// Returns the step of a task that has waited.
    fn wake(&self, stream: &mut Self::Stream, wake: Self::Wake) -> Result<StepOf<Self>, Error>;

    /// Returns the step after a callout.
    fn answered(&self, stream: &mut Self::Stream, result: CalloutResult<'_>) -> Result<StepOf<Self>, Error>;

    /// Edits the headers of a response of the upstream that passes.
    fn edit(&self, stream: &Self::Stream, headers: &mut ResponseHeaders<'_>) -> Result<(), Error>;
}

/// Asks for the next step after some nanoseconds.
pub fn after<F: Replayer>(cx: &mut Context<'_, F>, nanos: u64, wake: F::Wake) -> Result<(), Error> {
    cx.after(Duration::from_nanos(nanos), move |filter, stream, cx| woken(filter, stream, cx, wake))
}

fn woken<F: Replayer>(filter: &F, stream: &mut F::Stream, cx: &mut Context<'_, F>, wake: F::Wake) -> Result {
    let step = filter.wake(stream, wake)?;
    carry_out(filter, stream, cx, None, step)
}

/// Carries out a step. `headers` are those of the callback that runs, unless a task does: then they are those
/// that the host holds, if it does.
pub fn carry_out<F: Replayer>(
    filter: &F,
    stream: &mut F::Stream,
    cx: &mut Context<'_, F>,
    headers: Option<&mut ResponseHeaders<'_>>,
    mut step: StepOf<F>,
) -> Result {
    while let Step::Call(call) = step {
        match send(cx, *call) {
            Ok(()) => return Ok(Flow::Pause),
            Err(error) => step = answered(filter, stream, Err(error.into()))?,
        }
    }
    // Only tasks of the stream itself send it.
    let signal = Signal(cx.stream_id().unwrap_or_default());
    match step {
        Step::Call(_) | Step::Hold => {}
        Step::After(nanos, wake) => after(cx, nanos, wake)?,
        Step::Wait(wake) => {
            cx.wait(signal, MAX_WAIT, move |filter, stream, _, cx| woken(filter, stream, cx, wake))?;
        }
        Step::Wake => cx.signal(signal)?,
        Step::Pass(wait) => {
            with_headers(cx, headers, |headers| filter.edit(stream, headers))?;
            return Ok(if wait == Wait::Body { Flow::AwaitBody } else { Flow::Continue });
        }
        Step::Replace(new, reason) => {
            decisions::report(F::STATE, reason.details().as_bytes());
            with_headers(cx, headers, |headers| replace::headers(headers, new.status, &new.headers))?;
            F::held(stream).put(cx, new.body, new.trailers)?;
            return Ok(Flow::Continue);
        }
        Step::Reply(refusal) => return Ok(refusal.into()),
    }
    Ok(Flow::Pause)
}

fn with_headers<F: HttpFilter>(
    cx: &mut Context<'_, F>,
    of_callback: Option<&mut ResponseHeaders<'_>>,
    edit: impl FnOnce(&mut ResponseHeaders<'_>) -> Result<(), Error>,
) -> Result<(), Error> {
    match of_callback {
        Some(headers) => edit(headers),
        None => cx.held_response_headers().map_or(Ok(()), |mut headers| edit(&mut headers)),
    }
}

fn send<F: Replayer>(cx: &mut Context<'_, F>, call: Call) -> Result<(), Error> {
    let Call { cluster, request, timeout, max_response_bytes } = call;
    let http = HttpCall::new(&cluster, &request.method, &request.authority, &request.path);
    let http = http.timeout(Duration::from_nanos(timeout)).max_response_body(max_response_bytes);
    let headers = request.headers.iter();
    let http = headers.fold(http.body(request.body), |http, (name, value)| http.header(name, value));
    cx.http_call(&http, |filter, stream, result, cx| {
        let step = answered(filter, stream, result)?;
        carry_out(filter, stream, cx, None, step)
    })
}

fn answered<F: Replayer>(filter: &F, stream: &mut F::Stream, result: HttpResult) -> Result<StepOf<F>, Error> {
    match result {
        Ok(response) => {
            let (headers, trailers) = (&response.headers, &response.trailers);
            let (headers, trailers): (Vec<_>, Vec<_>) = (headers.iter().collect(), trailers.iter().collect());
            let facts = ResponseFacts { status: response.status, headers: Headers(&headers) };
            filter.answered(stream, Ok((facts, Headers(&trailers), &response.body)))
        }
        Err(error) => {
            tollgate::log::debug!("a callout failed: {error:?}");
            filter.answered(stream, Err(error))
        }
    }
}
