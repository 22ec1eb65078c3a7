//! Writes fields of protobuf: the target of a gRPC call, and the arguments of foreign functions.

/// Encodes `GrpcService { envoy_grpc { cluster_name } }`. Envoy accepts a bare cluster name too, but parses
/// it as protobuf first. If a name happens to parse, the whole process aborts (`unset oneof`).
pub(crate) fn grpc_service(cluster: &str) -> Vec<u8> {
    field(1, &field(1, cluster.as_bytes()))
}

fn field(number: u8, bytes: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    put(&mut out, number, bytes);
    out
}

/// Appends a field of bytes. `number` is at most 15.
pub(crate) fn put(out: &mut Vec<u8>, number: u8, bytes: &[u8]) {
    out.push(number << 3 | 2);
    let mut len = bytes.len();
    while len >= 0x80 {
        out.push(len.to_le_bytes()[0] | 0x80);
        len >>= 7;
    }
    out.push(len.to_le_bytes()[0]);
    out.extend_from_slice(bytes);
}

/// Appends a field of a number below 128.
pub(crate) fn put_number(out: &mut Vec<u8>, number: u8, value: u8) {
    out.extend_from_slice(&[number << 3, value]);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_grpc_target_is_a_message_with_the_cluster_name() {
        assert_eq!(grpc_service("users"), b"\x0a\x07\x0a\x05users");
        assert_eq!(grpc_service(&"c".repeat(200))[..6], [0x0a, 203, 1, 0x0a, 200, 1]);
    }
}
