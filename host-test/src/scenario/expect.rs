//! Assertions on an outcome that say, when they fail, what differs, what else was seen, and what the filter last asked
//! of the host.

use super::{
    ClientView, ConnectionExchange, End, Headers, LogLevel, Outcome, Received, Response, UpstreamRequest,
};
use std::fmt::{Debug, Write};

/// One message of an exchange, and the run it belongs to.
pub struct Seen<'o> {
    outcome: &'o Outcome,
    what: String,
    start: String,
    headers: &'o Headers,
    body: Vec<u8>,
    trailers: &'o Headers,
}

impl Outcome {
    /// The response that the client got to request `index`. Fails if it got none.
    #[track_caller]
    pub fn client(&self, index: usize) -> Seen<'_> {
        let what = format!("the client's response {index}");
        match self.exchange(index).map(|exchange| &exchange.client) {
            Some(ClientView::Response(Response { status, headers, body, trailers })) => Seen {
                outcome: self,
                what,
                start: status.to_string(),
                headers,
                body: body.concat(),
                trailers,
            },
            other => self.fail(&what, "a response", &other),
        }
    }

    /// The request that reached the upstream for request `index`. Fails unless exactly one did.
    #[track_caller]
    pub fn upstream(&self, index: usize) -> Seen<'_> {
        let what = format!("the upstream's request {index}");
        match self.exchange(index).map(|exchange| exchange.upstream.as_slice()) {
            Some([request]) => self.seen(what, request),
            other => self.fail(&what, "exactly one request", &other),
        }
    }

    /// The `index`th request that reached the upstream `name` by a callout.
    #[track_caller]
    pub fn callout(&self, name: &str, index: usize) -> Seen<'_> {
        let what = format!("callout {index} to `{name}`");
        match self.callouts.get(name).and_then(|callouts| callouts.get(index)) {
            Some(request) => self.seen(what, request),
            None => self.fail(&what, "a request", &self.callouts),
        }
    }

    /// What came of connection `index`. Fails if there was none.
    #[track_caller]
    pub fn connection(&self, index: usize) -> SeenConnection<'_> {
        match self.connections.get(index) {
            Some(exchange) => SeenConnection { outcome: self, index, exchange },
            None => self.fail(&format!("connection {index}"), "a connection", &self.connections),
        }
    }

    /// The statuses that the client saw; 0 where it saw no response.
    pub fn statuses(&self) -> Vec<u16> {
        let status = |view: &ClientView| match view {
            ClientView::Response(response) => response.status,
            ClientView::Reset | ClientView::Hang => 0,
        };
        self.exchanges.iter().map(|exchange| status(&exchange.client)).collect()
    }

    /// Checks the statuses that the client saw.
    #[track_caller]
    pub fn has_statuses(&self, expected: &[u16]) -> &Self {
        if self.statuses() != expected {
            self.fail("the statuses", &format!("{expected:?}"), &self.exchanges);
        }
        self
    }

    /// Checks the response code details of request `index`.
    #[track_caller]
    pub fn has_details(&self, index: usize, expected: &str) -> &Self {
        let details = self.exchange(index).map(|exchange| exchange.details.as_str());
        if details != Some(expected) {
            self.fail("the response code details", expected, &details);
        }
        self
    }

    /// Checks a counter or gauge; one that was never defined counts as 0.
    #[track_caller]
    pub fn has_metric(&self, name: &str, expected: u64) -> &Self {
        if self.metrics.get(name).copied().unwrap_or(0) != expected {
            self.fail(&format!("the metric `{name}`"), &expected.to_string(), &self.metrics);
        }
        self
    }

    /// Checks that a line with this level and part was logged.
    #[track_caller]
    pub fn has_logged(&self, level: LogLevel, part: &str) -> &Self {
        if !self.logs.iter().any(|line| line.level == level && line.text.contains(part)) {
            self.fail("the log", &format!("a line at {level:?} with `{part}`"), &self.logs);
        }
        self
    }

    fn exchange(&self, index: usize) -> Option<&super::Exchange> {
        self.exchanges.get(index)
    }

    fn seen<'o>(&'o self, what: String, request: &'o UpstreamRequest) -> Seen<'o> {
        Seen {
            outcome: self,
            what,
            start: format!("{} {} {}", request.method, request.authority, request.path),
            headers: &request.headers,
            body: request.body.clone(),
            trailers: &request.trailers,
        }
    }

    #[track_caller]
    fn fail(&self, what: &str, expected: &str, seen: &dyn Debug) -> ! {
        let mut report = format!("{what}\n  expected: {expected}\n  seen: {seen:#?}\n");
        for line in &self.logs {
            let _ = writeln!(report, "  logged {:?}: {}", line.level, line.text);
        }
        let last = self.trace.len().saturating_sub(LAST_CALLS);
        for call in self.trace.iter().skip(last) {
            let _ = writeln!(report, "  host call: {call}");
        }
        panic!("{report}");
    }
}

