//! The same requests through Envoy's own `jwt_authn` and through this filter, each in an Envoy.
//!
//! What Envoy's documentation shows comes out the same: status, body, what the upstream sees. Meant to differ are
//! - `www-authenticate`, which goes on behind what Envoy says (`error_description`: RFC 6750 section 3), and whose `realm`
//!   is without the query, in which there may be a token;
//! - of several tokens that a requirement asks for, one that is bad is told before one that is missing;
//! - tokens that did not come to be verified, in the places where they are looked for, go no further.
//!
//! Of hostile requests this filter lets fewer through, and none that Envoy's does not but for those of [`hostile::WIDER`].

mod examples;
mod hostile;
mod requirements;

use serde_json::{Value, json};
use tollgate_host_test::{ClientView, Exchange, Host, Outcome, Request, Scenario, Upstream};

/// One configuration, written as either filter has it, and what is sent.
pub struct Example {
    pub providers: Value,
    /// What paths begin with, and what is required of them.
    pub rules: Vec<(&'static str, Value)>,
    /// Fields beside these that both have.
    pub more: Value,
    pub requests: Vec<Request>,
}

impl Example {
    fn with(&self, rules: Vec<Value>) -> Value {
        let mut config = json!({ "providers": self.providers, "rules": rules });
        for (name, value) in self.more.as_object().unwrap() {
            config[name] = value.clone();
        }
        config
    }

    fn rules(&self, condition: impl Fn(&str) -> Value) -> Vec<Value> {
        let rule = |(prefix, required): &(&str, Value)| {
            let mut rule = json!({ "match": condition(prefix) });
            for (name, value) in required.as_object().unwrap() {
                rule[name] = value.clone();
            }
            rule
        };
        self.rules.iter().map(rule).collect()
    }

    /// As Envoy's filter has it.
    pub fn native(&self) -> Value {
        self.with(self.rules(|prefix| json!({ "prefix": prefix })))
    }

    /// As this filter has it: a rule may ask for several paths.
    pub fn ours(&self) -> Value {
        self.with(self.rules(|prefix| json!({ "paths": [{ "prefix": prefix }] })))
    }

    /// Both see the same.
    #[track_caller]
    pub fn agrees(&self, upstreams: &[Upstream]) {
        let set_up = |scenario: Scenario| {
            let scenario = scenario.settings(|settings| settings.generate_request_id = false);
            let scenario = upstreams.iter().cloned().fold(scenario, Scenario::upstream);
            self.requests.iter().cloned().fold(scenario, Scenario::request)
        };
        let native = Host::Envoy.run(&set_up(native(self.native())));
        let ours = Host::Envoy.run(&set_up(crate::support::with(self.ours())));
        let differ = |(index, request): (usize, &Request)| {
            let (native, ours) = (seen(&native.exchanges[index]), seen(&ours.exchanges[index]));
            let same = native.same_as(&ours);
            (!same).then(|| format!("{request:?}\n native: {native:#?}\n   ours: {ours:#?}"))
        };
        let differing: Vec<_> = self.requests.iter().enumerate().filter_map(differ).collect();
        assert!(differing.is_empty(), "{}\n{:?}", differing.join("\n"), ours.logs);
        callouts_agree(&native, &ours);
    }
}

/// Fetches go to the same place.
#[track_caller]
fn callouts_agree(native: &Outcome, ours: &Outcome) {
    let asked = |outcome: &Outcome| -> Vec<(String, String, String)> {
        let requests = outcome.callouts.values().flatten();
        let mut asked: Vec<_> =
            requests.map(|r| (r.method.clone(), r.authority.clone(), r.path.clone())).collect();
        asked.dedup();
        asked
    };
    assert_eq!(asked(native), asked(ours));
}

/// A proxy with Envoy's own filter.
pub fn native(mut config: Value) -> Scenario {
    config["@type"] =
        json!("type.googleapis.com/envoy.extensions.filters.http.jwt_authn.v3.JwtAuthentication");
    Scenario::new().native_filter("envoy.filters.http.jwt_authn", config)
}

/// What is to be seen of an exchange from outside.
#[derive(Debug)]
pub struct Seen {
    status: u16,
    body: String,
    content_type: String,
    challenge: String,
    /// Path and headers of what came upstream.
    upstream: Vec<(String, Vec<(String, String)>)>,
}

impl Seen {
    /// But for what is meant to differ.
    fn same_as(&self, ours: &Self) -> bool {
        let challenge = without_query(&self.challenge);
        let told = self.body == ours.body
            && ours.challenge.starts_with(&challenge)
            && ours.challenge.is_empty() == challenge.is_empty();
        (self.status, &self.content_type) == (ours.status, &ours.content_type)
            && (told || (self.status == 401 && self.body == "Jwt is missing"))
            && self.less_tokens(ours) == ours.upstream
    }

    /// What came upstream less the tokens that did not come in our case.
    fn less_tokens(&self, ours: &Self) -> Vec<(String, Vec<(String, String)>)> {
        let mut upstream = self.upstream.clone();
        for (request, ours) in upstream.iter_mut().zip(&ours.upstream) {
            let is_token = |value: &str| value.starts_with("eyJ") && value.matches('.').count() == 2;
            request.1.retain(|field| ours.1.contains(field) || !is_token(&field.1));
        }
        upstream
    }
}

/// The challenge with a realm that ends before the query of its URL.
fn without_query(challenge: &str) -> String {
    let Some(start) = challenge.find('?') else { return challenge.into() };
    let end = challenge[start..].find('"').map_or(challenge.len(), |end| start + end);
    [&challenge[..start], &challenge[end..]].concat()
}

pub fn seen(exchange: &Exchange) -> Seen {
    let ClientView::Response(response) = &exchange.client else { panic!("{:?}", exchange.client) };
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    let header = |name| text(response.headers.get(name).unwrap_or_default());
    let upstream = exchange.upstream.iter().map(|request| {
        let mut headers: Vec<_> = request.headers.0.iter().map(|(n, v)| (text(n), text(v))).collect();
        headers.retain(|(name, _)| name != "x-envoy-expected-rq-timeout-ms");
        headers.sort();
        (request.path.clone(), headers)
    });
    Seen {
        status: response.status,
        body: text(&response.body()),
        content_type: header("content-type"),
        challenge: header("www-authenticate"),
        upstream: upstream.collect(),
    }
}
