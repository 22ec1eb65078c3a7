//! Invalid signatures.

use super::setup::Forge;
use super::{Attack, Expected, bearer, passes, refused};
use serde_json::json;
use tollgate_jwt_authn_policy::Reason::{SignatureInvalid, SignatureNotBase64};
use tollgate_mint::{Signer, base64url, signing_input};

/// The order of P-256 (SEC 2 section 2.4.2).
const N: [u8; 32] = [
    0xff, 0xff, 0xff, 0xff, 0, 0, 0, 0, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xbc, 0xe6, 0xfa,
    0xad, 0xa7, 0x17, 0x9e, 0x84, 0xf3, 0xb9, 0xca, 0xc2, 0xfc, 0x63, 0x25, 0x51,
];
/// The order of the base point of Ed25519 (RFC 8032 section 5.1), least byte first.
const L: [u8; 32] = [
    0xed, 0xd3, 0xf5, 0x5c, 0x1a, 0x63, 0x12, 0x58, 0xd6, 0x9c, 0xf7, 0xa2, 0xde, 0xf9, 0xde, 0x14, 0, 0, 0,
    0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x10,
];

pub fn attacks(forge: &Forge) -> Vec<Attack> {
    let claims = forge.claims().to_string();
    // A good token with a changed signature.
    let changed = |signer: &Signer, change: &dyn Fn(Vec<u8>) -> Vec<u8>| {
        let input = signing_input(signer.header().to_string().as_bytes(), claims.as_bytes());
        let signature = change(signer.sign_input(input.as_bytes()));
        bearer("/", format!("{input}.{}", base64url(signature)))
    };
    let fails = |name, signer: &Signer, change: &dyn Fn(Vec<u8>) -> Vec<u8>| {
        refused(name, SignatureInvalid, changed(signer, change))
    };
    let (rsa, p256, p384, ed25519) = (&forge.rsa, &forge.p256, &forge.p384, &forge.ed25519);
    let of = |bytes: &[u8]| {
        let bytes = bytes.to_vec();
        move |_: Vec<u8>| bytes.clone()
    };
    let longer = |mut signature: Vec<u8>| {
        signature.push(0);
        signature
    };
    let shorter = |mut signature: Vec<u8>| {
        signature.pop();
        signature
    };
    let before = |signature: Vec<u8>| [&[0], &*signature].concat();
    let one = [&[0; 255][..], &[1]].concat();
    let admin = forge.with(json!({ "sub": "admin" })).to_string();
    let stolen = {
        let good = forge.good();
        let signature = good.rsplit('.').next().unwrap();
        let input = signing_input(rsa.header().to_string().as_bytes(), admin.as_bytes());
        bearer("/", format!("{input}.{signature}"))
    };
    let half = |signature: Vec<u8>| signature[..32].to_vec();
    let malleable = |signature: Vec<u8>| [&signature[..32], &minus(&N, &signature[32..])].concat();
    vec![
        Attack {
            name: "an empty signature",
            request: changed(rsa, &of(b"")),
            expected: Expected::Refused(SignatureNotBase64),
        },
        fails("a signature of a byte", rsa, &of(&[0])),
        fails("the signature of other claims", rsa, &|_| rsa.sign_input(b"x.y")),
        refused("other claims with a good signature", SignatureInvalid, stolen),
        fails("a bit that is turned over", rsa, &|mut signature| {
            signature[100] ^= 1;
            signature
        }),
        fails("RSA: zeros", rsa, &of(&[0; 256])),
        fails("RSA: one", rsa, &of(&one)),
        fails("RSA: a byte less", rsa, &shorter),
        fails("RSA: a byte more", rsa, &longer),
        fails("RSA: a zero before", rsa, &before),
        fails("RSA: more than the modulus", rsa, &of(&[0xff; 256])),
        fails("RSA: 4 KiB", rsa, &of(&[0x55; 4096])),
        // CVE-2022-21449.
        fails("ECDSA: r = s = 0", p256, &of(&[0; 64])),
        fails("ECDSA: r = s = 0 on P-384", p384, &of(&[0; 96])),
        fails("ECDSA: r = 0", p256, &|signature| [&[0; 32], &signature[32..]].concat()),
        fails("ECDSA: s = 0", p256, &|signature| [&signature[..32], &[0; 32]].concat()),
        fails("ECDSA: r = s = n", p256, &of(&[N, N].concat())),
        fails("ECDSA: r = n", p256, &|signature| [&N, &signature[32..]].concat()),
        fails("ECDSA: s = n", p256, &|signature| [&signature[..32], &N].concat()),
        fails(
            "ECDSA: r = s = 1",
            p256,
            &of(&[[&[0; 31][..], &[1]].concat(), [&[0; 31][..], &[1]].concat()].concat()),
        ),
        fails("ECDSA: DER", p256, &|signature| der(&signature)),
        fails("ECDSA: half of it", p256, &half),
        fails("ECDSA: a byte less", p256, &shorter),
        fails("ECDSA: a byte more", p256, &longer),
        fails("ECDSA: a zero before each half", p256, &|s| [&[0], &s[..32], &[0], &s[32..]].concat()),
        fails("EdDSA: zeros", ed25519, &of(&[0; 64])),
        fails("EdDSA: S + L", ed25519, &|signature| [&signature[..32], &plus(&signature[32..], &L)].concat()),
        fails("EdDSA: the neutral point and no S", ed25519, &of(&[&[1][..], &[0; 63]].concat())),
        fails("EdDSA: a byte less", ed25519, &shorter),
        fails("EdDSA: a byte more", ed25519, &longer),
        // A valid signature of the same token. Revocation uses `jti`, not the text of the token.
        passes("ECDSA: n - s", changed(p256, &malleable), &[("x-sub", Some("alice"))]),
    ]
}

/// Big-endian.
fn minus(from: &[u8], what: &[u8]) -> Vec<u8> {
    let mut out = from.to_vec();
    let mut borrow = 0i16;
    for (at, less) in what.iter().enumerate().rev() {
        let value = i16::from(out[at]) - i16::from(*less) - borrow;
        borrow = i16::from(value < 0);
        out[at] = value.rem_euclid(256) as u8;
    }
    out
}

/// Little-endian; what does not fit is lost.
fn plus(to: &[u8], what: &[u8]) -> Vec<u8> {
    let mut carry = 0u16;
    let add = |(a, b): (&u8, &u8)| {
        let value = u16::from(*a) + u16::from(*b) + carry;
        carry = value >> 8;
        value as u8
    };
    to.iter().zip(what).map(add).collect()
}

/// A signature of P-256 in DER, as in X.509.
fn der(signature: &[u8]) -> Vec<u8> {
    let integer = |bytes: &[u8]| {
        let start = bytes.iter().position(|byte| *byte != 0).unwrap_or(31);
        let sign = if bytes[start] >= 0x80 { vec![0] } else { Vec::new() };
        let value = [&sign, &bytes[start..]].concat();
        [&[2, value.len() as u8], &*value].concat()
    };
    let both = [integer(&signature[..32]), integer(&signature[32..])].concat();
    [&[0x30, both.len() as u8], &*both].concat()
}
