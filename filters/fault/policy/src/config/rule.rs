//! Rules: which requests get which faults.

use super::{AbortConfig, DelayConfig, ResetConfig, ResponseConfig};
use tollgate_policy::{Cidr, Config, HeaderName, RequestMatch, StringMatcher};

/// A rule. The first rule that matches a request determines its faults.
#[derive(Clone, Debug, Config)]
pub struct RuleConfig {
    /// Name, in statistics and marks: letters, digits and `_-`.
    pub name: String,
    /// Condition on the request. Default: every request.
    #[config(rename = "match", default)]
    pub condition: RequestMatch,
    /// Condition on the source of the request. Default: any source.
    #[config(default)]
    pub source: SourceMatch,
    /// Matchers of the upstream cluster, one of which must match. Default: any cluster.
    #[config(default)]
    pub upstream_clusters: Vec<StringMatcher>,
    /// How to draw the percentages.
    #[config(default)]
    pub draw: Draw,
    /// Delays requests.
    pub delay: Option<DelayConfig>,
    /// Answers requests in place of the upstream, after the delay.
    pub abort: Option<AbortConfig>,
    /// Resets requests, after the delay.
    pub reset: Option<ResetConfig>,
    /// Changes responses.
    pub response: Option<ResponseConfig>,
}

/// Condition on the source of a request. Every given field must match, and in a list one entry.
#[derive(Clone, Debug, Default, Config)]
#[config(default)]
pub struct SourceMatch {
    /// Matchers of the first URI in the certificate of the client, such as
    /// `spiffe://cluster.local/ns/shop/sa/cart`.
    pub principals: Vec<StringMatcher>,
    /// Kubernetes namespaces, by the certificate of the client.
    pub namespaces: Vec<String>,
    /// Matchers of `x-envoy-downstream-service-node`. Clients can send this header.
    pub nodes: Vec<StringMatcher>,
    /// Networks of the client's address.
    pub networks: Vec<Cidr>,
}

/// How to draw the percentages of a rule. Each is drawn once per request.
#[derive(Clone, Debug, Default, Config)]
#[config(default)]
pub struct Draw {
    /// Source of the draw. Default: `random`.
    pub by: DrawBy,
    /// Name of the header, with `by: header`.
    pub header: Option<HeaderName>,
    /// Text that is hashed too. Another text selects other requests. Default: the name of the rule.
    pub salt: Option<String>,
    /// Draws of the different faults of a rule. Default: `separate`.
    pub faults: Combine,
}

/// Source of a draw.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Config)]
pub enum DrawBy {
    /// A random number: retries of a request get another one.
    #[default]
    Random,
    /// A hash of `x-request-id`: all retries of a request agree.
    RequestId,
    /// A hash of all values of a header: all requests with these values agree.
    Header,
    /// A hash of the address of the client: all requests of a client agree.
    ClientAddress,
}

/// Draws of the different faults of a rule.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Config)]
pub enum Combine {
    /// Each fault has its own draw, as in Envoy.
    #[default]
    Separate,
    /// A single draw for all: with equal percentages, a request gets all faults or none.
    Together,
    /// A single draw for all, and at most one fault for a request. The sum of the percentages is at most 100.
    Exclusive,
}
