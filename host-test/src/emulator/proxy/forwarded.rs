//! The address of the client before other proxies, and the headers that depend on it: Envoy,
//! `source/common/http/conn_manager_utility.cc`, `mutateRequestHeaders`.

use crate::Settings;
use crate::emulator::header_map::HeaderMap;
use std::net::{IpAddr, Ipv4Addr};

/// Headers that a proxy at the edge removes from requests, in addition to those that every proxy removes.
const OF_THE_MESH: &[&str] = &[
    "x-envoy-decorator-operation",
    "x-envoy-downstream-service-cluster",
    "x-envoy-downstream-service-node",
    "x-envoy-original-path",
];

/// Updates the headers of a request, whose connection has the scheme `spoken`. Returns the address of the
/// client, if another proxy named it in `x-forwarded-for`.
pub(super) fn client(
    headers: &mut HeaderMap,
    settings: &Settings,
    peer: Ipv4Addr,
    spoken: &str,
) -> Option<IpAddr> {
    let hops = settings.xff_num_trusted_hops as usize;
    if !settings.use_remote_address {
        return named(headers, hops);
    }
    let named = hops.checked_sub(1).and_then(|skipped| named(headers, skipped));
    // For a peer at 127.0.0.1, Envoy appends an address of its machine. This machine has only this address.
    headers.add(b"x-forwarded-for", peer.to_string().as_bytes());
    if hops == 0 || headers.first(b"x-forwarded-proto").is_none() {
        headers.set(b"x-forwarded-proto", spoken.as_bytes());
    }
    headers.remove_all(OF_THE_MESH);
    headers.set(b"x-envoy-external-address", named.unwrap_or(peer.into()).to_string().as_bytes());
    named
}

/// Returns the last address in `x-forwarded-for` after `skipped` others, if it is valid.
fn named(headers: &HeaderMap, skipped: usize) -> Option<IpAddr> {
    let text = headers.text("x-forwarded-for")?;
    text.rsplit(',').nth(skipped)?.trim().parse().ok()
}
