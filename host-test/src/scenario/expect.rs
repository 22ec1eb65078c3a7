//! Assertions on an outcome. A failure shows what differs, the whole message, the log and the last host
//! calls.

use super::{
    ClientView, ConnectionExchange, End, Headers, LogLevel, Outcome, Received, Response, UpstreamRequest,
};
use std::fmt::{Debug, Write};

/// One request or response of an outcome, to make assertions on.
pub struct Seen<'o> {
    outcome: &'o Outcome,
    what: String,
    start: String,
    headers: &'o Headers,
    body: Vec<u8>,
    trailers: &'o Headers,
}

impl Outcome {
    /// Returns the response that the client received to request `index`.
    ///
    /// # Panics
    /// If it received none.
    #[track_caller]
    pub fn client(&self, index: usize) -> Seen<'_> {
        let what = format!("response {index} at the client");
        match self.exchange(index).map(|exchange| &exchange.client) {
            Some(ClientView::Response(Response { status, headers, body, trailers, .. })) => Seen {
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

    /// Returns the request that reached the upstream for request `index`.
    ///
    /// # Panics
    /// Unless exactly one request reached the upstream.
    #[track_caller]
    pub fn upstream(&self, index: usize) -> Seen<'_> {
        let what = format!("request {index} at the upstream");
        match self.exchange(index).map(|exchange| exchange.upstream.as_slice()) {
            Some([request]) => self.seen(what, request),
            other => self.fail(&what, "exactly one request", &other),
        }
    }

    /// Returns callout `index` (from 0) that reached the upstream `name`.
    ///
    /// # Panics
    /// If fewer callouts reached it.
    #[track_caller]
    pub fn callout(&self, name: &str, index: usize) -> Seen<'_> {
        let what = format!("callout {index} to `{name}`");
        match self.callouts.get(name).and_then(|callouts| callouts.get(index)) {
            Some(request) => self.seen(what, request),
            None => self.fail(&what, "a callout", &self.callouts),
        }
    }

