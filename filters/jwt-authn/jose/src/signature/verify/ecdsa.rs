//! ECDSA. Each curve has its hash of RFC 7518 section 3.4.

/// Defines a function for each curve. `from_slice` accepts `r` and `s` only in the curve's length, above zero
/// and below the order.
macro_rules! curves {
    ($($feature:literal $curve:ident $hash:ident;)*) => {
        $(#[cfg(feature = $feature)]
        pub fn $curve(key: &::$curve::ecdsa::VerifyingKey, input: &[u8], signature: &[u8]) -> bool {
            use ::$curve::ecdsa::{Signature, signature::hazmat::PrehashVerifier};
            use sha2::Digest;
            Signature::from_slice(signature)
                .is_ok_and(|signature| key.verify_prehash(&sha2::$hash::digest(input), &signature).is_ok())
        })*
    };
}

curves! {
    "p256" p256 Sha256;
    "p384" p384 Sha384;
    "p521" p521 Sha512;
}