/// One connection, and the run it belongs to.
pub struct SeenConnection<'o> {
    outcome: &'o Outcome,
    index: usize,
    exchange: &'o ConnectionExchange,
}

impl SeenConnection<'_> {
    /// Checks all that the client got, and how the connection ended for it.
    #[track_caller]
    pub fn client(&self, bytes: impl AsRef<[u8]>, end: End) -> &Self {
        let expected = Received { bytes: bytes.as_ref().to_vec(), end };
        self.check(self.exchange.client == expected, "the client", &format!("{expected:?}"))
    }

    /// Checks all that the upstream got on the one connection made to it, and how that ended.
    #[track_caller]
    pub fn upstream(&self, bytes: impl AsRef<[u8]>, end: End) -> &Self {
        let expected = Received { bytes: bytes.as_ref().to_vec(), end };
        let same = matches!(self.exchange.upstream.as_slice(), [one] if *one == expected);
        self.check(same, "the upstream", &format!("{expected:?}"))
    }

    /// Checks that no connection was made to the upstream.
    #[track_caller]
    pub fn no_upstream(&self) -> &Self {
        self.check(self.exchange.upstream.is_empty(), "the upstream", "no connection")
    }

    /// Checks the response flags.
    #[track_caller]
    pub fn flags(&self, expected: &str) -> &Self {
        self.check(self.exchange.flags == expected, "the response flags", expected)
    }

    #[track_caller]
    fn check(&self, holds: bool, part: &str, expected: &str) -> &Self {
        if !holds {
            self.outcome.fail(&format!("connection {}, {part}", self.index), expected, self.exchange);
        }
        self
    }
}

/// How many host calls a failure shows: those of about one request.
const LAST_CALLS: usize = 20;

