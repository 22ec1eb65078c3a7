//! The client and the upstream of TCP connections through Envoy.

mod peer;
mod upstream;

pub(super) use peer::connect;
pub(super) use upstream::Server;
