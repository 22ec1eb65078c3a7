//! Requests in a queue, which wait until other requests end.

use crate::filter::{RateLimit, Stream, Worker, milliseconds};
use tollgate::{Context, Flow, Result, Signal};
use tollgate_policy::RequestFacts;
use tollgate_rate_limit_policy::Ticket;
use tollgate_rate_limit_policy::in_flight::WaiterId;

impl Worker {
    /// Holds the stream until it is woken or its wait is over.
    pub(crate) fn enqueue(
        &mut self,
        id: WaiterId,
        wait: u64,
        ticket: Ticket,
        stream: &mut Stream,
        cx: &mut Context<'_, RateLimit>,
    ) -> Result {
        stream.keep(ticket);
        self.waits(stream);
        cx.wait(signal(id), milliseconds(wait), |filter, stream, _, cx| {
            filter.enter(|filter| filter.decide_queued(stream, cx))
        })?;
        Ok(Flow::Pause)
    }

    fn decide_queued(&mut self, stream: &mut Stream, cx: &mut Context<'_, RateLimit>) -> Result {
        self.waits_no_more(stream);
        let Some(ticket) = stream.ticket.take() else { return Ok(self.lost("the reservations")) };
        let needs_headers = self.policy.plan().needs.request_headers;
        let read = self.world.tell_time().and_then(|now| match cx.held_request_headers() {
            Some(mut headers) if needs_headers => Ok((now, Some(headers.take_pairs()?))),
            _ => Ok((now, None)),
        });
        let (now, pairs) = match read {
            Ok((now, pairs)) if pairs.is_some() || !needs_headers => (now, pairs),
            failed => {
                // The request cannot be decided, so it must leave the queue.
                let now = self.world.now;
                self.policy.end(*ticket, &mut self.world, now);
                self.wake(cx);
                return failed.map_err(Into::into).map(|_| self.lost("the headers"));
            }
        };
        let mut list = Vec::new();
        if let Some(pairs) = &pairs {
            list.extend(pairs.iter());
        }
        let request = RequestFacts::from_pairs(&list);
        let decision = self.policy.decide_queued(*ticket, &request, &mut self.world, now);
        self.carry_out(decision, stream, cx)
    }

    /// Wakes queued requests for which there may be room.
    pub(crate) fn wake(&mut self, cx: &mut Context<'_, RateLimit>) {
        for id in self.policy.take_woken() {
            if let Err(error) = cx.signal(signal(id)) {
                tollgate::log::error!("cannot wake a queued request: {error}");
            }
        }
    }
}

/// Inverts the id: calls of the rate limit service use the signals from 0 upwards.
fn signal(WaiterId(id): WaiterId) -> Signal {
    Signal(!id)
}
