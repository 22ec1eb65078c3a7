//! The tour: a sequence of real requests, each with its expectations.
//!
//! A step is data: a title, an action and expectations. This module runs actions, [`check`] checks
//! expectations, and [`crate::print`] prints the outcome. A new filter adds steps to [`steps`], and nothing
//! else.

pub mod check;
pub mod steps;

use crate::http::{Reply, send};
use crate::print::Printer;
use crate::proxy::{self, Loaded, Proxy};
use crate::services::{Seen, Services};
use anyhow::Result;
use check::Expect;
use serde_json::Value;
use std::time::{Duration, Instant};
use tokio::task::spawn_blocking;
use tollgate_host_test::Request;

/// One step of the tour.
#[derive(Debug)]
pub struct Step {
    /// Title, as a sentence.
    pub title: &'static str,
    /// Action to run.
    pub action: Action,
    /// Expectations of the outcome.
    pub expect: Vec<Expect>,
}

/// Action of a step.
#[derive(Debug)]
pub enum Action {
    /// Sends a request through the proxy.
    Send(Request),
    /// Sends a request again and again until its response has this status, for at most ten seconds.
    SendUntil(Request, u16),
    /// Has Envoy validate a configuration of a filter.
    Validate(&'static str, Value),
}

/// Outcome of a step.
#[derive(Debug, Default)]
pub struct Outcome {
    /// Response that the client received.
    pub reply: Option<Reply>,
    /// Requests that the services received, in order.
    pub seen: Vec<Seen>,
    /// Counters of the filters that grew, each with the difference.
    pub counted: Vec<(String, u64)>,
    /// Log line with the reason why Envoy rejected the configuration.
    pub rejection: Option<String>,
}

impl Outcome {
    /// Returns the last request that a service received.
    pub fn seen_by(&self, service: &str) -> Option<&Seen> {
        self.seen.iter().rev().find(|seen| seen.service == service)
    }
}

/// The environment of a tour.
pub struct Demo<'a> {
    /// Proxy to send requests to.
    pub proxy: &'a Proxy,
    /// Services behind the proxy.
    pub services: &'a Services,
    /// Filters, to validate other configurations.
    pub loaded: &'a Loaded,
}

impl Demo<'_> {
    /// Runs and prints all steps. Returns whether all steps passed.
    pub async fn tour(&self, steps: &[Step], printer: &mut Printer) -> Result<bool> {
        let mut failed = Vec::new();
        for (number, step) in (1..).zip(steps) {
            let outcome = self.run(&step.action).await?;
            if printer.step(number, step, &outcome)? > 0 {
                failed.push(step.title);
            }
        }
        printer.verdict(steps.len(), &failed)?;
        Ok(failed.is_empty())
    }

    /// Runs an action.
    async fn run(&self, action: &Action) -> Result<Outcome> {
        match action {
            Action::Send(request) => self.send(request).await,
            Action::SendUntil(request, status) => {
                let deadline = Instant::now() + Duration::from_secs(10);
                loop {
                    let outcome = self.send(request).await?;
                    let found = outcome.reply.as_ref().is_some_and(|reply| reply.status.as_u16() == *status);
                    if found || Instant::now() > deadline {
                        return Ok(outcome);
                    }
                    tokio::time::sleep(Duration::from_millis(100)).await;
                }
            }
            Action::Validate(filter, config) => {
                let (filter, config, loaded) = (*filter, config.clone(), self.loaded.clone());
                let rejection = spawn_blocking(move || proxy::rejection(filter, config, &loaded)).await??;
                Ok(Outcome { rejection, ..Outcome::default() })
            }
        }
    }

    async fn send(&self, request: &Request) -> Result<Outcome> {
        let before = self.proxy.counters()?;
        // Discards requests that are not from this tour: a user may have sent some already.
        self.services.take_seen();
        let reply = send(self.proxy.address(), request).await?;
        self.proxy.settle()?;
        let counted = self.proxy.counters()?.into_iter().filter_map(|(name, now)| {
            let by = now.saturating_sub(before.get(&name).copied().unwrap_or_default());
            (by > 0).then_some((name, by))
        });
        let counted = counted.collect();
        Ok(Outcome { reply: Some(reply), seen: self.services.take_seen(), counted, rejection: None })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;
    use std::io::Write;
    use std::sync::{Arc, Mutex};

    #[derive(Clone, Default)]
    struct Page(Arc<Mutex<Vec<u8>>>);

    impl Write for Page {
        fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
            self.0.lock().unwrap().write(bytes)
        }

        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }

    /// Runs the tour with one filter configured to do nothing.
    #[test]
    fn a_filter_that_does_nothing_fails_the_tour() {
        let mut loaded = proxy::build().unwrap();
        loaded[0].0.config = json!({});
        let page = Page::default();
        let runtime = tokio::runtime::Runtime::new().unwrap();
        let passed = runtime.block_on(async {
            let services = Services::start().await.unwrap();
            let at = proxy::check_port(0).unwrap();
            let proxy = Proxy::start(at, &loaded, &services.addresses).unwrap();
            services.set_proxy(proxy.address());
            let demo = Demo { proxy: &proxy, services: &services, loaded: &loaded };
            let mut printer = Printer::new(false, Box::new(page.clone()));
            demo.tour(&steps::all(), &mut printer).await.unwrap()
        });
        let text = String::from_utf8(page.0.lock().unwrap().clone()).unwrap();
        assert!(!passed, "{text}");
        assert!(text.contains("\u{2717} user-service: x-request-id is a UUID: it is absent"), "{text}");
        // Steps of other filters still pass.
        assert!(text.contains("\u{2713} the status is 403"), "{text}");
        assert!(text.trim_end().lines().last().unwrap().contains(" steps failed: "), "{text}");
    }
}
