//! Signature algorithms by `alg`, defined here independently of the crate under test.

/// Signature scheme.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Scheme {
    Hmac,
    Pkcs1,
    Pss,
    Ecdsa,
    Ed25519,
}

/// Hash function.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Hash {
    Sha256,
    Sha384,
    Sha512,
}

/// A signature algorithm (RFC 7518 section 3.1, RFC 8037).
#[derive(Clone, Copy)]
pub struct Algorithm {
    pub name: &'static str,
    pub scheme: Scheme,
    pub hash: Hash,
    /// Default kind of key.
    pub key: &'static str,
}

const ALL: [Algorithm; 13] = [
    row("HS256", Scheme::Hmac, Hash::Sha256, "secret32"),
    row("HS384", Scheme::Hmac, Hash::Sha384, "secret48"),
    row("HS512", Scheme::Hmac, Hash::Sha512, "secret64"),
    row("RS256", Scheme::Pkcs1, Hash::Sha256, "rsa2048"),
    row("RS384", Scheme::Pkcs1, Hash::Sha384, "rsa2048"),
    row("RS512", Scheme::Pkcs1, Hash::Sha512, "rsa2048"),
    row("PS256", Scheme::Pss, Hash::Sha256, "rsa2048"),
    row("PS384", Scheme::Pss, Hash::Sha384, "rsa2048"),
    row("PS512", Scheme::Pss, Hash::Sha512, "rsa2048"),
    row("ES256", Scheme::Ecdsa, Hash::Sha256, "p256"),
    row("ES384", Scheme::Ecdsa, Hash::Sha384, "p384"),
    row("ES512", Scheme::Ecdsa, Hash::Sha512, "p521"),
    row("EdDSA", Scheme::Ed25519, Hash::Sha512, "ed25519"),
];

const fn row(name: &'static str, scheme: Scheme, hash: Hash, key: &'static str) -> Algorithm {
    Algorithm { name, scheme, hash, key }
}

impl Algorithm {
    /// Returns the algorithm with this `alg`.
    pub fn named(name: &str) -> Self {
        *ALL.iter().find(|known| known.name == name).unwrap_or_else(|| panic!("unknown algorithm `{name}`"))
    }
}

/// Returns the names of all algorithms.
pub fn names() -> impl Iterator<Item = &'static str> {
    ALL.iter().map(|known| known.name)
}
