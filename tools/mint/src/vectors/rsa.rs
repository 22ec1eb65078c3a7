//! RSA: numbers outside the modulus, salts of other lengths, and paddings that a lenient verifier accepts.

use super::numbers::{difference, sum};
use super::{INPUT, Vectors};
use crate::Signer;
use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use sha2::{Digest, Sha256};

pub fn add(all: &mut Vectors) {
    for algorithm in ["RS256", "RS512", "PS256", "PS512"] {
        for name in ["rsa3072-0", "rsa4096-0"] {
            let signer = Signer::with_key(algorithm, name);
            all.add(&signer, "right", signer.sign_input(INPUT), true);
            let mut signature = signer.sign_input(INPUT);
            signature[100] ^= 1;
            all.add(&signer, "wrong", signature, false);
        }
    }
    for algorithm in ["RS256", "PS256"] {
        numbers(all, &Signer::new(algorithm, 0));
    }
    for (algorithm, hash) in [("PS256", 32), ("PS384", 48), ("PS512", 64)] {
        let signer = Signer::new(algorithm, 0);
        // The last length is the longest that fits in 2048 bits with the digest and two bytes.
        for salt in [0, 1, 20, hash - 1, hash + 1, 256 - hash - 2] {
            all.add(&signer, &format!("salt of {salt}"), signer.sign_input_pss(salt, INPUT), false);
        }
        all.add(&signer, "salt as it should be", signer.sign_input_pss(hash, INPUT), true);
    }
    paddings(all, &Signer::rs256());
}

/// A valid number plus the modulus, and numbers near the modulus.
fn numbers(all: &mut Vectors, signer: &Signer) {
    let jwk = signer.public_jwk();
    let modulus = BASE64_URL_SAFE_NO_PAD.decode(jwk["n"].as_str().unwrap_or_default()).expect("a modulus");
    let one = [1];
    all.add(signer, "the modulus", modulus.clone(), false);
    all.add(signer, "one less than the modulus", difference(&modulus, &one), false);
    all.add(signer, "one more than the modulus", sum(&modulus, &one).expect("an odd number"), false);
    // At least one of these is small enough.
    let (input, wrapped) = (0..100u8)
        .find_map(|n| {
            let input = [INPUT, &[n]].concat();
            Some((input.clone(), sum(&signer.sign_input(&input), &modulus)?))
        })
        .expect("a signature that leaves room for the modulus");
    all.add_of(signer, "right, before the modulus is added", &input, signer.sign_input(&input), true);
    all.add_of(signer, "right but for the modulus", &input, wrapped.clone(), false);
    let negated = difference(&modulus, &signer.sign_input(INPUT));
    all.add(signer, "the modulus less what is right", negated, false);
}

/// Encoded messages that are nearly EMSA-PKCS1-v1_5 (RFC 8017 section 9.2).
fn paddings(all: &mut Vectors, signer: &Signer) {
    const LENGTH: usize = 256;
    const INFO: &[u8] = b"\x30\x31\x30\x0d\x06\x09\x60\x86\x48\x01\x65\x03\x04\x02\x01\x05\x00\x04\x20";
    // RFC 8017 appendix B.1 allows verifiers to accept omitted parameters, but no JWS is signed in this way.
    const INFO_WITHOUT_NULL: &[u8] = b"\x30\x2f\x30\x0b\x06\x09\x60\x86\x48\x01\x65\x03\x04\x02\x01\x04\x20";
    let digest = Sha256::digest(INPUT);
    let digest = digest.as_slice();
    let filled = |kind: u8, with: u8, tail: &[u8]| {
        let fill = vec![with; LENGTH - 3 - tail.len()];
        [&[0, kind][..], &fill, &[0], tail].concat()
    };
    let info = [INFO, digest].concat();
    let right = filled(1, 0xff, &info);
    assert_eq!(signer.sign_encoded(&right), signer.sign_input(INPUT), "the encoded message as it should be");

    let short_fill = |behind: &[u8]| {
        let head = [&[0, 1][..], &[0xff; 8], &[0], &info].concat();
        let garbage = vec![0x55; LENGTH - head.len() - behind.len()];
        [&head[..], &garbage, behind].concat()
    };
    let mut dented = right.clone();
    dented[100] = 0xfe;
    let mut without_border = right.clone();
    without_border[LENGTH - info.len() - 1] = 0xff;
    for (what, encoded) in [
        ("block type 0", filled(0, 0xff, &info)),
        ("block type 2", filled(2, 0xff, &info)),
        ("padded with zeros", filled(1, 0, &info)),
        ("a dent in the padding", dented),
        ("no zero after the padding", without_border),
        ("bytes after the digest", short_fill(b"")),
        ("the digest again at the end", short_fill(&info)),
        ("no parameters", filled(1, 0xff, &[INFO_WITHOUT_NULL, digest].concat())),
        ("the digest alone", filled(1, 0xff, digest)),
        ("another hash's name", filled(1, 0xff, &[&INFO[..14], &[3], &INFO[15..], digest].concat())),
        ("a digest cut by a byte", filled(1, 0xff, &info[..info.len() - 1])),
        ("the digest of another input", filled(1, 0xff, &[INFO, &Sha256::digest(b"other")].concat())),
    ] {
        all.add(signer, what, signer.sign_encoded(&encoded), false);
    }
}
