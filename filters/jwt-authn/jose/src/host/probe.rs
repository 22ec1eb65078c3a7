//! Whether the host has the function and does what it should: tried with a signature that is right and one that is not,
//! of each kind. Another host may offer a function of this name that does something else, or one that accepts everything.

use super::accepted;

/// What the host can verify.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Abilities {
    /// RSA with PKCS #1 v1.5.
    pub rsa: bool,
    /// ECDSA.
    pub ecdsa: bool,
}

/// Arguments with a signature that is right. The text is what they end with, so they are wrong with another last byte.
const RS256: &[u8] = include_bytes!("rs256.args");
const ES256: &[u8] = include_bytes!("es256.args");

/// Tries the host's function. `call` is as for [`super::ByHost`].
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
    fn a_host_is_able_that_tells_right_from_wrong() {
        let knows =
            |args: &[u8]| Some(if [RS256, ES256].contains(&args) { vec![8, 1] } else { vec![0x12, 0] });
        assert_eq!(probe(knows), Abilities { rsa: true, ecdsa: true });
        let knows_one = |args: &[u8]| (args == ES256).then(|| vec![8, 1]);
        assert_eq!(probe(knows_one), Abilities { rsa: false, ecdsa: true });
    }

    #[test]
    fn a_host_is_not_able_that_accepts_all_or_nothing_or_is_not_there() {
        for answer in [Some(vec![8, 1]), Some(vec![0x12, 0]), Some(vec![]), None] {
            assert_eq!(probe(|_| answer.clone()), Abilities::default(), "{answer:?}");
        }
    }
}
