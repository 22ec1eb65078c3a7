//! Random bytes for one request.

/// Random bytes for one request. Each decision uses its own bytes, so that decisions do not depend on each
/// other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Draws {
    /// Random bytes of a request id.
    pub request_id: [u8; 16],
    /// Random bytes of a trace id.
    pub trace_id: [u8; 16],
    /// Random bytes of a parent id.
    pub parent_id: [u8; 8],
    /// Uniform random number for the sampling decision.
    pub sampling: u64,
}

impl Draws {
    /// Number of random bytes that one request needs.
    pub const LEN: usize = 48;

    /// Splits random bytes into the draws.
    pub fn from_bytes(bytes: [u8; Self::LEN]) -> Self {
        let [request_id, trace_id, rest] = parts(bytes);
        let [parent_id, sampling] = halves(rest);
        Self { request_id, trace_id, parent_id, sampling: u64::from_le_bytes(sampling) }
    }
}

fn parts(bytes: [u8; 48]) -> [[u8; 16]; 3] {
    let mut parts = [[0; 16]; 3];
    for (part, chunk) in parts.iter_mut().zip(bytes.chunks_exact(16)) {
        part.copy_from_slice(chunk);
    }
    parts
}

fn halves(bytes: [u8; 16]) -> [[u8; 8]; 2] {
    let mut halves = [[0; 8]; 2];
    for (half, chunk) in halves.iter_mut().zip(bytes.chunks_exact(8)) {
        half.copy_from_slice(chunk);
    }
    halves
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_byte_is_used_once() {
        let bytes: [u8; 48] = core::array::from_fn(|i| i as u8);
        let draws = Draws::from_bytes(bytes);
        let mut used = [&draws.request_id[..], &draws.trace_id, &draws.parent_id].concat();
        used.extend(draws.sampling.to_le_bytes());
        assert_eq!(used, bytes);
    }
}
