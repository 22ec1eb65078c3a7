//! The arguments, `envoy.source.extensions.common.wasm.VerifySignatureArguments`: 1 `hash_function`, 2
//! `public_key` in DER, 3 `signature`, 4 `text`.

use crate::{Algorithm, Family, Hash, Key};

/// Returns the function's arguments; `None` for unsupported input: PSS, Ed25519, HMAC, a malformed ECDSA
/// signature, or an algorithm that the key does not permit.
pub fn arguments(key: &Key, algorithm: Algorithm, input: &[u8], signature: &[u8]) -> Option<Vec<u8>> {
    let spki = key.permits(algorithm).then(|| key.spki()).flatten()?;
    let hash = match algorithm.hash() {
        Hash::Sha256 => "sha256",
        Hash::Sha384 => "sha384",
        Hash::Sha512 => "sha512",
    };
    // Four fields, each with a tag and a length of at most five bytes. The ECDSA signature grows by at most
    // nine.
    let mut args = Vec::with_capacity(hash.len() + spki.len() + signature.len() + input.len() + 40);
    put(&mut args, 1, hash.as_bytes());
    put(&mut args, 2, spki);
    match algorithm.family() {
        Family::RsaPkcs1 => put(&mut args, 3, signature),
        Family::Ecdsa(curve) => put(&mut args, 3, &der(signature, curve.bytes())?),
        Family::RsaPss | Family::Ed25519 | Family::Hmac => return None,
    }
    put(&mut args, 4, input);
    Some(args)
}

/// Appends a field of bytes.
fn put(into: &mut Vec<u8>, field: u8, bytes: &[u8]) {
    into.push(field << 3 | 2);
    let mut rest = bytes.len();
    while rest >= 0x80 {
        into.push((rest & 0x7f) as u8 | 0x80);
        rest >>= 7;
    }
    into.push(rest as u8);
    into.extend_from_slice(bytes);
}

/// Converts `r` and `s`, which JWS joins with the curve's length each, to the `Ecdsa-Sig-Value` that
/// BoringSSL accepts (RFC 3279 section 2.2.3). Its encoding must be minimal.
fn der(signature: &[u8], length: usize) -> Option<Vec<u8>> {
    let (r, s) = signature.split_at_checked(length).filter(|(_, s)| s.len() == length)?;
    let [r, s] = [r, s].map(integer);
    let length = r.len() + s.len();
    let mut der = Vec::with_capacity(length + 3);
    der.push(0x30);
    // P-521 needs more than the short form of a length. No curve needs more than one byte.
    if length >= 0x80 {
        der.push(0x81);
    }
    der.push(u8::try_from(length).ok()?);
    der.extend_from_slice(&r);
    der.extend_from_slice(&s);
    Some(der)
}

/// Encodes an unsigned number as INTEGER, without leading zeros, except one that keeps it positive.
fn integer(number: &[u8]) -> Vec<u8> {
    let zeros = number.iter().take_while(|byte| **byte == 0).count();
    let digits = number.get(zeros..).unwrap_or_default();
    // The number zero also needs this one byte.
    let sign = digits.first().is_none_or(|first| *first >= 0x80);
    let mut der = Vec::with_capacity(digits.len() + 3);
    der.push(0x02);
    der.push(digits.len() as u8 + u8::from(sign));
    der.extend(sign.then_some(0));
    der.extend_from_slice(digits);
    der
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_written_as_short_as_der_has_them() {
        for (number, expected) in [
            (&[0, 0, 0][..], &[2, 1, 0][..]),
            (&[0, 0, 1], &[2, 1, 1]),
            (&[0, 0x7f, 0], &[2, 2, 0x7f, 0]),
            (&[0, 0x80, 0], &[2, 3, 0, 0x80, 0]),
            (&[0xff, 0, 0], &[2, 4, 0, 0xff, 0, 0]),
        ] {
            assert_eq!(integer(number), expected, "{number:?}");
        }
    }

    #[test]
    fn a_signature_of_the_wrong_length_has_no_der() {
        for length in [0, 1, 63, 65, 96, 128] {
            assert_eq!(der(&vec![1; length], 32), None, "{length}");
        }
    }

    #[test]
    fn a_long_signature_has_a_long_length() {
        let short = der(&[0x11; 96], 48).unwrap();
        assert_eq!(short[..4], [0x30, 100, 2, 48]);
        let long = der(&[0x11; 132], 66).unwrap();
        assert_eq!(long[..5], [0x30, 0x81, 136, 2, 66]);
        assert_eq!(long.len(), 3 + 136);
    }

    #[test]
    fn a_field_has_a_length_of_as_many_bytes_as_it_needs() {
        for (length, expected) in [
            (0, &[0x22, 0][..]),
            (127, &[0x22, 127]),
            (128, &[0x22, 0x80, 1]),
            (16_384, &[0x22, 0x80, 0x80, 1]),
        ] {
            let mut field = Vec::new();
            put(&mut field, 4, &vec![7; length]);
            assert_eq!(field[..field.len() - length], *expected, "{length}");
        }
    }
}
