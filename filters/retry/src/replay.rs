//! The steps of a response and its replays.

use crate::Retry;
use crate::filter::Stream;
use tollgate::{CalloutError, Error, ResponseHeaders};
use tollgate_kit::replace::Held;
use tollgate_kit::replay::{CalloutResult, Replayer};
use tollgate_retry_policy::{Head, Outcome, Reason, RetryReason, Step, Wake};

impl Replayer for Retry {
    type Wake = Wake;
    type Reason = Reason;

    const STATE: &'static str = "retry";

    fn held(stream: &mut Stream) -> &mut Held {
        &mut stream.held
    }

    fn wake(&self, stream: &mut Stream, wake: Wake) -> Result<Step, Error> {
        self.decide(|policy, world| policy.wake(&mut stream.state, wake, world))
    }

    fn answered(&self, stream: &mut Stream, result: CalloutResult<'_>) -> Result<Step, Error> {
        let outcome = match result {
            Ok((facts, trailers, body)) => Outcome::Response(Head { trailers, ..facts.into() }, body),
            Err(CalloutError::TooLarge) => Outcome::TooLarge,
            Err(CalloutError::Timeout) => Outcome::Failed(RetryReason::Timeout),
            Err(CalloutError::Reset) => Outcome::Failed(RetryReason::Reset),
            Err(_) => Outcome::Failed(RetryReason::Unavailable),
        };
        self.decide(|policy, world| policy.after(&mut stream.state, outcome, world))
    }

    fn edit(&self, stream: &Stream, headers: &mut ResponseHeaders<'_>) -> Result<(), Error> {
        self.decide(|policy, _| headers.apply(&policy.edits(&stream.state)))?
    }
}
