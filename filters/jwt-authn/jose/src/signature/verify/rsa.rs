//! RSASSA-PKCS1-v1_5 and RSASSA-PSS (RFC 8017 sections 8.2 and 8.1). The crate rejects signatures that do not
//! have the length of the modulus, or are not below it.

use super::hash::with_hash;
use crate::signature::{Algorithm, Family};
use rsa::{Pkcs1v15Sign, Pss, RsaPublicKey};
use sha2::Digest;

pub fn verify(key: &RsaPublicKey, algorithm: Algorithm, input: &[u8], signature: &[u8]) -> bool {
    let verified = with_hash!(algorithm.hash(), H => {
        let digest = H::digest(input);
        match algorithm.family() {
            Family::RsaPkcs1 => key.verify(Pkcs1v15Sign::new::<H>(), &digest, signature),
            // `new` requires a salt of the length of the hash.
            Family::RsaPss => key.verify(Pss::<H>::new(), &digest, signature),
            _ => return false,
        }
    });
    verified.is_ok()
}
