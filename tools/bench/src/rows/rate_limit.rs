//! Limits: one client again and again, or a million in turn.
//!
//! Who a client is says `x-forwarded-for`, as behind a load balancer, so that Envoy reads and extends it in every row.
//! What is compared is deciding: ours and Envoy's say nothing of the limit to clients unless a row's name says so. The
//! bucket holds so much that nothing is refused, or one request a day, and then everything is.

use super::{Bound, Row, calls, configured, native, packed};
use crate::requests::Clients;
use serde_json::{Value, json};

const ONE: Clients = Clients { count: 1 };
const MILLION: Clients = Clients { count: 1_000_000 };

/// As many keys as there are clients.
const KEYS: u32 = 1_000_000;

/// What a limit may add, in units of what a filter of ours adds that does nothing in the same callbacks.
const ADDRESS_TIMES: f64 = 1.5;
const HEADER_TIMES: f64 = 2.0;
/// What a request may take with a million keys, in units of what it takes with one.
const MILLION_TIMES: f64 = 1.1;

/// What a limit asks of the host, and could not do without.
const ADDRESS_CALLS: [&str; 4] = ["clock", "address", "page", "counter"];
const HEADER_CALLS: [&str; 4] = ["clock", "headers", "page", "counter"];

const OK: &str = "wasmcustom.rate_limit.limit.client.ok";
const REFUSED: &str = "wasmcustom.rate_limit.limit.client.rate_limited";
const ENVOY_OK: &str = "bench.http_local_rate_limit.ok";
const ENVOY_REFUSED: &str = "bench.http_local_rate_limit.rate_limited";

pub(super) fn rows() -> Vec<Row> {
    let callbacks = Row::new("rl callbacks", "does nothing, in both header callbacks; ours", || {
        vec![packed("fixture-callbacks")]
    });
    let address =
        Row::new("rl address", "a limit by address, one client", || vec![filter(by_address(), PLENTY)]);
    let header =
        Row::new("rl header", "a limit by a header, one client", || vec![filter(by_header(), PLENTY)]);
    let told =
        Row::new("rl address headers", "the same by address, and clients are told where they stand", || {
            vec![telling_filter()]
        });
    let envoy =
        Row::new("rl envoy", "one bucket for all, by Envoy's local_ratelimit", || vec![envoy_filter(PLENTY)]);
    let refused =
        Row::new("rl refused", "all are over a limit by address", || vec![filter(by_address(), ONE_A_DAY)]);
    let envoy_refused = Row::new("rl refused envoy", "all are over the one bucket of Envoy's", || {
        vec![envoy_filter(ONE_A_DAY)]
    });
    let mut rows = vec![
        Row::new("rl none", "the router alone", Vec::new),
        callbacks,
        address
            .native("rl envoy")
            .bound(Bound::TimesRow("rl callbacks", ADDRESS_TIMES))
            .beside("rl address calls")
            .counts(OK),
        header
            .native("rl envoy")
            .bound(Bound::TimesRow("rl callbacks", HEADER_TIMES))
            .beside("rl header calls")
            .counts(OK),
        told.native("rl envoy").answers_with("ratelimit").counts(OK),
        calls::row("rl address calls", "the host calls of `rl address`, and nothing else", &ADDRESS_CALLS),
        calls::row("rl header calls", "the host calls of `rl header`, and nothing else", &HEADER_CALLS),
        envoy.counts(ENVOY_OK),
        refused.native("rl refused envoy").refused(REFUSED),
        envoy_refused.refused(ENVOY_REFUSED),
    ];
    rows = rows.into_iter().map(|row| row.clients(ONE, "rl none")).collect();
    let million = |row: Row| row.clients(MILLION, "rl 1M none");
    rows.push(million(Row::new("rl 1M none", "the router alone, a million clients in turn", Vec::new)));
    for (name, what, key, one) in [
        ("rl address 1M", "a limit by address, a million clients in turn", by_address(), "rl address"),
        ("rl header 1M", "a limit by a header, a million clients in turn", by_header(), "rl header"),
    ] {
        let row = Row::new(name, what, move || vec![filter(key.clone(), PLENTY)]);
        let row = row.bound(Bound::WholeTimes(one, MILLION_TIMES)).beside(one);
        rows.push(million(row.counts(OK)));
    }
    rows.into_iter().map(|row| row.manager(behind_a_balancer)).collect()
}

/// The last address of `x-forwarded-for` is the client's.
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

/// How much a bucket holds, and after how many seconds it is full again.
type Bucket = (u32, u32);
const PLENTY: Bucket = (1_000_000_000, 1);
const ONE_A_DAY: Bucket = (1, 86_400);

fn bucket((tokens, seconds): Bucket) -> Value {
    json!({"max_tokens": tokens, "tokens_per_fill": tokens, "fill_interval": format!("{seconds}s")})
}

fn filter(key: Value, bucket: Bucket) -> Value {
    limited(key, bucket, json!({"rate_limit_headers": false, "retry_after": false}))
}

fn telling_filter() -> Value {
    limited(by_address(), PLENTY, json!({}))
}

fn limited(key: Value, bucket: Bucket, response: Value) -> Value {
    let limit = json!({"key": [key], "rates": [{"token_bucket": self::bucket(bucket)}]});
    let config = json!({"limits": {"client": limit}, "table": {"max_keys": KEYS}, "response": response});
    configured("tollgate-rate-limit", config)
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
