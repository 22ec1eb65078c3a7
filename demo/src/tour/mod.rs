//! The tour: real requests, one after the other, and what must come of each.
//!
//! A step is data: a title, what is done, what is expected. How it is done is here, how an expectation is judged in
//! [`check`], and what it looks like in [`crate::print`]; a new filter brings steps, in [`steps`], and nothing else.

pub mod check;
pub mod steps;

use crate::http::{Reply, send};
use crate::print::Printer;
use crate::proxy::{self, Loaded, Proxy};
use crate::services::{Seen, Services};
use anyhow::Result;
use check::Expect;
use serde_json::Value;
use tokio::task::spawn_blocking;
use tollgate_host_test::Request;

/// One thing to see.
#[derive(Debug)]
pub struct Step {
    /// What there is to see, as a sentence.
    pub title: &'static str,
    /// What is done.
    pub action: Action,
    /// What must come of it.
    pub expect: Vec<Expect>,
}

/// What a step does.
#[derive(Debug)]
pub enum Action {
    /// Sends a request through the proxy.
    Send(Request),
    /// Has Envoy validate a configuration of a filter.
    Validate(&'static str, Value),
}

/// What came of a step.
#[derive(Debug, Default)]
pub struct Outcome {
    /// What the client got.
    pub reply: Option<Reply>,
    /// What the services saw, in order.
    pub seen: Vec<Seen>,
    /// By how much counters of the filters have moved; those that have not are left out.
    pub moved: Vec<(String, u64)>,
    /// Why Envoy refused the configuration.
    pub refusal: Option<String>,
}

impl Outcome {
    /// The last request that a service saw.
    pub fn seen_by(&self, service: &str) -> Option<&Seen> {
        self.seen.iter().rev().find(|seen| seen.service == service)
    }
}

/// Where a tour takes place.
pub struct Place<'a> {
    /// The proxy.
    pub proxy: &'a Proxy,
    /// What is behind it.
    pub services: &'a Services,
    /// The filters, for proxies of other configurations.
    pub loaded: &'a Loaded,
}

impl Place<'_> {
    /// Goes through the steps and prints each. Whether all went as expected.
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

    /// Does what a step does.
    async fn run(&self, action: &Action) -> Result<Outcome> {
        match action {
            Action::Send(request) => self.send(request).await,
            Action::Validate(filter, config) => {
                let (filter, config, loaded) = (*filter, config.clone(), self.loaded.clone());
                let refusal = spawn_blocking(move || proxy::refusal(filter, config, &loaded)).await??;
                Ok(Outcome { refusal, ..Outcome::default() })
            }
        }
    }

    async fn send(&self, request: &Request) -> Result<Outcome> {
        let before = self.proxy.counters()?;
        // Not of this tour: somebody may have tried the services already.
        self.services.take_seen();
        let reply = send(self.proxy.address(), request).await?;
        self.proxy.settle()?;
        let moved = self.proxy.counters()?.into_iter().filter_map(|(name, now)| {
            let by = now.saturating_sub(before.get(&name).copied().unwrap_or_default());
            (by > 0).then_some((name, by))
        });
        let moved = moved.collect();
        Ok(Outcome { reply: Some(reply), seen: self.services.take_seen(), moved, refusal: None })
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

    /// The same tour with a filter that is told to do nothing.
    #[test]
    fn a_filter_that_does_not_do_its_work_fails_the_tour() {
        let mut loaded = proxy::build().unwrap();
        loaded[0].0.config = json!({});
        let page = Page::default();
        let runtime = tokio::runtime::Runtime::new().unwrap();
        let well = runtime.block_on(async {
            let services = Services::start().await.unwrap();
            let at = proxy::check_port(0).unwrap();
            let proxy = Proxy::start(at, &loaded, &services.addresses).unwrap();
            services.set_proxy(proxy.address());
            let place = Place { proxy: &proxy, services: &services, loaded: &loaded };
            let mut printer = Printer::new(false, Box::new(page.clone()));
            place.tour(&steps::all(), &mut printer).await.unwrap()
        });
        let text = String::from_utf8(page.0.lock().unwrap().clone()).unwrap();
        assert!(!well, "{text}");
        assert!(text.contains("\u{2717} user-service: x-request-id is a UUID: it is absent"), "{text}");
        // What the other filter does, and what needs no filter, is still well.
        assert!(text.contains("\u{2713} the status is 403"), "{text}");
        assert!(text.trim_end().lines().last().unwrap().contains(" did not go as expected: "), "{text}");
    }
}
