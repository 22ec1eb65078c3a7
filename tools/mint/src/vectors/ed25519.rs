//! Ed25519: `S` plus the order, and encodings of `R` that are invalid or not canonical (RFC 8032 section
//! 5.1.7).

use super::numbers::{sum, unhex};
use super::{INPUT, Vectors};
use crate::Signer;

/// RFC 8032 section 5.1: the order of the base point.
const ORDER: &str = "1000000000000000000000000000000014def9dea2f79cd65812631a5cf5d3ed";

pub fn add(all: &mut Vectors) {
    let signer = Signer::ed_dsa();
    let signature = signer.sign_input(INPUT);
    let (r, s) = signature.split_at(32);
    let reversed = |number: &[u8]| number.iter().rev().copied().collect::<Vec<_>>();

    // Numbers are little-endian here.
    let mut wrapped = reversed(s);
    for times in 1..=7 {
        wrapped = sum(&wrapped, &unhex(ORDER)).expect("room for the order, fifteen times");
        all.add(
            &signer,
            &format!("right but for the order in S, {times} times"),
            [r, &reversed(&wrapped)].concat(),
            false,
        );
    }
    all.add(&signer, "S the order", [r, &reversed(&unhex(ORDER))].concat(), false);
    all.add(&signer, "S zero", [r, &[0; 32]].concat(), false);

    // The identity and the point of order two, also with the sign or the prime added: encodings that lenient
    // verifiers accept. With S zero, these would be signatures by a key of small order.
    let mut identity = [0; 32];
    identity[0] = 1;
    let mut signed_identity = identity;
    signed_identity[31] = 0x80;
    let mut prime_and_one = [0xff; 32];
    (prime_and_one[0], prime_and_one[31]) = (0xee, 0x7f);
    let mut order_two = [0xff; 32];
    (order_two[0], order_two[31]) = (0xec, 0x7f);
    for (what, point) in [
        ("the identity", identity),
        ("the identity with a sign", signed_identity),
        ("the identity, not reduced", prime_and_one),
        ("of order two", order_two),
        ("of order four", [0; 32]),
    ] {
        all.add(&signer, &format!("R {what}"), [&point, s].concat(), false);
        all.add(&signer, &format!("R {what}, S zero"), [&point, &[0; 32][..]].concat(), false);
    }
    all.add(&signer, "R and S swapped", [s, r].concat(), false);
}
