//! Requests that stand in line until others are in flight no more.

use crate::filter::{RateLimit, Stream, milliseconds};
use tollgate::{Context, Flow, Result, Signal};
use tollgate_policy::RequestFacts;
use tollgate_rate_limit_policy::Ticket;
use tollgate_rate_limit_policy::in_flight::LineId;

impl RateLimit {
    /// Has the stream wait until it is its turn to ask.
    pub(crate) fn stand_in_line(
        &mut self,
        id: LineId,
        wait: u64,
        ticket: Ticket,
        stream: &mut Stream,
        cx: &mut Context<'_, Self>,
    ) -> Result<Flow> {
        stream.keep(ticket);
        self.waits(stream);
        cx.wait(signal(id), milliseconds(wait), |filter, stream, _, cx| filter.next_in_line(stream, cx))?;
        Ok(Flow::Pause)
    }

    fn next_in_line(&mut self, stream: &mut Stream, cx: &mut Context<'_, Self>) -> Result<Flow> {
        self.waits_no_more(stream);
        let ticket = stream.ticket.take().map(|ticket| *ticket).unwrap_or_default();
        let read = self.world.tell_time().and_then(|now| match cx.held_request_headers() {
            Some(mut headers) if self.policy.plan().needs.request_headers => {
                Ok((now, Some(headers.take_pairs()?)))
            }
            _ => Ok((now, None)),
        });
        let (now, pairs) = match read {
            Ok(read) => read,
            Err(error) => {
                // Nobody stands behind one that does not ask.
                let now = self.world.now;
                self.policy.end(ticket, &mut self.world, now);
                self.wake(cx);
                return Err(error);
            }
        };
        let mut list = Vec::new();
        if let Some(pairs) = &pairs {
            list.extend(pairs.iter());
        }
        let request = RequestFacts::from_pairs(&list);
        let decision = self.policy.decide_in_line(ticket, &request, &mut self.world, now);
        self.carry_out(decision, stream, cx)
    }

    /// Has those asked again for whom there may be room.
    pub(crate) fn wake(&mut self, cx: &mut Context<'_, Self>) {
        for id in self.policy.take_woken() {
            if let Err(error) = cx.signal(signal(id)) {
                tollgate::log::error!("a request that stands in line cannot be woken: {error}");
            }
        }
    }
}

/// Calls of the rate limit service are counted from the other end.
fn signal(LineId(id): LineId) -> Signal {
    Signal(!id)
}
