//! The same requests through Envoy's own `jwt_authn` and through this filter, each in an Envoy.
//!
//! The examples of Envoy's documentation have the same results: status, body, and the request that the
//! upstream sees. These differences are intended:
//! - `www-authenticate` has more parameters after Envoy's (`error_description`, RFC 6750 section 3), and its
//!   `realm` omits the query, which may contain a token;
//! - if a requirement needs several tokens, a bad token is reported before a missing one;
//! - unverified tokens in configured locations are removed.
//!
//! This filter allows fewer hostile requests than Envoy's. The only ones that it allows in addition are in
//! [`hostile::WIDER`].

mod details;
mod examples;
mod hostile;
mod requirements;

use serde_json::{Value, json};
use tollgate_host_test::{ClientView, Exchange, Host, Outcome, Request, Scenario, Upstream};

/// One configuration in the format of both filters, and the requests.
pub struct Example {
    pub providers: Value,
    /// Prefixes of paths, and their requirements.
    pub rules: Vec<(&'static str, Value)>,
    /// Other fields that both filters have.
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

    /// The configuration of Envoy's filter.
    pub fn native(&self) -> Value {
        self.with(self.rules(|prefix| json!({ "prefix": prefix })))
    }

    /// The configuration of this filter, in which a rule may have several paths.
    pub fn ours(&self) -> Value {
        self.with(self.rules(|prefix| json!({ "paths": [{ "prefix": prefix }] })))
    }

    /// Both filters must have the same results.
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

/// Both fetch from the same server.
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

/// Observable results of a request.
#[derive(Debug)]
pub struct Seen {
    status: u16,
    body: String,
    content_type: String,
    challenge: String,
    /// Path and headers of the request that the upstream received.
    upstream: Vec<(String, Vec<(String, String)>)>,
}

impl Seen {
    /// Removes the intended differences.
    fn same_as(&self, ours: &Self) -> bool {
        let challenge = without_query(&self.challenge);
        let told = self.body == ours.body
            && ours.challenge.starts_with(&challenge)
            && ours.challenge.is_empty() == challenge.is_empty();
        (self.status, &self.content_type) == (ours.status, &ours.content_type)
            && (told || (self.status == 401 && self.body == "Jwt is missing"))
            && self.less_tokens(ours) == ours.upstream
    }

    /// The upstream's request, without the tokens that only this filter removes.
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
