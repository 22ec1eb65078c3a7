//! `verify_signature` and `sign`: Envoy, `source/common/crypto/utility_impl.cc`, with BoringSSL.
//!
//! RSA signatures are PKCS#1 v1.5 only, and ECDSA signatures are DER. The key decides the algorithm: a filter
//! that requires a certain algorithm must check its key first. A failure is reported in the result, and the
//! status is still success. The error texts are Envoy's.

use super::keys::{PrivateKey, PublicKey};
use super::proto::{Malformed, fields, put_bytes, put_number};
use crate::emulator::state::Status;
use rsa::pkcs1v15::Pkcs1v15Sign;
use rsa::signature::hazmat::{PrehashSigner, PrehashVerifier};
use rsa::traits::PublicKeyParts;
use sha1::Sha1;
use sha2::{Digest, Sha224, Sha256, Sha384, Sha512};
use std::borrow::Cow;

/// A digest, and its padding in PKCS#1.
struct Hashed {
    digest: Vec<u8>,
    padding: Pkcs1v15Sign,
}

impl Hashed {
    /// Hashes `text`. Returns `None` for a hash function that Envoy does not know by this name.
    fn new(function: &str, text: &[u8]) -> Option<Self> {
        macro_rules! with {
            ($hash:ty) => {
                Self { digest: <$hash>::digest(text).to_vec(), padding: Pkcs1v15Sign::new::<$hash>() }
            };
        }
        Some(match function.to_ascii_lowercase().as_str() {
            "sha1" => with!(Sha1),
            "sha224" => with!(Sha224),
            "sha256" => with!(Sha256),
            "sha384" => with!(Sha384),
            "sha512" => with!(Sha512),
            _ => return None,
        })
    }

    /// Returns the digest, padded with leading zeros to the order of a curve: the same number in the length
    /// that the curve's crate requires. Any digest can be used with any curve.
    fn for_order(&self, bytes: usize) -> Cow<'_, [u8]> {
        let Some(missing) = bytes.checked_sub(self.digest.len()) else { return Cow::Borrowed(&self.digest) };
        Cow::Owned([vec![0; missing].as_slice(), &self.digest].concat())
    }
}

/// The arguments of both functions. In both, field 1 is the hash function and the key is given as DER or PEM;
/// the other numbers differ.
#[derive(Default)]
struct Arguments<'a> {
    hash: &'a str,
    key_der: &'a [u8],
    key_pem: &'a str,
    signature: &'a [u8],
    text: &'a [u8],
}

impl Arguments<'_> {
    /// Parses the key with the function for its format. Fails if both formats are given, or none.
    fn key<K>(&self, der: fn(&[u8]) -> Option<K>, pem: fn(&str) -> Option<K>) -> Result<Option<K>, Status> {
        match (self.key_der, self.key_pem) {
            ([], "") => Err(Status::BadArgument),
            (bytes, "") => Ok(der(bytes)),
            ([], text) => Ok(pem(text)),
            _ => Err(Status::BadArgument),
        }
    }
}

/// Verifies a signature. Returns a `VerifySignatureResult`: 1 result, 2 error.
///
/// Fails with [`Status::BadArgument`] if the arguments are malformed or do not contain exactly one key.
pub fn verify(args: &[u8]) -> Result<Vec<u8>, Status> {
    let args = verify_arguments(args).map_err(|Malformed| Status::BadArgument)?;
    let key = args.key(PublicKey::from_der, PublicKey::from_pem)?;
    let mut answer = Vec::new();
    match verify_with(key, &args) {
        Ok(()) => put_number(&mut answer, 1, 1),
        Err(error) => put_bytes(&mut answer, 2, error.as_bytes()),
    }
    Ok(answer)
}

fn verify_arguments(args: &[u8]) -> Result<Arguments<'_>, Malformed> {
    let mut read = Arguments::default();
    for (number, field) in fields(args)? {
        match number {
            1 => read.hash = field.text()?.unwrap_or(read.hash),
            2 => read.key_der = field.bytes().unwrap_or(read.key_der),
            3 => read.signature = field.bytes().unwrap_or(read.signature),
            4 => read.text = field.bytes().unwrap_or(read.text),
            5 => read.key_pem = field.text()?.unwrap_or(read.key_pem),
            _ => {}
        }
    }
    Ok(read)
}

fn verify_with(key: Option<PublicKey>, args: &Arguments<'_>) -> Result<(), String> {
    let Some(hashed) = Hashed::new(args.hash, args.text) else { return Err(unsupported(args.hash)) };
    let Some(key) = key else { return Err("Failed to initialize digest verify.".into()) };
    macro_rules! ecdsa {
        ($curve:ident, $key:expr, $order:literal) => {
            $curve::ecdsa::Signature::from_der(args.signature)
                .is_ok_and(|signature| $key.verify_prehash(&hashed.for_order($order), &signature).is_ok())
        };
    }
    let good = match key {
        PublicKey::Rsa(key) => {
            args.signature.len() == key.size()
                && key.verify(hashed.padding, &hashed.digest, args.signature).is_ok()
        }
        PublicKey::P224(key) => ecdsa!(p224, key, 28),
        PublicKey::P256(key) => ecdsa!(p256, key, 32),
        PublicKey::P384(key) => ecdsa!(p384, key, 48),
        PublicKey::P521(key) => ecdsa!(p521, key, 66),
    };
    if good { Ok(()) } else { Err("Failed to verify digest. Error code: 0".into()) }
}

