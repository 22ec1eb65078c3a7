//! Key pairs: signatures, and public keys.

use crate::algorithm::{Algorithm, Hash, Scheme};
use crate::rng::Seeded;
use crate::{base64url, keys};
use hmac::{Hmac, KeyInit, Mac};
use rsa::hazmat::rsa_decrypt_and_check;
use rsa::pkcs8::{DecodePrivateKey, EncodePublicKey, LineEnding};
use rsa::signature::Signer as _;
use rsa::signature::hazmat::PrehashSigner;
use rsa::traits::PublicKeyParts;
use rsa::{BoxedUint, Pkcs1v15Sign, Pss, RsaPrivateKey};
use serde_json::{Value, json};
use sha2::{Digest, Sha256, Sha384, Sha512};

/// A private key, or a secret.
pub enum Pair {
    Rsa(Box<RsaPrivateKey>),
    P256(p256::ecdsa::SigningKey),
    P384(p384::ecdsa::SigningKey),
    P521(p521::ecdsa::SigningKey),
    Ed25519(ed25519_dalek::SigningKey),
    Secret(Vec<u8>),
}

/// Evaluates an expression with the type of a hash.
macro_rules! with_hash {
    ($hash:expr, $type:ident => $what:expr) => {
        match $hash {
            Hash::Sha256 => {
                type $type = Sha256;
                $what
            }
            Hash::Sha384 => {
                type $type = Sha384;
                $what
            }
            Hash::Sha512 => {
                type $type = Sha512;
                $what
            }
        }
    };
}

impl Pair {
    /// Returns a key by kind and index, such as `rsa2048-0`. A secret `secret<n>` has `n` bytes, which are
    /// derived from its name.
    pub fn named(name: &str) -> Self {
        fn read<K: DecodePrivateKey>(name: &str) -> K {
            K::from_pkcs8_pem(keys::private(name)).expect("a key of testdata/")
        }
        let kind = name.split('-').next().unwrap_or(name);
        if let Some(length) = kind.strip_prefix("secret") {
            let length = length.parse().expect("a length after `secret`");
            let blocks = (0..=255u8).flat_map(|n| Sha256::digest(format!("{name} {n}")));
            return Self::Secret(blocks.take(length).collect());
        }
        match kind {
            "p256" => Self::P256(read(name)),
            "p384" => Self::P384(read(name)),
            "p521" => Self::P521(read(name)),
            "ed25519" => Self::Ed25519(read(name)),
            _ => Self::Rsa(Box::new(read(name))),
        }
    }

    /// Signs. Panics for an algorithm of another kind of key.
    pub fn sign(&self, algorithm: Algorithm, input: &[u8]) -> Vec<u8> {
        let hash = algorithm.hash;
        let digest = || with_hash!(hash, H => H::digest(input).to_vec());
        macro_rules! ecdsa {
            ($key:expr, $curve:ident) => {{
                let signature: $curve::ecdsa::Signature =
                    $key.sign_prehash(&digest()).expect("a digest of that hash");
                signature.to_bytes().to_vec()
            }};
        }
        match (self, algorithm.scheme) {
            (Self::Rsa(key), Scheme::Pkcs1) => {
                let padding = with_hash!(hash, H => Pkcs1v15Sign::new::<H>());
                key.sign(padding, &digest()).expect("a modulus that the digest fits")
            }
            (Self::Rsa(_), Scheme::Pss) => {
                let salt = with_hash!(hash, H => H::output_size());
                self.sign_pss(algorithm, salt, input)
            }
            (Self::P256(key), Scheme::Ecdsa) => ecdsa!(key, p256),
            (Self::P384(key), Scheme::Ecdsa) => ecdsa!(key, p384),
            (Self::P521(key), Scheme::Ecdsa) => ecdsa!(key, p521),
            (Self::Ed25519(key), Scheme::Ed25519) => key.sign(input).to_vec(),
            (Self::Secret(secret), Scheme::Hmac) => with_hash!(hash, H => {
                let mut mac = Hmac::<H>::new_from_slice(secret).expect("a secret of any length");
                mac.update(input);
                mac.finalize().into_bytes().to_vec()
            }),
            _ => panic!("`{}` needs another kind of key", algorithm.name),
        }
    }

    /// Signs by PSS with a salt of any length, derived from the input.
    pub fn sign_pss(&self, algorithm: Algorithm, salt: usize, input: &[u8]) -> Vec<u8> {
        let Self::Rsa(key) = self else { panic!("PSS needs an RSA key") };
        let mut rng = Seeded::new(input);
        with_hash!(algorithm.hash, H => {
            let padding = Pss::<H> { blinded: false, ..Pss::new_with_salt(salt) };
            key.sign_with_rng(&mut rng, padding, &H::digest(input)).expect("a modulus that digest and salt fit")
        })
    }

    /// Applies RSA's private operation to a number of the length of the modulus.
    pub fn sign_encoded(&self, encoded: &[u8]) -> Vec<u8> {
        let Self::Rsa(key) = self else { panic!("an encoded message needs an RSA key") };
        let message =
            BoxedUint::from_be_slice(encoded, key.n_bits_precision()).expect("as many bytes as the modulus");
        let signature = rsa_decrypt_and_check::<Seeded>(key.as_ref(), None, &message)
            .expect("a number below the modulus");
        signature.to_be_bytes().to_vec()
    }

    /// Returns the members of a JWK for the public key.
    pub fn public_jwk(&self) -> Value {
        macro_rules! ec {
            ($key:expr, $curve:literal) => {{
                let point = $key.verifying_key().to_sec1_point(false);
                let [x, y] = [point.x(), point.y()].map(|n| base64url(n.expect("a point that is not compressed")));
                json!({ "kty": "EC", "crv": $curve, "x": x, "y": y })
            }};
        }
        match self {
            Self::Rsa(key) => {
                let [n, e] = [key.n_bytes(), key.e_bytes()].map(base64url);
                json!({ "kty": "RSA", "n": n, "e": e })
            }
            Self::P256(key) => ec!(key, "P-256"),
            Self::P384(key) => ec!(key, "P-384"),
            Self::P521(key) => ec!(key, "P-521"),
            Self::Ed25519(key) => {
                json!({ "kty": "OKP", "crv": "Ed25519", "x": base64url(key.verifying_key().as_bytes()) })
            }
            Self::Secret(secret) => json!({ "kty": "oct", "k": base64url(secret) }),
        }
    }

    /// Returns the SubjectPublicKeyInfo in PEM.
    pub fn public_pem(&self) -> String {
        let pem = match self {
            Self::Rsa(key) => key.to_public_key().to_public_key_pem(LineEnding::LF),
            Self::P256(key) => key.verifying_key().to_public_key_pem(LineEnding::LF),
            Self::P384(key) => key.verifying_key().to_public_key_pem(LineEnding::LF),
            Self::P521(key) => key.verifying_key().to_public_key_pem(LineEnding::LF),
            Self::Ed25519(key) => key.verifying_key().to_public_key_pem(LineEnding::LF),
            Self::Secret(_) => panic!("a secret has no public key"),
        };
        pem.expect("a valid key can be encoded")
    }
}
