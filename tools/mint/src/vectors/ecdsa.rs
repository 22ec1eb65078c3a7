//! ECDSA: numbers outside the order, numbers with leading zeros, and other encodings of two numbers.

use super::numbers::{difference, sum, unhex};
use super::{INPUT, Vectors};
use crate::Signer;

/// Orders of the curves (SEC 2). Also four bytes after [`INPUT`] for which the signatures of the first keys
/// begin with a zero in `r` and in `s`. One of 256 inputs has this property, and searching for it takes
/// seconds.
const CURVES: [(&str, &str, [u32; 2]); 3] = [
    ("ES256", "ffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551", [145, 546]),
    (
        "ES384",
        "ffffffffffffffffffffffffffffffffffffffffffffffffc7634d81f4372ddf581a0db248b0a77aecec196accc52973",
        [223, 68],
    ),
    (
        "ES512",
        concat!(
            "01fffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffa",
            "51868783bf2f966b7fcc0148f709a5d03bb5c9b8899c47aebb6fb71e91386409"
        ),
        [2, 0],
    ),
];

pub fn add(all: &mut Vectors) {
    for (algorithm, order, [zero_in_r, zero_in_s]) in CURVES {
        let signer = Signer::new(algorithm, 0);
        let order = unhex(order);
        numbers(all, &signer, &order);
        forms(all, &signer, &order);
        zero(all, &signer, "r", zero_in_r, 0);
        zero(all, &signer, "s", zero_in_s, order.len());
    }
}

fn numbers(all: &mut Vectors, signer: &Signer, order: &[u8]) {
    let signature = signer.sign_input(INPUT);
    let (r, s) = signature.split_at(order.len());
    let zero = vec![0; order.len()];
    let mut one = zero.clone();
    one[order.len() - 1] = 1;
    let both = |r: &[u8], s: &[u8]| [r, s].concat();
    // The other signature of the same nonce. It is valid too, and no specification forbids it.
    all.add(signer, "the other s", both(r, &difference(order, s)), true);
    all.add(signer, "the other r", both(&difference(order, r), s), false);
    for (what, r, s) in [
        ("r zero", &zero[..], s),
        ("s zero", r, &zero),
        ("r one, s zero", &one, &zero),
        ("r zero, s one", &zero, &one),
        ("r the order", order, s),
        ("s the order", r, order),
        ("r and s the order", order, order),
        ("r and s one", &one, &one),
        ("r and s swapped", s, r),
        ("r twice", r, r),
        ("s beyond all", r, &vec![0xff; order.len()]),
    ] {
        all.add(signer, what, both(r, s), false);
    }
    let above = sum(order, &one).expect("an order below the power of two");
    all.add(signer, "r one above the order", both(&above, s), false);
    all.add(signer, "s one above the order", both(r, &above), false);
    // Only P-521 has room for this.
    if let (Some(r_wrapped), Some(s_wrapped)) = (sum(r, order), sum(s, order)) {
        all.add(signer, "right but for the order in r", both(&r_wrapped, s), false);
        all.add(signer, "right but for the order in s", both(r, &s_wrapped), false);
    }
}

fn forms(all: &mut Vectors, signer: &Signer, order: &[u8]) {
    let signature = signer.sign_input(INPUT);
    let (r, s) = signature.split_at(order.len());
    all.add(signer, "in DER", der(r, s), false);
    all.add(signer, "a zero before each number", [&[0], r, &[0], s].concat(), false);
    let wide = vec![0; 66 - order.len()];
    if !wide.is_empty() {
        all.add(signer, "as wide as on P-521", [&wide[..], r, &wide, s].concat(), false);
    }
    for hash in ["ES256", "ES384", "ES512"].into_iter().filter(|hash| *hash != signer.algorithm()) {
        let signature = signer.clone().with_algorithm(hash).sign_input(INPUT);
        all.add(signer, &format!("with the hash of {hash}"), signature, false);
        all.add(signer, &format!("of the curve of {hash}"), Signer::new(hash, 0).sign_input(INPUT), false);
    }
}

/// A signature in which a number begins with zero. The zero is part of this encoding. DER omits it, unless
/// the top bit of the next byte is set.
fn zero(all: &mut Vectors, signer: &Signer, number: &str, behind: u32, at: usize) {
    let input = [INPUT, &behind.to_be_bytes()].concat();
    let mut signature = signer.sign_input(&input);
    assert_eq!(signature[at], 0, "the key has changed: search for {number} again");
    all.add_of(signer, &format!("a zero first in {number}"), &input, signature.clone(), true);
    signature.remove(at);
    all.add_of(signer, &format!("the zero first in {number} left out"), &input, signature, false);
}

/// `Ecdsa-Sig-Value`, as OpenSSL signs.
fn der(r: &[u8], s: &[u8]) -> Vec<u8> {
    let integer = |number: &[u8]| {
        let zeros = number.iter().take_while(|byte| **byte == 0).count();
        let digits = &number[zeros..];
        let sign = &[0][..usize::from(digits[0] >= 0x80)];
        [&[0x02, (digits.len() + sign.len()) as u8], sign, digits].concat()
    };
    let both = [integer(r), integer(s)].concat();
    let long = &[0x81][..usize::from(both.len() >= 0x80)];
    [&[0x30], long, &[both.len() as u8], &both[..]].concat()
}
