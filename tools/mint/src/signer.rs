//! A key pair with an algorithm and a `kid`.

use crate::algorithm::{Algorithm, Scheme};
use crate::pair::Pair;
use crate::{base64url, keys, signing_input};
use serde_json::{Value, json};
use std::sync::Arc;

/// Signs tokens. A clone shares the key.
#[derive(Clone)]
pub struct Signer {
    algorithm: Algorithm,
    /// Name of the key in `testdata/`.
    name: String,
    key_id: Option<String>,
    pair: Arc<Pair>,
}

/// Constructors by algorithm, with the first key of the kind.
macro_rules! first {
    ($($(#[$doc:meta])* $name:ident = $alg:literal;)*) => {
        impl Signer {
            $($(#[$doc])* pub fn $name() -> Self { Self::new($alg, 0) })*
        }
    };
}

first! {
    /// RSA of 2048 bits, PKCS #1 v1.5.
    rs256 = "RS256";
    /// RSA of 2048 bits, PSS.
    ps256 = "PS256";
    /// P-256.
    es256 = "ES256";
    /// P-384.
    es384 = "ES384";
    /// P-521.
    es512 = "ES512";
    /// Ed25519.
    ed_dsa = "EdDSA";
    /// A secret of 32 bytes.
    hs256 = "HS256";
}

impl Signer {
    /// Creates a signer with the default kind of key of the algorithm: the first key (`index` 0) or the
    /// second (1). Its `kid` is the key's name.
    ///
    /// Panics if the algorithm or the key does not exist.
    pub fn new(algorithm: &str, index: usize) -> Self {
        let kind = Algorithm::named(algorithm).key;
        Self::with_key(algorithm, &format!("{kind}-{index}"))
    }

    /// Creates a signer with a key by name: `rsa1024-0`, `rsa2048-1`, `rsa3072-0`, `rsa4096-0`, `p256-0`,
    /// `p384-1`, `p521-0`, `ed25519-1`; `secret<bytes>-<any number>`.
    ///
    /// Panics if the algorithm or the key does not exist.
    pub fn with_key(algorithm: &str, name: &str) -> Self {
        let algorithm = Algorithm::named(algorithm);
        Self { algorithm, name: name.into(), key_id: Some(name.into()), pair: Arc::new(Pair::named(name)) }
    }

    /// Creates a signer with a secret of any bytes, for example a public text that is mistaken for a secret.
    /// Its `kid` is `secret`.
    ///
    /// Panics if the algorithm is not HMAC.
    pub fn with_secret(algorithm: &str, secret: &[u8]) -> Self {
        let algorithm = Algorithm::named(algorithm);
        assert!(algorithm.scheme == Scheme::Hmac, "`{}` does not use a secret", algorithm.name);
        let pair = Arc::new(Pair::Secret(secret.to_vec()));
        Self { algorithm, name: "secret".into(), key_id: Some("secret".into()), pair }
    }

    /// Returns the signer with another `kid`.
    pub fn with_kid(self, key_id: &str) -> Self {
        Self { key_id: Some(key_id.into()), ..self }
    }

    /// Returns the signer without `kid`.
    pub fn without_kid(self) -> Self {
        Self { key_id: None, ..self }
    }

    /// Returns the signer with another algorithm for the same kind of key. A curve may also have another hash
    /// than the specifications allow.
    pub fn with_algorithm(self, algorithm: &str) -> Self {
        Self { algorithm: Algorithm::named(algorithm), ..self }
    }

    /// Returns `alg`.
    pub fn algorithm(&self) -> &'static str {
        self.algorithm.name
    }

    /// Returns `kid`.
    pub fn kid(&self) -> Option<&str> {
        self.key_id.as_deref()
    }

    /// Returns the public key as a JWK with `alg`, `use` and, if set, `kid`. The JWK of a secret contains the
    /// secret.
    pub fn public_jwk(&self) -> Value {
        let mut jwk = self.pair.public_jwk();
        jwk["alg"] = self.algorithm.name.into();
        jwk["use"] = "sig".into();
        if let Some(key_id) = &self.key_id {
            jwk["kid"] = key_id.as_str().into();
        }
        jwk
    }

    /// Returns the public key in PEM (SubjectPublicKeyInfo). Panics for a secret.
    pub fn public_pem(&self) -> String {
        self.pair.public_pem()
    }

    /// Returns a self-signed certificate of the key in PEM. Panics for kinds other than `rsa2048` and `p256`.
    pub fn certificate_pem(&self) -> &'static str {
        keys::certificate(&self.name)
    }

    /// Returns the certificate as a member of `x5c`: DER in base64 with padding (RFC 7517 section 4.7).
    pub fn x5c(&self) -> String {
        self.certificate_pem().lines().filter(|line| !line.starts_with('-')).collect()
    }

    /// Returns the header of this signer's tokens: `alg`, `typ` and, if set, `kid`.
    pub fn header(&self) -> Value {
        let mut header = json!({ "alg": self.algorithm.name, "typ": "JWT" });
        if let Some(key_id) = &self.key_id {
            header["kid"] = key_id.as_str().into();
        }
        header
    }

    /// Returns a token with these claims.
    pub fn token(&self, claims: &Value) -> String {
        self.sign(&self.header(), claims)
    }

    /// Returns a token with any header, correct or not.
    pub fn sign(&self, header: &Value, claims: &Value) -> String {
        self.sign_raw(header.to_string().as_bytes(), claims.to_string().as_bytes())
    }

    /// Returns a token of any bytes, JSON or not.
    pub fn sign_raw(&self, header: &[u8], payload: &[u8]) -> String {
        let input = signing_input(header, payload);
        let signature = self.sign_input(input.as_bytes());
        format!("{input}.{}", base64url(signature))
    }

    /// Returns the signature of any bytes, as after the second dot of a token, decoded. Panics if the
    /// algorithm needs another kind of key.
    pub fn sign_input(&self, input: &[u8]) -> Vec<u8> {
        self.pair.sign(self.algorithm, input)
    }

    /// Returns the signature by PSS with a salt of `salt` bytes. RFC 7518 section 3.5 requires the length of
    /// the hash. Panics if the key is not RSA.
    pub fn sign_input_pss(&self, salt: usize, input: &[u8]) -> Vec<u8> {
        self.pair.sign_pss(self.algorithm, salt, input)
    }

    /// Returns the signature of an encoded message, padded or not: the private operation of RSA alone. Panics
    /// if the key is not RSA.
    pub fn sign_encoded(&self, encoded: &[u8]) -> Vec<u8> {
        self.pair.sign_encoded(encoded)
    }
}

/// Returns a key set of the signers' public keys, as JSON.
pub fn jwks(signers: &[&Signer]) -> String {
    let keys: Vec<_> = signers.iter().map(|signer| signer.public_jwk()).collect();
    json!({ "keys": keys }).to_string()
}