/// Creates a signature. Returns a `SignResult`: 1 result, 2 signature, 3 error.
///
/// Fails with [`Status::BadArgument`] if the arguments are malformed or do not contain exactly one key. ECDSA
/// signatures are deterministic here (RFC 6979) and random on Envoy.
pub fn sign(args: &[u8]) -> Result<Vec<u8>, Status> {
    let args = sign_arguments(args).map_err(|Malformed| Status::BadArgument)?;
    let key = args.key(PrivateKey::from_der, PrivateKey::from_pem)?;
    let mut answer = Vec::new();
    match sign_with(key, &args) {
        Ok(signature) => {
            put_number(&mut answer, 1, 1);
            put_bytes(&mut answer, 2, &signature);
        }
        Err(error) => put_bytes(&mut answer, 3, error.as_bytes()),
    }
    Ok(answer)
}

fn sign_arguments(args: &[u8]) -> Result<Arguments<'_>, Malformed> {
    let mut read = Arguments::default();
    for (number, field) in fields(args)? {
        match number {
            1 => read.hash = field.text()?.unwrap_or(read.hash),
            2 => read.key_der = field.bytes().unwrap_or(read.key_der),
            3 => read.text = field.bytes().unwrap_or(read.text),
            4 => read.key_pem = field.text()?.unwrap_or(read.key_pem),
            _ => {}
        }
    }
    Ok(read)
}

fn sign_with(key: Option<PrivateKey>, args: &Arguments<'_>) -> Result<Vec<u8>, String> {
    let Some(hashed) = Hashed::new(args.hash, args.text) else { return Err(unsupported(args.hash)) };
    macro_rules! ecdsa {
        ($curve:ident, $key:expr, $order:literal) => {
            $key.sign_prehash(&hashed.for_order($order))
                .map(|signature: $curve::ecdsa::DerSignature| signature.as_bytes().to_vec())
                .ok()
        };
    }
    let signature = match key {
        None => return Err("Invalid key type: private key required for signing operation.".into()),
        Some(PrivateKey::Ed25519) => {
            return Err("Invalid private key: key data is corrupted or malformed.".into());
        }
        Some(PrivateKey::Rsa(key)) => key.sign(hashed.padding, &hashed.digest).ok(),
        Some(PrivateKey::P224(key)) => ecdsa!(p224, key, 28),
        Some(PrivateKey::P256(key)) => ecdsa!(p256, key, 32),
        Some(PrivateKey::P384(key)) => ecdsa!(p384, key, 48),
        Some(PrivateKey::P521(key)) => ecdsa!(p521, key, 66),
    };
    signature.ok_or_else(|| "Failed to create signature.".into())
}

fn unsupported(hash: &str) -> String {
    format!("{hash} is not supported.")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::emulator::foreign::proto::Field;
    use serde_json::Value;

    /// The results of Envoy 1.40 for keys and signatures that OpenSSL made for this table.
    fn observed() -> Vec<Value> {
        serde_json::from_str(include_str!("testdata/signatures.json")).unwrap()
    }

    fn unhex(text: &str) -> Vec<u8> {
        let digits = text.as_bytes().chunks(2).map(|pair| std::str::from_utf8(pair).unwrap());
        digits.map(|pair| u8::from_str_radix(pair, 16).unwrap()).collect()
    }

    fn args_of(case: &str) -> Vec<u8> {
        let row = observed().into_iter().find(|row| row["case"] == case).unwrap();
        unhex(row["args"].as_str().unwrap())
    }

    #[test]
    fn answers_what_envoy_answers() {
        let mut compared = 0;
        for row in observed() {
            let args = unhex(row["args"].as_str().unwrap());
            let answered = if row["function"] == "sign" { sign(&args) } else { verify(&args) };
            let status = answered.as_ref().map_or_else(|status| *status as u64, |_| 0);
            assert_eq!(status, row["status"].as_u64().unwrap(), "{}", row["case"]);
            let answer = answered.unwrap_or_default();
            match row["answer"].as_str().unwrap() {
                "random" => assert!(answer.starts_with(b"\x08\x01\x12"), "{} {answer:?}", row["case"]),
                expected => assert_eq!(
                    String::from_utf8_lossy(&answer),
                    String::from_utf8_lossy(&unhex(expected)),
                    "{}",
                    row["case"]
                ),
            }
            compared += 1;
        }
        assert!(compared > 80, "incomplete table: {compared} rows");
    }

    #[test]
    fn verifies_what_it_signs_on_curves() {
        for (signing, verifying) in [
            ("ec", "prime256v1 sha256"),
            ("ec sec1 pem", "prime256v1 sha256"),
            ("ec521", "secp521r1 sha1"),
            ("ec224", "secp224r1 sha512"),
        ] {
            let answer = sign(&args_of(signing)).unwrap();
            let (_, signature) = fields(&answer).unwrap()[1];
            let mut args = args_of(verifying);
            // The last of several fields wins.
            put_bytes(&mut args, 3, signature.bytes().unwrap());
            assert_eq!(verify(&args), Ok(b"\x08\x01".to_vec()), "{signing}");
            put_bytes(&mut args, 4, b"another text");
            let refused = verify(&args).unwrap();
            let error = (2, Field::Bytes(b"Failed to verify digest. Error code: 0"));
            assert_eq!(fields(&refused), Ok(vec![error]), "{signing}");
        }
    }
}
