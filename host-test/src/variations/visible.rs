//! The visible result of a run: what clients and upstreams receive, and the metrics.

use super::failure::Differs;
use crate::emulator::Emulator;
use crate::{ClientView, Exchange, Headers, Outcome, Scenario, UpstreamRequest};
use std::collections::BTreeMap;

/// Headers whose values depend on the time.
const TIMES: [&str; 3] = ["date", "x-envoy-upstream-service-time", "x-envoy-expected-rq-timeout-ms"];

/// Name of the entry for traps. In capitals, so that it sorts before the requests: traps are the cause.
pub(super) const TRAPS: &str = "TRAPS";

/// Headers and metrics whose values are not compared.
#[derive(Clone, Debug, Default)]
pub(super) struct Ignored {
    pub headers: Vec<String>,
    pub metrics: Vec<String>,
}

/// Values, by a description of what they are.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Visible {
    places: BTreeMap<String, Vec<String>>,
    callouts: BTreeMap<String, Vec<String>>,
    metrics: BTreeMap<String, Vec<String>>,
}

impl Visible {
    pub fn of(scenario: &Scenario, outcome: &Outcome, ignored: &Ignored) -> Self {
        let mut hidden: Vec<&str> = ignored.headers.iter().map(String::as_str).chain(TIMES).collect();
        if scenario.settings.generate_request_id {
            hidden.push("x-request-id");
        }
        let mut visible = Self::default();
        for (index, exchange) in outcome.exchanges.iter().enumerate() {
            visible.exchange(&format!("request {index}"), exchange, &hidden);
        }
        for (index, connection) in outcome.connections.iter().enumerate() {
            visible.see(format!("connection {index}: flags"), &connection.flags);
            visible.see(
                format!("connection {index}: received by the client"),
                format!("{:?}", connection.client),
            );
            for received in &connection.upstream {
                visible.see(format!("connection {index}: received by the upstream"), format!("{received:?}"));
            }
        }
        for (name, received) in &outcome.callouts {
            let mut received: Vec<_> = received.iter().map(|request| one_line(request, &hidden)).collect();
            received.sort();
            visible.callouts.insert(format!("callouts to `{name}`"), received);
        }
        for (name, value) in &outcome.metrics {
            if !ignored.metrics.contains(name) {
                visible.metrics.insert(format!("metric `{name}`"), vec![value.to_string()]);
            }
        }
        visible
    }

    /// Adds traps and leaks, which the emulator reports and which affect clients or upstreams sooner or
    /// later.
    pub fn inside(&mut self, emulator: &Emulator) {
        for trap in emulator.traps() {
            self.see(TRAPS, format!("{}: {}", trap.callback, trap.reason));
        }
        self.see("leaked streams", emulator.open_streams());
        self.see("leaked callouts", emulator.open_callouts());
    }

    fn see(&mut self, place: impl Into<String>, value: impl ToString) {
        self.places.entry(place.into()).or_default().push(value.to_string());
    }

    fn exchange(&mut self, who: &str, exchange: &Exchange, hidden: &[&str]) {
        self.see(format!("{who}: details"), &exchange.details);
        let client = format!("{who}: the client's");
        match &exchange.client {
            ClientView::Reset => self.see(format!("{client} response"), "reset"),
            ClientView::Hang => self.see(format!("{client} response"), "none (timeout)"),
            ClientView::Response(response) => {
                self.see(format!("{client} response"), "complete");
                self.see(format!("{client} status"), response.status);
                self.fields(&format!("{client} header"), &response.headers, hidden);
                self.see(format!("{client} body"), response.body().escape_ascii());
                self.fields(&format!("{client} trailer"), &response.trailers, hidden);
            }
        }
        // Whether an upstream sees the beginning of an aborted request depends on the pieces and on timing.
        let complete = || exchange.upstream.iter().filter(|request| request.ended);
        self.see(format!("{who}: attempts at the upstream"), complete().count());
        for (attempt, request) in complete().enumerate() {
            let upstream = match attempt {
                0 => format!("{who}: the upstream's"),
                _ => format!("{who}, attempt {}: the upstream's", attempt + 1),
            };
            let start = format!("{} {} {}", request.method, request.authority, request.path);
            self.see(format!("{upstream} request"), start);
            self.fields(&format!("{upstream} header"), &request.headers, hidden);
            self.see(format!("{upstream} body"), request.body.escape_ascii());
            self.fields(&format!("{upstream} trailer"), &request.trailers, hidden);
        }
    }

    /// Adds fields by name, because the order of fields with different names is not compared.
    fn fields(&mut self, what: &str, fields: &Headers, hidden: &[&str]) {
        for (name, value) in &fields.0 {
            let name = name.escape_ascii().to_string().to_ascii_lowercase();
            let value = match hidden.contains(&name.as_str()) {
                true => "(ignored)".into(),
                false => value.escape_ascii().to_string(),
            };
            self.see(format!("{what} `{name}`"), value);
        }
    }

    /// Returns the differences from another run. If that run aborted a request (`cut`), metrics are not
    /// compared, and additional callouts are allowed. Callouts that are missing are still differences.
    pub fn differs(&self, other: &Self, cut: bool) -> Vec<Differs> {
        let mut differs = compare(&self.places, &other.places);
        if !cut {
            differs.extend(compare(&self.callouts, &other.callouts));
            differs.extend(compare(&self.metrics, &other.metrics));
            return differs;
        }
        for (place, plain) in &self.callouts {
            let varied = other.callouts.get(place).cloned().unwrap_or_default();
            let mut rest = varied.clone();
            let missing = plain.iter().any(|call| match rest.iter().position(|other| other == call) {
                Some(at) => {
                    rest.remove(at);
                    false
                }
                None => true,
            });
            if missing {
                differs.push(Differs { place: place.clone(), plain: plain.clone(), varied });
            }
        }
        differs
    }
}

fn compare(plain: &BTreeMap<String, Vec<String>>, varied: &BTreeMap<String, Vec<String>>) -> Vec<Differs> {
    let places = plain.keys().chain(varied.keys().filter(|place| !plain.contains_key(*place)));
    let values = |of: &BTreeMap<String, Vec<String>>, place| of.get(place).cloned().unwrap_or_default();
    places
        .map(|place| Differs {
            place: place.clone(),
            plain: values(plain, place),
            varied: values(varied, place),
        })
        .filter(|differs| differs.plain != differs.varied)
        .collect()
}

fn one_line(request: &UpstreamRequest, hidden: &[&str]) -> String {
    let mut fields: Vec<_> = request.headers.0.iter().collect();
    // A stable sort, so that fields with the same name keep their order.
    fields.sort_by(|(a, _), (b, _)| a.cmp(b));
    let shown = fields.iter().map(|(name, value)| {
        let name = name.escape_ascii().to_string();
        let value = match hidden.contains(&name.as_str()) {
            true => "(ignored)".into(),
            false => value.escape_ascii().to_string(),
        };
        format!("{name}: {value}")
    });
    let shown: Vec<_> = shown.collect();
    let body = request.body.escape_ascii();
    format!("{} {} {} [{}] {body}", request.method, request.authority, request.path, shown.join(", "))
}