    /// Returns the result of connection `index`.
    ///
    /// # Panics
    /// If the scenario has no such connection.
    #[track_caller]
    pub fn connection(&self, index: usize) -> SeenConnection<'_> {
        match self.connections.get(index) {
            Some(exchange) => SeenConnection { outcome: self, index, exchange },
            None => self.fail(&format!("connection {index}"), "a connection", &self.connections),
        }
    }

    /// Returns the status of each response; 0 for a request without a response.
    pub fn statuses(&self) -> Vec<u16> {
        let status = |view: &ClientView| match view {
            ClientView::Response(response) => response.status,
            ClientView::Reset | ClientView::Hang => 0,
        };
        self.exchanges.iter().map(|exchange| status(&exchange.client)).collect()
    }

    /// Checks the status of each response; 0 for a request without a response.
    #[track_caller]
    pub fn has_statuses(&self, expected: &[u16]) -> &Self {
        if self.statuses() != expected {
            self.fail("statuses", &format!("{expected:?}"), &self.exchanges);
        }
        self
    }

    /// Checks the response code details of request `index`.
    #[track_caller]
    pub fn has_details(&self, index: usize, expected: &str) -> &Self {
        let details = self.exchange(index).map(|exchange| exchange.details.as_str());
        if details != Some(expected) {
            self.fail(&format!("response code details of request {index}"), expected, &details);
        }
        self
    }

    /// Checks that a filter logged a line at this level that contains `part`.
    #[track_caller]
    pub fn has_logged(&self, level: LogLevel, part: &str) -> &Self {
        if !self.logs.iter().any(|line| line.level == level && line.text.contains(part)) {
            self.fail("log", &format!("a line at {level:?} that contains `{part}`"), &self.logs);
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
    pub(super) fn fail(&self, what: &str, expected: &str, seen: &dyn Debug) -> ! {
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

/// One connection of an outcome, to make assertions on.
pub struct SeenConnection<'o> {
    outcome: &'o Outcome,
    index: usize,
    exchange: &'o ConnectionExchange,
}

impl SeenConnection<'_> {
    /// Checks all bytes that the client received, and how the connection ended for it.
    #[track_caller]
    pub fn client(&self, bytes: impl AsRef<[u8]>, end: End) -> &Self {
        let expected = Received { bytes: bytes.as_ref().to_vec(), end };
        self.check(self.exchange.client == expected, "at the client", &format!("{expected:?}"))
    }

    /// Checks that the proxy opened one connection to the upstream, which received these bytes and ended like
    /// this.
    #[track_caller]
    pub fn upstream(&self, bytes: impl AsRef<[u8]>, end: End) -> &Self {
        let expected = Received { bytes: bytes.as_ref().to_vec(), end };
        let same = matches!(self.exchange.upstream.as_slice(), [one] if *one == expected);
        self.check(same, "at the upstream", &format!("{expected:?}"))
    }

    /// Checks that the proxy opened no connection to the upstream.
    #[track_caller]
    pub fn no_upstream(&self) -> &Self {
        self.check(self.exchange.upstream.is_empty(), "at the upstream", "no connection")
    }

    /// Checks the response flags of the connection.
    #[track_caller]
    pub fn flags(&self, expected: &str) -> &Self {
        self.check(self.exchange.flags == expected, "response flags", expected)
    }

    #[track_caller]
    fn check(&self, holds: bool, part: &str, expected: &str) -> &Self {
        if !holds {
            self.outcome.fail(&format!("connection {}, {part}", self.index), expected, self.exchange);
        }
        self
    }
}

/// How many of the last host calls a failure shows: about those of one request.
const LAST_CALLS: usize = 20;

impl Seen<'_> {
    /// Checks the status of a response, or the `METHOD authority path` of a request.
    #[track_caller]
    pub fn start(&self, expected: &str) -> &Self {
        self.check(self.start == expected, "start line", expected)
    }

    /// Checks that the header `name` has exactly these values, in order.
    #[track_caller]
    pub fn headers(&self, name: &str, expected: &[&str]) -> &Self {
        let same = self.headers.get_all(name).eq(expected.iter().map(|value| value.as_bytes()));
        self.check(same, &format!("header `{name}`"), &format!("{expected:?}"))
    }

    /// Checks that the header `name` occurs once, with this value.
    #[track_caller]
    pub fn header(&self, name: &str, expected: &str) -> &Self {
        self.headers(name, &[expected])
    }

    /// Checks that the header `name` is absent.
    #[track_caller]
    pub fn no_header(&self, name: &str) -> &Self {
        self.headers(name, &[])
    }

    /// Checks that the header `name` occurs once, with a value that passes `test`. A failure shows `expected`
    /// as the description of such a value.
    #[track_caller]
    pub fn header_that(&self, name: &str, expected: &str, test: impl Fn(&str) -> bool) -> &Self {
        let values: Vec<_> = self.headers.get_all(name).collect();
        let holds = matches!(values.as_slice(), [one] if std::str::from_utf8(one).is_ok_and(&test));
        self.check(holds, &format!("header `{name}`"), expected)
    }

    /// Checks that the trailer `name` occurs once, with this value.
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

    /// Returns the value of the header `name` as text.
    ///
    /// # Panics
    /// Unless the header occurs once and is UTF-8.
    #[track_caller]
    pub fn value(&self, name: &str) -> String {
        self.header_that(name, "one value", |_| true);
        String::from_utf8_lossy(self.headers.get(name).unwrap_or_default()).into_owned()
    }

    /// Returns all values of the header `name` as text.
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
    use crate::{Exchange, Histogram, LogLine};
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
            histograms: BTreeMap::from([("h".into(), Histogram::from_values(&[3, 1, 2]))]),
            logs: vec![LogLine { level: LogLevel::Info, text: "hello".into() }],
            traps: Vec::new(),
            trace: vec!["log(info, \"hello\") -> Ok".into()],
            host_calls: BTreeMap::new(),
            instructions: BTreeMap::new(),
        }
    }

    #[test]
    fn accepts_a_matching_outcome() {
        let outcome = outcome();
        outcome.has_statuses(&[200]).has_details(0, "via_upstream").has_metric("m", 2).has_no_metric("n");
        outcome.client(0).start("200").headers("A", &["1", "2"]).no_header("b").body("ok");
        outcome.has_logged(LogLevel::Info, "ell");
        outcome.has_histogram("h", 3).has_quantile("h", 0.5, 2.0).has_quantile("h", 1.0, 3.0);
        outcome.connection(0).client("ab", End::Closed).upstream("a", End::Reset).flags("-");
    }

    #[test]
    fn a_failure_shows_the_difference_the_log_and_host_calls() {
        let failed = std::panic::catch_unwind(|| {
            outcome().client(0).header("a", "1");
        });
        let report = *failed.expect_err("the header has two values").downcast::<String>().expect("a string");
        for part in [
            "response 0 at the client, header `a`",
            "expected: [\"1\"]",
            "a: 2",
            "logged Info: hello",
            "-> Ok",
        ] {
            assert!(report.contains(part), "{report}");
        }
    }

    #[test]
    #[should_panic(expected = "unknown metric `n`\n  expected: 0")]
    fn has_metric_fails_for_a_misspelt_name() {
        outcome().has_metric("n", 0);
    }

    #[test]
    #[should_panic(expected = "histogram `h`\n  expected: 2 values")]
    fn has_histogram_fails_for_another_count() {
        outcome().has_histogram("h", 2);
    }

    #[test]
    #[should_panic(expected = "quantile 0.5 of `h`\n  expected: 3")]
    fn has_quantile_fails_for_another_value() {
        outcome().has_quantile("h", 0.5, 3.0);
    }

    #[test]
    #[should_panic(expected = "metric `m`\n  expected: no such metric")]
    fn has_no_metric_fails_for_a_metric() {
        outcome().has_no_metric("m");
    }

    #[test]
    #[should_panic(expected = "connection 0, at the client\n  expected: \"ab\" Reset")]
    fn a_failure_shows_how_the_connection_ended() {
        outcome().connection(0).client("ab", End::Reset);
    }

    #[test]
    #[should_panic(expected = "expected: no connection")]
    fn no_upstream_fails_if_there_was_a_connection() {
        outcome().connection(0).no_upstream();
    }

    #[test]
    #[should_panic(expected = "exactly one request")]
    fn upstream_fails_if_no_request_reached_it() {
        outcome().upstream(0);
    }
}
