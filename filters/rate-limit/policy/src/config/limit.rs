//! A limit: who is counted, and how much they may.

use super::{Action, Cost, OnResponse, Rate};
use tollgate_policy::{Cidr, Duration, Named, Read, ReadError, StringMatcher, Value, read_object};

/// Who is counted, and how much they may. At least one of `rates`, `concurrency` and `service` is given.
#[derive(Clone, Debug, Default)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(default, deny_unknown_fields))]
pub struct Limit {
    /// By what is counted: Envoy's rate limit actions and some more. If the request has not all of it the limit does not
    /// count it, except as an action says otherwise. Without a key, all requests count together.
    pub key: Vec<Action>,
    /// How much in which time; a request passes if all of them have room, at most 8.
    pub rates: Vec<Rate>,
    /// How many requests of a key may be in flight, on this Envoy.
    pub concurrency: Option<Concurrency>,
    /// Other numbers for some keys: the first that matches counts.
    pub overrides: Vec<Override>,
    /// What a request costs. Default: 1.
    pub cost: Option<Cost>,
    /// What a response changes about what its request cost.
    pub on_response: Option<OnResponse>,
    /// Requests wait for room in place of being refused.
    pub delay: Option<Delay>,
    /// The rate limit service is asked too, once everything on this Envoy had room.
    pub service: Option<AskService>,
    /// Whether a refusal is only counted. Default: `false`.
    pub shadow: bool,
}

read_object!(
    Limit = Self::default();
    key or "actions",
    rates,
    concurrency,
    overrides,
    cost,
    on_response,
    delay,
    service,
    shadow;
    instead [
        ("token_bucket", "give it as one of `rates`: `rates: [{token_bucket: ..}]`"),
        ("hits_addend", "what a request costs is `cost`"),
        ("apply_on_stream_done", "what a response changes is `on_response`"),
        ("limit", "other numbers for some keys are `overrides`"),
        ("stage", "which limits count a request is said by `rules`"),
        ("disable_key", "a Wasm filter cannot read runtime keys; use `shadow`, or leave it out of `rules`"),
    ]
);

/// Requests in flight, counted over all workers.
#[derive(Clone, Debug)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(deny_unknown_fields))]
pub struct Concurrency {
    /// The most.
    pub max_requests: u32,
}

read_object!(Concurrency = Self { max_requests: 0 }; max_requests (required));

/// Other numbers for some keys.
#[derive(Clone, Debug, Default)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(deny_unknown_fields))]
pub struct Override {
    /// For which keys: by the descriptor key of an action, what its value must be. All must match.
    pub when: Named<ValueMatch>,
    /// In place of the limit's. Default: the limit's.
    #[cfg_attr(feature = "schema", schemars(default))]
    pub rates: Vec<Rate>,
    /// In place of the limit's. Default: the limit's.
    #[cfg_attr(feature = "schema", schemars(default))]
    pub concurrency: Option<Concurrency>,
}

read_object!(Override = Self::default(); when (required), rates, concurrency);

/// What a value must be: a text or an address.
#[derive(Clone, Debug)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(untagged))]
pub enum ValueMatch {
    /// An address of a network.
    Network(NetworkMatch),
    /// A text.
    Text(StringMatcher),
}

impl Read for ValueMatch {
    fn blank() -> Self {
        Self::Network(Read::blank())
    }

    fn fill(&mut self, value: &Value) -> Result<(), ReadError> {
        *self = match value.get("cidr") {
            Some(_) => Self::Network(tollgate_policy::read(value)?),
            None => Self::Text(tollgate_policy::read(value)?),
        };
        Ok(())
    }
}

/// An address of a network.
#[derive(Clone, Debug)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(deny_unknown_fields))]
pub struct NetworkMatch {
    /// The network, such as `10.0.0.0/8`.
    pub cidr: Cidr,
}

read_object!(NetworkMatch = Self { cidr: Read::blank() }; cidr (required));

/// Waiting for room.
#[derive(Clone, Debug)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(deny_unknown_fields))]
pub struct Delay {
    /// A request that would have to wait longer is refused at once.
    pub max_wait: Duration,
}

read_object!(Delay = Self { max_wait: Read::blank() }; max_wait (required));

/// How the rate limit service is asked about the keys of a limit.
#[derive(Clone, Debug)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(default, deny_unknown_fields))]
pub struct AskService {
    /// Whether the service is told what the request costs. Services that know no `hits_addend` of a descriptor count 1.
    /// Default: `true`.
    pub hits_addend: bool,
    /// What holds on this Envoy while the service cannot be asked, for `failure_mode: local`.
    pub fallback_rates: Vec<Rate>,
}

impl Default for AskService {
    fn default() -> Self {
        Self { hits_addend: true, fallback_rates: Vec::new() }
    }
}

read_object!(AskService = Self::default(); hits_addend, fallback_rates);
