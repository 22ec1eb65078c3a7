//! Rows of rate-limit: one client, or a million clients round-robin.
//!
//! `x-forwarded-for` contains the address of the client, as behind a load balancer, so Envoy reads and
//! extends it in every row. The rows compare only the decision: no row adds rate limit headers to responses,
//! except `rl address headers`. The bucket is so large that no request is rejected, or has one token a day,
//! so that all requests are rejected.

use super::{CALLBACKS, Row, Target, calls, configured, native, packed};
use crate::requests::Clients;
use serde_json::{Value, json};

const ONE: Clients = Clients { count: 1 };
const MILLION: Clients = Clients { count: 1_000_000 };

/// Number of keys: one for each client.
const KEYS: u32 = 1_000_000;

/// Targets for a limit, as multiples of the overhead of an empty filter with the same callbacks.
const ADDRESS_TIMES: f64 = 1.5;
const HEADER_TIMES: f64 = 2.0;
/// Target for a request with a million keys, as a multiple of the time with one key.
const MILLION_TIMES: f64 = 1.1;

/// The minimum of host calls for a limit.
const ADDRESS_CALLS: [&str; 4] = ["clock", "address", "page", "counter"];
const HEADER_CALLS: [&str; 4] = ["clock", "headers", "page", "counter"];

const OK: &str = "wasmcustom.rate_limit.limit.client.ok";
const REJECTED: &str = "wasmcustom.rate_limit.limit.client.rate_limited";
const ENVOY_OK: &str = "bench.http_local_rate_limit.ok";
const ENVOY_REJECTED: &str = "bench.http_local_rate_limit.rate_limited";

pub(super) fn rows() -> Vec<Row> {
    let callbacks = Row::new("rl callbacks", CALLBACKS, || vec![packed("fixture-callbacks")]);
    let address =
        Row::new("rl address", "limit by address, one client", || vec![filter(by_address(), UNLIMITED)]);
    let header =
        Row::new("rl header", "limit by a header, one client", || vec![filter(by_header(), UNLIMITED)]);
    let with_headers =
        Row::new("rl address headers", "`rl address`, with rate limit headers in responses", || {
            vec![filter_with_headers()]
        });
    let envoy = Row::new("rl envoy", "one bucket for all clients, with Envoy's local_ratelimit", || {
        vec![envoy_filter(UNLIMITED)]
    });
    let rejected = Row::new("rl rejected", "limit by address, all requests over the limit", || {
        vec![filter(by_address(), ONE_PER_DAY)]
    });
    let envoy_rejected =
        Row::new("rl rejected envoy", "Envoy's local_ratelimit, all requests over the limit", || {
            vec![envoy_filter(ONE_PER_DAY)]
        });
    let mut rows = vec![
        Row::new("rl none", "no filter, only the router", Vec::new),
        callbacks,
        address
            .native("rl envoy")
            .target(Target::TimesRow("rl callbacks", ADDRESS_TIMES))
            .compared_with("rl address calls")
            .counts(OK),
        header
            .native("rl envoy")
            .target(Target::TimesRow("rl callbacks", HEADER_TIMES))
            .compared_with("rl header calls")
            .counts(OK),
        with_headers.native("rl envoy").responds_with("ratelimit").counts(OK),
        calls::row("rl address calls", "only the host calls of `rl address`", &ADDRESS_CALLS),
        calls::row("rl header calls", "only the host calls of `rl header`", &HEADER_CALLS),
        envoy.counts(ENVOY_OK),
        rejected.native("rl rejected envoy").rejects_all(REJECTED),
        envoy_rejected.rejects_all(ENVOY_REJECTED),
    ];
    rows = rows.into_iter().map(|row| row.clients(ONE, "rl none")).collect();
    let million = |row: Row| row.clients(MILLION, "rl 1M none");
    rows.push(million(Row::new("rl 1M none", "no filter, a million clients round-robin", Vec::new)));
    for (name, description, key, one) in [
        ("rl address 1M", "limit by address, a million clients round-robin", by_address(), "rl address"),
        ("rl header 1M", "limit by a header, a million clients round-robin", by_header(), "rl header"),
    ] {
        let row = Row::new(name, description, move || vec![filter(key.clone(), UNLIMITED)]);
        let row = row.target(Target::WholeTimes(one, MILLION_TIMES)).compared_with(one);
        rows.push(million(row.counts(OK)));
    }
    rows.into_iter().map(|row| row.manager(behind_a_balancer)).collect()
}

/// Takes the last address in `x-forwarded-for` as the client address.
fn behind_a_balancer(manager: &mut Value) {
    manager["use_remote_address"] = json!(true);
    manager["xff_num_trusted_hops"] = json!(1);
}

fn by_address() -> Value {
    json!({"remote_address": {}})
}

fn by_header() -> Value {
    json!({"request_headers": {"header_name": "x-api-key"}})
}

/// Number of tokens of a bucket, and the seconds until it is full again.
type Bucket = (u32, u32);
const UNLIMITED: Bucket = (1_000_000_000, 1);
const ONE_PER_DAY: Bucket = (1, 86_400);

fn bucket((tokens, seconds): Bucket) -> Value {
    json!({"max_tokens": tokens, "tokens_per_fill": tokens, "fill_interval": format!("{seconds}s")})
}

fn filter(key: Value, bucket: Bucket) -> Value {
    configured("tollgate-rate-limit", limited(key, bucket, without_headers()))
}

/// The configuration of `rl header`.
pub(super) fn by_header_unlimited() -> Value {
    limited(by_header(), UNLIMITED, without_headers())
}

fn without_headers() -> Value {
    json!({"rate_limit_headers": false, "retry_after": false})
}

fn filter_with_headers() -> Value {
    configured("tollgate-rate-limit", limited(by_address(), UNLIMITED, json!({})))
}

fn limited(key: Value, bucket: Bucket, response: Value) -> Value {
    let limit = json!({"key": [key], "rates": [{"token_bucket": self::bucket(bucket)}]});
    json!({"limits": {"client": limit}, "table": {"max_keys": KEYS}, "response": response})
}

fn envoy_filter(bucket: Bucket) -> Value {
    let all = json!({"default_value": {"numerator": 100}});
    let config = json!({
        "stat_prefix": "bench",
        "token_bucket": self::bucket(bucket),
        "filter_enabled": all,
        "filter_enforced": all,
    });
    native("envoy.extensions.filters.http.local_ratelimit.v3.LocalRateLimit", config)
}
