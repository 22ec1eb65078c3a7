//! Response flags: Envoy, `envoy/stream_info/stream_info.h` and `source/common/stream_info/utility.h`.

/// `UH`: the cluster has no endpoint.
pub(crate) const NO_HEALTHY_UPSTREAM: i64 = 1 << 1;
/// `UT`: the upstream did not answer in time.
pub(crate) const TIMEOUT: i64 = 1 << 2;
/// `UF`: the connection to the upstream failed.
pub(crate) const CONNECTION_FAILURE: i64 = 1 << 5;
/// `UC`: the upstream closed the connection.
pub(crate) const CONNECTION_TERMINATION: i64 = 1 << 6;
/// `NR`: no route matched.
pub(crate) const NO_ROUTE: i64 = 1 << 8;
/// `DC`: the client closed the connection.
pub(crate) const CLIENT_GONE: i64 = 1 << 14;
/// `URX`: the retry limit was reached.
pub(crate) const RETRIES_EXHAUSTED: i64 = 1 << 15;
/// `DPE`: the client's request is invalid, or a filter made it invalid.
pub(crate) const DOWNSTREAM_PROTOCOL_ERROR: i64 = 1 << 18;
/// `UPE`: the upstream's response is invalid.
pub(crate) const UPSTREAM_PROTOCOL_ERROR: i64 = 1 << 23;
/// `NC`: the route names a cluster that does not exist.
pub(crate) const NO_CLUSTER: i64 = 1 << 24;

/// Names of the flags, in the order of their bits.
const NAMES: [&str; 30] = [
    "LH", "UH", "UT", "LR", "UR", "UF", "UC", "UO", "NR", "DI", "FI", "RL", "UAEX", "RLSE", "DC", "URX",
    "SI", "IH", "DPE", "UMSDR", "RFCF", "NFCF", "DT", "UPE", "NC", "OM", "DF", "DO", "DR", "UDO",
];

/// Formats `%RESPONSE_FLAGS%` in the order in which the flags were set: `URX` is set before the flag of the
/// last attempt.
pub(crate) fn shown(flags: i64) -> String {
    let names = NAMES.iter().enumerate().filter(|(bit, _)| flags & (1 << bit) != 0).map(|(_, name)| *name);
    let mut names: Vec<_> = names.collect();
    names.sort_by_key(|name| *name != "URX");
    if names.is_empty() { "-".into() } else { names.join(",") }
}
