//! The target of a gRPC callout.

/// The target that Envoy reads from the bytes that name it: a serialised `envoy.config.core.v3.GrpcService`,
/// or the name of a cluster if the bytes cannot be such a message.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Target {
    /// The name of a cluster, and the `:authority` if it differs.
    Cluster(String, Option<String>),
    /// A `GrpcService` without a target.
    Nothing,
    /// Not a `GrpcService`.
    Unparsable,
}

impl Target {
    /// Parses the bytes.
    pub fn parse(bytes: &[u8]) -> Self {
        let Some(fields) = fields(bytes) else { return Self::Unparsable };
        let Some(envoy_grpc) = fields.iter().rev().find(|(number, _)| *number == 1).map(|(_, value)| value)
        else {
            return Self::Nothing;
        };
        let Some(inner) = envoy_grpc.and_then(self::fields) else { return Self::Unparsable };
        let text = |field: u64| {
            let value =
                inner.iter().rev().find(|(number, _)| *number == field).and_then(|(_, value)| *value)?;
            Some(String::from_utf8_lossy(value).into_owned())
        };
        Self::Cluster(text(1).unwrap_or_default(), text(2).filter(|authority| !authority.is_empty()))
    }
}

/// The number of a field, and its bytes if it has any.
type Field<'a> = (u64, Option<&'a [u8]>);

/// Returns the fields of a protobuf message, or `None` if the bytes are not a message.
fn fields(mut bytes: &[u8]) -> Option<Vec<Field<'_>>> {
    let mut found = Vec::new();
    while !bytes.is_empty() {
        let tag = varint(&mut bytes)?;
        let value = match tag & 7 {
            0 => varint(&mut bytes).map(|_| None)?,
            1 => bytes.split_off(..8).map(|_| None)?,
            2 => {
                let length = usize::try_from(varint(&mut bytes)?).ok()?;
                Some(bytes.split_off(..length)?)
            }
            5 => bytes.split_off(..4).map(|_| None)?,
            _ => return None,
        };
        if tag >> 3 == 0 {
            return None;
        }
        found.push((tag >> 3, value));
    }
    Some(found)
}

fn varint(bytes: &mut &[u8]) -> Option<u64> {
    let mut value = 0;
    for shift in (0..64).step_by(7) {
        let (byte, rest) = bytes.split_first()?;
        *bytes = rest;
        value |= u64::from(byte & 0x7f) << shift;
        if byte & 0x80 == 0 {
            return Some(value);
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_read_as_protobuf_have_no_target() {
        // These names were seen to crash a real Envoy.
        for name in ["", "users", "email", "inference", "h1"] {
            assert_eq!(Target::parse(name.as_bytes()), Target::Nothing, "{name}");
        }
        for name in ["authz", "ext_authz_cluster"] {
            assert_eq!(Target::parse(name.as_bytes()), Target::Unparsable, "{name}");
        }
    }

    #[test]
    fn a_service_names_its_cluster() {
        assert_eq!(Target::parse(b"\x0a\x07\x0a\x05authz"), Target::Cluster("authz".into(), None));
    }
}
