//! Decisions, as in Limitador's server (`limitador-server/src/envoy_rls/server.rs`).

use crate::Storage;
use crate::storage::{Fault, OnRedis};
use limitador::RateLimiter;
use limitador::limit::Context;
use std::collections::HashMap;
use tollgate_rate_limit_service::{Code, Header, Request, Response};

/// A limit of the service.
#[derive(Clone, Debug)]
pub struct Limit {
    domain: String,
    hits: u64,
    seconds: u64,
    entries: Vec<String>,
}

impl Limit {
    /// Returns a limit of `hits` per `seconds` for each combination of values of these entries in the first
    /// descriptor. It does not apply to requests without all of these entries.
    pub fn new(domain: &str, hits: u64, seconds: u64, entries: &[&str]) -> Self {
        Self {
            domain: domain.into(),
            hits,
            seconds,
            entries: entries.iter().map(|&entry| entry.into()).collect(),
        }
    }

    fn of_limitador(&self) -> limitador::limit::Limit {
        let has = |entry: &String| format!("'{entry}' in descriptors[0]");
        let value = |entry: &String| format!("descriptors[0]['{entry}']");
        let conditions =
            self.entries.iter().map(|entry| has(entry).as_str().try_into().expect("valid condition"));
        let variables =
            self.entries.iter().map(|entry| value(entry).as_str().try_into().expect("valid expression"));
        limitador::limit::Limit::new(self.domain.as_str(), self.hits, self.seconds, conditions, variables)
    }
}

pub(crate) struct Decider {
    limiter: RateLimiter,
    fault: Fault,
    headers: bool,
}

impl Decider {
    pub fn new(limits: &[Limit], storage: Storage<'_>, headers: bool) -> Self {
        let fault = Fault::default();
        let limiter = match storage {
            Storage::Memory => RateLimiter::new(1_000_000),
            Storage::Redis(redis) => {
                RateLimiter::new_with_storage(Box::new(OnRedis::new(redis.port(), fault.clone())))
            }
        };
        for limit in limits {
            limiter.add_limit(limit.of_limitador());
        }
        Self { limiter, fault, headers }
    }

    /// Answers a request. `None` if the storage fails.
    pub fn answer(&self, request: &Request) -> Option<Response> {
        if request.domain.is_empty() {
            return Some(Response::default());
        }
        let mut context = Context::default();
        let descriptors = request.descriptors.iter().map(|descriptor| {
            let entries = descriptor.entries.iter();
            entries.map(|entry| (entry.key.clone(), entry.value.clone())).collect::<HashMap<_, _>>()
        });
        context.list_binding("descriptors".to_owned(), descriptors.collect());
        let domain = request.domain.as_str().into();
        let hits = u64::from(request.hits_addend.max(1));
        let mut result = self.limiter.check_rate_limited_and_update(&domain, &context, hits).ok()?;
        if self.fault.take() {
            return None;
        }
        let code = if result.limited { Code::OverLimit } else { Code::Ok };
        let mut headers = Vec::new();
        if self.headers {
            let header =
                |(key, value): (String, String)| Header { key, value: value.into(), raw_value: Vec::new() };
            headers.extend(result.response_header().into_iter().map(header));
            headers.sort_by(|a, b| a.key.cmp(&b.key));
        }
        Some(Response { overall_code: code.into(), response_headers_to_add: headers, ..Response::default() })
    }
}
