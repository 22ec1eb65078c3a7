//! Errors that a signature of any kind can have.

use super::{INPUT, Vectors};
use crate::Signer;
use crate::algorithm::names;

pub fn add(all: &mut Vectors, algorithm: &str) {
    let signer = Signer::new(algorithm, 0);
    right(all, &signer);
    flipped(all, &signer);
    resized(all, &signer);
    anothers(all, &signer);
    for byte in [0x00, 0x01, 0xff] {
        let length = signer.sign_input(INPUT).len();
        all.add(&signer, &format!("bytes {byte:#04x}"), vec![byte; length], false);
    }
}

fn right(all: &mut Vectors, signer: &Signer) {
    all.add(signer, "right", signer.sign_input(INPUT), true);
    all.add_of(signer, "of nothing", b"", signer.sign_input(b""), true);
    let long: Vec<u8> = (0..=255).cycle().take(10_000).collect();
    all.add_of(signer, "of any bytes", &long, signer.sign_input(&long), true);
}

fn flipped(all: &mut Vectors, signer: &Signer) {
    let signature = signer.sign_input(INPUT);
    let bits = signature.len() * 8;
    // Both ends, the middle (where ECDSA and Ed25519 have a boundary), and other bits in steps of a prime.
    let chosen = [0, 7, bits / 2 - 1, bits / 2, bits - 8, bits - 1];
    let spread = (1..8).map(|n| n * 331 % bits).filter(|bit| !chosen.contains(bit));
    for bit in chosen.into_iter().chain(spread) {
        let mut signature = signature.clone();
        signature[bit / 8] ^= 0x80 >> (bit % 8);
        all.add(signer, &format!("bit {bit} flipped"), signature, false);
    }
    for (at, what) in [(0, "first"), (INPUT.len() / 2, "middle"), (INPUT.len() - 1, "last")] {
        let mut input = INPUT.to_vec();
        input[at] ^= 1;
        all.add_of(signer, &format!("{what} byte of the input changed"), &input, signature.clone(), false);
    }
    let (shorter, longer) = (&INPUT[..INPUT.len() - 1], [INPUT, b"\0"].concat());
    all.add_of(signer, "input cut", shorter, signature.clone(), false);
    all.add_of(signer, "input extended", &longer, signature, false);
}

fn resized(all: &mut Vectors, signer: &Signer) {
    let signature = signer.sign_input(INPUT);
    let length = signature.len();
    all.add(signer, "empty", [], false);
    all.add(signer, "one byte", &signature[..1], false);
    all.add(signer, "first half", &signature[..length / 2], false);
    all.add(signer, "last byte cut", &signature[..length - 1], false);
    all.add(signer, "first byte cut", &signature[1..], false);
    all.add(signer, "zero after", [&signature[..], &[0]].concat(), false);
    all.add(signer, "zero before", [&[0], &signature[..]].concat(), false);
    all.add(signer, "twice", [&signature[..], &signature].concat(), false);
    all.add(signer, "very long", signature.repeat(100), false);
}

/// Signatures by another key, and by other algorithms of the same key.
fn anothers(all: &mut Vectors, signer: &Signer) {
    all.add(signer, "by another key", Signer::new(signer.algorithm(), 1).sign_input(INPUT), false);
    let of_family = |name: &str| match signer.algorithm().split_at(2).0 {
        "RS" | "PS" => name.starts_with("RS") || name.starts_with("PS"),
        "HS" => name.starts_with("HS"),
        _ => false,
    };
    for other in names().filter(|name| *name != signer.algorithm() && of_family(name)) {
        let mut signature = signer.clone().with_algorithm(other).sign_input(INPUT);
        all.add(signer, &format!("by {other}"), signature.clone(), false);
        let length = signer.sign_input(INPUT).len();
        if signature.len() > length {
            signature.truncate(length);
            all.add(signer, &format!("by {other}, cut to length"), signature, false);
        }
    }
}
