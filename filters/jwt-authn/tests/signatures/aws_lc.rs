//! Verifies signatures with AWS-LC. It reads keys from the numbers of the JWK, independently of
//! `tollgate-jose`.

use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_FIXED, ECDSA_P384_SHA384_FIXED, ECDSA_P521_SHA512_FIXED, ED25519,
    RSA_PKCS1_2048_8192_SHA256, RSA_PKCS1_2048_8192_SHA384, RSA_PKCS1_2048_8192_SHA512,
    RSA_PSS_2048_8192_SHA256, RSA_PSS_2048_8192_SHA384, RSA_PSS_2048_8192_SHA512, RsaParameters,
    RsaPublicKeyComponents, UnparsedPublicKey, VerificationAlgorithm,
};
use aws_lc_rs::{constant_time, hmac};
use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use tollgate_mint::Vector;

/// Whether the signature is valid.
pub fn verify(vector: &Vector) -> bool {
    match vector.algorithm {
        "HS256" => mac(vector, hmac::HMAC_SHA256),
        "HS384" => mac(vector, hmac::HMAC_SHA384),
        "HS512" => mac(vector, hmac::HMAC_SHA512),
        "RS256" => rsa(vector, &RSA_PKCS1_2048_8192_SHA256),
        "RS384" => rsa(vector, &RSA_PKCS1_2048_8192_SHA384),
        "RS512" => rsa(vector, &RSA_PKCS1_2048_8192_SHA512),
        "PS256" => rsa(vector, &RSA_PSS_2048_8192_SHA256),
        "PS384" => rsa(vector, &RSA_PSS_2048_8192_SHA384),
        "PS512" => rsa(vector, &RSA_PSS_2048_8192_SHA512),
        "ES256" => point(vector, &ECDSA_P256_SHA256_FIXED),
        "ES384" => point(vector, &ECDSA_P384_SHA384_FIXED),
        "ES512" => point(vector, &ECDSA_P521_SHA512_FIXED),
        "EdDSA" => by(&ED25519, &member(vector, "x"), vector),
        other => panic!("`{other}`"),
    }
}

fn member(vector: &Vector, name: &str) -> Vec<u8> {
    BASE64_URL_SAFE_NO_PAD.decode(vector.jwk[name].as_str().expect("a member")).expect("base64url")
}

fn by(algorithm: &'static dyn VerificationAlgorithm, key: &[u8], vector: &Vector) -> bool {
    UnparsedPublicKey::new(algorithm, key).verify(&vector.input, &vector.signature).is_ok()
}

fn rsa(vector: &Vector, parameters: &RsaParameters) -> bool {
    let key = RsaPublicKeyComponents { n: member(vector, "n"), e: member(vector, "e") };
    key.verify(parameters, &vector.input, &vector.signature).is_ok()
}

/// Verifies with an uncompressed point.
fn point(vector: &Vector, algorithm: &'static dyn VerificationAlgorithm) -> bool {
    by(algorithm, &[vec![4], member(vector, "x"), member(vector, "y")].concat(), vector)
}

fn mac(vector: &Vector, algorithm: hmac::Algorithm) -> bool {
    let tag = hmac::sign(&hmac::Key::new(algorithm, &member(vector, "k")), &vector.input);
    constant_time::verify_slices_are_equal(tag.as_ref(), &vector.signature).is_ok()
}
