//! Tests whether the host has the function and whether it works, with a valid and an invalid signature of
//! each kind. Another host may have a function of this name that does something else, or that accepts
//! everything.

use super::accepted;

/// Algorithms that the host can verify.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Abilities {
    /// RSA with PKCS #1 v1.5.
    pub rsa: bool,
    /// ECDSA.
    pub ecdsa: bool,
}

/// Arguments with a valid signature. They end with the signed text, so another last byte makes the signature
/// invalid.
const RS256: &[u8] = include_bytes!("rs256.args");
const ES256: &[u8] = include_bytes!("es256.args");

/// Tests the host's function. `call` is as for [`super::ByHost`].
pub fn probe(mut call: impl FnMut(&[u8]) -> Option<Vec<u8>>) -> Abilities {
    let mut works = |good: &[u8]| {
        let mut bad = good.to_vec();
        if let Some(last) = bad.last_mut() {
            *last ^= 1;
        }
        let mut accepts = |args: &[u8]| call(args).is_some_and(|answer| accepted(&answer));
        accepts(good) && !accepts(&bad)
    };
    Abilities { rsa: works(RS256), ecdsa: works(ES256) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn accepts_a_host_that_distinguishes_valid_from_invalid() {
        let knows =
            |args: &[u8]| Some(if [RS256, ES256].contains(&args) { vec![8, 1] } else { vec![0x12, 0] });
        assert_eq!(probe(knows), Abilities { rsa: true, ecdsa: true });
        let knows_one = |args: &[u8]| (args == ES256).then(|| vec![8, 1]);
        assert_eq!(probe(knows_one), Abilities { rsa: false, ecdsa: true });
    }

    #[test]
    fn rejects_a_host_that_accepts_all_or_nothing_or_is_absent() {
        for answer in [Some(vec![8, 1]), Some(vec![0x12, 0]), Some(vec![]), None] {
            assert_eq!(probe(|_| answer.clone()), Abilities::default(), "{answer:?}");
        }
    }
}
