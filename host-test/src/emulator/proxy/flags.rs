//! Response flags: Envoy, `envoy/stream_info/stream_info.h` and `source/common/stream_info/utility.h`.

/// `UT`: the upstream did not answer in time.
pub(crate) const TIMEOUT: i64 = 1 << 2;
/// `UF`: no connection to the upstream.
pub(crate) const CONNECTION_FAILURE: i64 = 1 << 5;
/// `UC`: the upstream closed the connection.
pub(crate) const CONNECTION_TERMINATION: i64 = 1 << 6;
/// `NR`.
pub(crate) const NO_ROUTE: i64 = 1 << 8;
/// `DC`: the client closed the connection.
pub(crate) const CLIENT_GONE: i64 = 1 << 14;
/// `URX`.
pub(crate) const RETRIES_EXHAUSTED: i64 = 1 << 15;
/// `DPE`: the client's request is none, or a filter has made it so.
pub(crate) const DOWNSTREAM_PROTOCOL_ERROR: i64 = 1 << 18;
/// `UPE`: the upstream's answer is none.
pub(crate) const UPSTREAM_PROTOCOL_ERROR: i64 = 1 << 23;
/// `NC`: the route names a cluster that there is not.
pub(crate) const NO_CLUSTER: i64 = 1 << 24;

/// By their bits.
const NAMES: [&str; 30] = [
    "LH", "UH", "UT", "LR", "UR", "UF", "UC", "UO", "NR", "DI", "FI", "RL", "UAEX", "RLSE", "DC", "URX",
    "SI", "IH", "DPE", "UMSDR", "RFCF", "NFCF", "DT", "UPE", "NC", "OM", "DF", "DO", "DR", "UDO",
];

/// `%RESPONSE_FLAGS%`, in the order in which they were set: that retries are exhausted is known before what the last
/// one came to.
pub(crate) fn shown(flags: i64) -> String {
    let names = NAMES.iter().enumerate().filter(|(bit, _)| flags & (1 << bit) != 0).map(|(_, name)| *name);
    let mut names: Vec<_> = names.collect();
    names.sort_by_key(|name| *name != "URX");
    if names.is_empty() { "-".into() } else { names.join(",") }
}
