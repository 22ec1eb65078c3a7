//! Keys in the formats that BoringSSL reads: SPKI and PKCS#8, in DER or PEM.
//!
//! Exactly as lenient as BoringSSL: bytes after a key are ignored, RSA keys of 512 bits are accepted, and
//! a PEM text may contain other blocks and lines of any length. All of this was compared with Envoy 1.40; see
//! `signatures`.

use base64::Engine;
use base64::prelude::BASE64_STANDARD;

use pkcs8::der::{Decode, Reader, SliceReader};
use pkcs8::{ObjectIdentifier, PrivateKeyInfoRef, SubjectPublicKeyInfoRef};
use rsa::pkcs1::{RsaPrivateKeyRef as RsaPrivateParts, RsaPublicKeyRef as RsaPublicParts};
use rsa::{BoxedUint, RsaPrivateKey, RsaPublicKey};
use sec1::EcPrivateKey;

/// RFC 8017, appendix A.1.
const RSA: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.1.1");
/// RFC 8410, section 3.
const ED25519: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.101.112");
/// Bits of an RSA modulus. The upper bound is also BoringSSL's.
const RSA_BITS: std::ops::RangeInclusive<usize> = 512..=8192;

/// A key that verifies signatures.
pub enum PublicKey {
    Rsa(RsaPublicKey),
    P224(p224::ecdsa::VerifyingKey),
    P256(p256::ecdsa::VerifyingKey),
    P384(p384::ecdsa::VerifyingKey),
    P521(p521::ecdsa::VerifyingKey),
}

/// A key that creates signatures.
pub enum PrivateKey {
    Rsa(Box<RsaPrivateKey>),
    P224(p224::ecdsa::SigningKey),
    P256(p256::ecdsa::SigningKey),
    P384(p384::ecdsa::SigningKey),
    P521(p521::ecdsa::SigningKey),
    /// Can be parsed, but cannot sign a digest.
    Ed25519,
}

impl PublicKey {
    /// Parses a `SubjectPublicKeyInfo`.
    pub fn from_der(der: &[u8]) -> Option<Self> {
        let key = SubjectPublicKeyInfoRef::from_der(first_element(der)?).ok()?;
        if key.algorithm.oid == RSA {
            let parts = RsaPublicParts::from_der(key.subject_public_key.as_bytes()?).ok()?;
            let [n, e] = [&parts.modulus, &parts.public_exponent]
                .map(|number| BoxedUint::from_be_slice_vartime(number.as_bytes()));
            return RsaPublicKey::new_with_size_limits(n, e, RSA_BITS).ok().map(Self::Rsa);
        }
        None.or_else(|| key.clone().try_into().ok().map(Self::P256))
            .or_else(|| key.clone().try_into().ok().map(Self::P384))
            .or_else(|| key.clone().try_into().ok().map(Self::P521))
            .or_else(|| key.try_into().ok().map(Self::P224))
    }

    /// Parses the first `PUBLIC KEY` block of a text.
    pub fn from_pem(text: &str) -> Option<Self> {
        Self::from_der(&block(text, &["PUBLIC KEY"])?.1)
    }
}

impl PrivateKey {
    /// Parses a `PrivateKeyInfo` (PKCS#8). PKCS#1 is accepted only in PEM.
    pub fn from_der(der: &[u8]) -> Option<Self> {
        let key = PrivateKeyInfoRef::from_der(first_element(der)?).ok()?;
        if key.algorithm.oid == ED25519 {
            return Some(Self::Ed25519);
        }
        None.or_else(|| key.clone().try_into().ok().map(Self::P256))
            .or_else(|| key.clone().try_into().ok().map(Self::P384))
            .or_else(|| key.clone().try_into().ok().map(Self::P521))
            .or_else(|| key.clone().try_into().ok().map(Self::P224))
            .or_else(|| key.try_into().ok().map(|key| Self::Rsa(Box::new(key))))
    }

    /// Parses the first block of a text that contains a private key, in any of three formats.
    pub fn from_pem(text: &str) -> Option<Self> {
        match block(text, &["PRIVATE KEY", "RSA PRIVATE KEY", "EC PRIVATE KEY"])? {
            ("RSA PRIVATE KEY", der) => {
                let key = RsaPrivateParts::from_der(first_element(&der)?).ok()?.try_into().ok()?;
                Some(Self::Rsa(Box::new(key)))
            }
            ("EC PRIVATE KEY", der) => Self::from_sec1(first_element(&der)?),
            (_, der) => Self::from_der(&der),
        }
    }

    /// Parses an `ECPrivateKey` (RFC 5915), which must name its curve.
    fn from_sec1(der: &[u8]) -> Option<Self> {
        let key = EcPrivateKey::from_der(der).ok()?;
        let scalar = key.private_key;
        match key.parameters?.named_curve()?.to_string().as_str() {
            "1.3.132.0.33" => p224::ecdsa::SigningKey::from_slice(scalar).ok().map(Self::P224),
            "1.2.840.10045.3.1.7" => p256::ecdsa::SigningKey::from_slice(scalar).ok().map(Self::P256),
            "1.3.132.0.34" => p384::ecdsa::SigningKey::from_slice(scalar).ok().map(Self::P384),
            "1.3.132.0.35" => p521::ecdsa::SigningKey::from_slice(scalar).ok().map(Self::P521),
            _ => None,
        }
    }
}

/// Returns the first DER element; BoringSSL ignores the bytes after it.
fn first_element(der: &[u8]) -> Option<&[u8]> {
    SliceReader::new(der).ok()?.tlv_bytes().ok()
}

/// Returns the first PEM block with one of the labels, and its label. Other blocks are skipped.
fn block<'a>(text: &str, labels: &[&'a str]) -> Option<(&'a str, Vec<u8>)> {
    let mut lines = text.lines().map(str::trim_end);
    while let Some(line) = lines.next() {
        let Some(label) = labels.iter().find(|label| line == format!("-----BEGIN {label}-----")) else {
            continue;
        };
        let end = format!("-----END {label}-----");
        let mut base64 = String::new();
        loop {
            match lines.next()? {
                line if line == end => break,
                line => base64.push_str(line.trim()),
            }
        }
        return Some((label, BASE64_STANDARD.decode(base64).ok()?));
    }
    None
}
