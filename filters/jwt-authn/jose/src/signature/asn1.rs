//! SubjectPublicKeyInfo (RFC 5280 section 4.1.2.7), alone or in a certificate.
//!
//! The other fields of a certificate are not needed, so they are skipped. `x509-cert`, which parses names and
//! extensions, would add 68 KiB to a .wasm.

use crate::signature::{KeyError, Material, Result};
use spki::der::asn1::{AnyRef, BitStringRef, UintRef};
use spki::der::{self, Decode, Reader, SliceReader, Tag};
use spki::{ObjectIdentifier, SubjectPublicKeyInfoRef};

const RSA: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.1.1");
const EC: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.10045.2.1");
pub(crate) const P256: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.10045.3.1.7");
pub(crate) const P384: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.132.0.34");
pub(crate) const P521: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.132.0.35");
const ED25519: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.101.112");

/// Returns the key of a SubjectPublicKeyInfo. No bytes may follow.
pub(crate) fn from_spki(der: &[u8]) -> Result<Material> {
    let spki = SubjectPublicKeyInfoRef::from_der(der);
    from_parsed(&spki.map_err(|_| KeyError::Invalid("not a SubjectPublicKeyInfo in DER"))?)
}

/// Returns the key of an RSAPublicKey (RFC 8017 appendix A.1.1). No bytes may follow.
pub(crate) fn from_pkcs1(der: &[u8]) -> Result<Material> {
    let numbers = || {
        let mut reader = SliceReader::new(der)?;
        let numbers = reader.sequence(|key| der::Result::Ok((key.decode()?, key.decode()?)))?;
        reader.finish()?;
        der::Result::Ok(numbers)
    };
    let (n, e): (UintRef<'_>, UintRef<'_>) =
        numbers().map_err(|_| KeyError::Invalid("not an RSAPublicKey in DER"))?;
    Material::rsa(n.as_bytes(), e.as_bytes())
}

/// Returns the key of an X.509 certificate. No bytes may follow.
pub(crate) fn from_certificate(der: &[u8]) -> Result<Material> {
    let spki = walk(der).map_err(|_| KeyError::Invalid("not an X.509 certificate in DER"))?;
    from_parsed(&spki)
}

fn from_parsed(spki: &SubjectPublicKeyInfoRef<'_>) -> Result<Material> {
    let malformed = KeyError::Invalid("malformed SubjectPublicKeyInfo");
    let Some(key) = spki.subject_public_key.as_bytes() else { return Err(malformed) };
    let parameters = spki.algorithm.parameters;
    match spki.algorithm.oid {
        RSA if parameters.is_some_and(AnyRef::is_null) => from_pkcs1(key),
        EC => match parameters.and_then(|curve| curve.decode_as().ok()) {
            Some(P256) => Material::p256(key),
            Some(P384) => Material::p384(key),
            Some(P521) => Material::p521(key),
            Some(other) => Err(unsupported(&other)),
            None => Err(malformed),
        },
        ED25519 if parameters.is_none() => Material::ed25519(key),
        RSA | ED25519 => Err(malformed),
        other => Err(unsupported(&other)),
    }
}

fn unsupported(oid: &ObjectIdentifier) -> KeyError {
    KeyError::Unsupported(oid.to_string().into())
}

fn walk(der: &[u8]) -> der::Result<SubjectPublicKeyInfoRef<'_>> {
    let mut reader = SliceReader::new(der)?;
    let spki = reader.sequence(|certificate| {
        let spki = certificate.sequence(|signed| {
            // All certificates except those of version 1 have `version`. Then follow the serial number, the
            // signature's algorithm, issuer, validity and subject.
            if matches!(Tag::peek(signed)?, Tag::ContextSpecific { .. }) {
                signed.decode::<AnyRef<'_>>()?;
            }
            for _ in 0..5 {
                signed.decode::<AnyRef<'_>>()?;
            }
            let spki = signed.decode()?;
            while !signed.is_finished() {
                signed.decode::<AnyRef<'_>>()?;
            }
            der::Result::Ok(spki)
        })?;
        certificate.decode::<AnyRef<'_>>()?;
        certificate.decode::<BitStringRef<'_>>()?;
        der::Result::Ok(spki)
    })?;
    reader.finish()?;
    Ok(spki)
}

/// Returns the SubjectPublicKeyInfo of an RSA key with these big-endian numbers.
#[cfg(feature = "rsa")]
pub(crate) fn rsa_spki(n: &[u8], e: &[u8]) -> Result<Box<[u8]>> {
    use spki::der::Encode as _;

    let encode = || {
        let key = [UintRef::new(n)?, UintRef::new(e)?].to_der()?;
        write(RSA, AnyRef::NULL, &key)
    };
    encode().map_err(|_| KeyError::Invalid("RSA key cannot be encoded in DER"))
}

/// Returns the SubjectPublicKeyInfo of an uncompressed point.
#[cfg(any(feature = "p256", feature = "p384", feature = "p521"))]
pub(crate) fn ec_spki(curve: ObjectIdentifier, point: &[u8]) -> Result<Box<[u8]>> {
    write(EC, AnyRef::from(&curve), point).map_err(|_| KeyError::Invalid("EC key cannot be encoded in DER"))
}

#[cfg(any(feature = "rsa", feature = "p256", feature = "p384", feature = "p521"))]
fn write(oid: ObjectIdentifier, parameters: AnyRef<'_>, key: &[u8]) -> der::Result<Box<[u8]>> {
    use spki::{AlgorithmIdentifier, der::Encode as _};

    let algorithm = AlgorithmIdentifier { oid, parameters: Some(parameters) };
    let spki = SubjectPublicKeyInfoRef { algorithm, subject_public_key: BitStringRef::from_bytes(key)? };
    Ok(spki.to_der()?.into())
}
