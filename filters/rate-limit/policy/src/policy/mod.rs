//! The whole decision, of its parts.

use crate::remote::{CallFailure, CallId};
use crate::{Decision, Environment, Plan};
use tollgate_policy::{RequestFacts, ResponseFacts, UnixNanos};

/// Decides about requests, and remembers what the rate limit service said.
#[derive(Debug)]
pub struct Policy {
    plan: Plan,
}

/// What was taken for a request: what is to be changed by its response, given back, and said to the client.
#[derive(Clone, Debug, Default)]
pub struct Ticket {}

impl Policy {
    /// Of a plan. `seed` is random and shared by all workers of the Envoy.
    pub fn new(plan: Plan, seed: [u8; 16]) -> Self {
        let _ = seed;
        Self { plan }
    }

    /// The plan.
    pub fn plan(&self) -> &Plan {
        &self.plan
    }

    /// What becomes of a request. `draw` is uniform in all of `u64`: for percentages.
    pub fn decide(
        &mut self,
        request: &RequestFacts<'_>,
        env: &mut dyn Environment,
        now: UnixNanos,
        draw: u64,
    ) -> Decision {
        let _ = (request, env, now, draw);
        Decision::Pass(crate::Pass::default())
    }

    /// The service answered, or did not.
    pub fn answered(
        &mut self,
        call: CallId,
        answer: Result<&[u8], CallFailure>,
        ticket: Ticket,
        env: &mut dyn Environment,
        now: UnixNanos,
    ) -> Decision {
        let _ = (call, answer, ticket, env, now);
        Decision::Pass(crate::Pass::default())
    }

    /// The call that a request waited for is answered.
    pub fn ask_again(&mut self, ticket: Ticket, env: &mut dyn Environment, now: UnixNanos) -> Decision {
        let _ = (ticket, env, now);
        Decision::Pass(crate::Pass::default())
    }

    /// The response has come: what it cost, and what is added to it.
    pub fn respond(
        &mut self,
        ticket: &mut Ticket,
        response: &ResponseFacts<'_>,
        env: &mut dyn Environment,
        now: UnixNanos,
    ) -> Vec<(String, Vec<u8>)> {
        let _ = (ticket, response, env, now);
        Vec::new()
    }

    /// The stream is over, with or without a response.
    pub fn end(&mut self, ticket: Ticket, env: &mut dyn Environment, now: UnixNanos) {
        let _ = (ticket, env, now);
    }
}