impl Seen<'_> {
    /// Checks the status of a response, or `METHOD authority path` of a request.
    #[track_caller]
    pub fn start(&self, expected: &str) -> &Self {
        self.check(self.start == expected, "begins with", expected)
    }

    /// Checks that `name` has exactly these values, in order.
    #[track_caller]
    pub fn headers(&self, name: &str, expected: &[&str]) -> &Self {
        let same = self.headers.get_all(name).eq(expected.iter().map(|value| value.as_bytes()));
        self.check(same, &format!("header `{name}`"), &format!("{expected:?}"))
    }

    /// Checks that `name` is there once, with this value.
    #[track_caller]
    pub fn header(&self, name: &str, expected: &str) -> &Self {
        self.headers(name, &[expected])
    }

    /// Checks that `name` is absent.
    #[track_caller]
    pub fn no_header(&self, name: &str) -> &Self {
        self.headers(name, &[])
    }

    /// Checks that `name` is there once, with a value of which `test` holds; `expected` says what that is.
    #[track_caller]
    pub fn header_that(&self, name: &str, expected: &str, test: impl Fn(&str) -> bool) -> &Self {
        let values: Vec<_> = self.headers.get_all(name).collect();
        let holds = matches!(values.as_slice(), [one] if std::str::from_utf8(one).is_ok_and(&test));
        self.check(holds, &format!("header `{name}`"), expected)
    }

    /// Checks a trailer.
    #[track_caller]
    pub fn trailer(&self, name: &str, expected: &str) -> &Self {
        let same = self.trailers.get_all(name).eq([expected.as_bytes()]);
        self.check(same, &format!("trailer `{name}`"), expected)
    }

    /// Checks the whole body.
    #[track_caller]
    pub fn body(&self, expected: impl AsRef<[u8]>) -> &Self {
        let expected = expected.as_ref();
        self.check(self.body == expected, "body", &expected.escape_ascii().to_string())
    }

    /// The only value of `name`, as text.
    #[track_caller]
    pub fn value(&self, name: &str) -> String {
        self.header_that(name, "one value", |_| true);
        String::from_utf8_lossy(self.headers.get(name).unwrap_or_default()).into_owned()
    }

    /// Every value of `name`, as text.
    pub fn values(&self, name: &str) -> Vec<String> {
        self.headers.get_all(name).map(|value| String::from_utf8_lossy(value).into_owned()).collect()
    }

    #[track_caller]
    fn check(&self, holds: bool, part: &str, expected: &str) -> &Self {
        if !holds {
            let seen = format_args!(
                "{}\n{:?}{}\n{:?}",
                self.start,
                self.headers,
                self.body.escape_ascii(),
                self.trailers
            );
            self.outcome.fail(&format!("{}, {part}", self.what), expected, &seen);
        }
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Exchange, LogLine};
    use std::collections::BTreeMap;

    fn outcome() -> Outcome {
        let response = Response::new(200).header("a", "1").header("a", "2").chunk("ok");
        Outcome {
            exchanges: vec![Exchange {
                client: ClientView::Response(response),
                upstream: Vec::new(),
                details: "via_upstream".into(),
                flags: "-".into(),
            }],
            connections: vec![ConnectionExchange {
                client: Received { bytes: b"ab".to_vec(), end: End::Closed },
                upstream: vec![Received { bytes: b"a".to_vec(), end: End::Reset }],
                flags: "-".into(),
            }],
            callouts: BTreeMap::new(),
            metrics: BTreeMap::from([("m".into(), 2)]),
            logs: vec![LogLine { level: LogLevel::Info, text: "hello".into() }],
            trace: vec!["log(info, \"hello\") -> Ok".into()],
        }
    }

    #[test]
    fn accepts_what_is_so() {
        let outcome = outcome();
        outcome.has_statuses(&[200]).has_details(0, "via_upstream").has_metric("m", 2).has_metric("n", 0);
        outcome.client(0).start("200").headers("A", &["1", "2"]).no_header("b").body("ok");
        outcome.has_logged(LogLevel::Info, "ell");
        outcome.connection(0).client("ab", End::Closed).upstream("a", End::Reset).flags("-");
    }

    #[test]
    fn a_failure_names_what_differs_and_shows_logs_and_host_calls() {
        let failed = std::panic::catch_unwind(|| {
            outcome().client(0).header("a", "1");
        });
        let report = *failed.expect_err("a second value").downcast::<String>().expect("a text");
        for part in ["response 0, header `a`", "expected: [\"1\"]", "a: 2", "logged Info: hello", "-> Ok"] {
            assert!(report.contains(part), "{report}");
        }
    }

    #[test]
    #[should_panic(expected = "connection 0, the client\n  expected: \"ab\" Reset")]
    fn a_connection_that_ended_otherwise_is_told_with_what_was_seen() {
        outcome().connection(0).client("ab", End::Reset);
    }

    #[test]
    #[should_panic(expected = "expected: no connection")]
    fn a_connection_to_the_upstream_is_not_none() {
        outcome().connection(0).no_upstream();
    }

    #[test]
    #[should_panic(expected = "exactly one request")]
    fn a_request_that_did_not_reach_the_upstream_is_not_seen_there() {
        outcome().upstream(0);
    }
}
