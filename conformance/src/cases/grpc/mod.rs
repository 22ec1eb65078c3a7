//! gRPC callouts.

use crate::Sheet;

/// A serialised `envoy.config.core.v3.GrpcService` for a cluster: field 1 of field 1. Longer names than a byte can say
/// are not made here.
pub fn target(cluster: &str) -> Vec<u8> {
    let length = u8::try_from(cluster.len()).expect("a short name");
    [&[0x0a, length + 2, 0x0a, length], cluster.as_bytes()].concat()
}

/// The sheets.
pub fn sheets() -> Vec<Sheet> {
    Vec::new()
}
