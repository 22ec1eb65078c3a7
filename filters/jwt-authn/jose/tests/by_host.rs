//! Results of the host are used only if they are clear.

#![allow(clippy::unwrap_used, reason = "tests; clippy relaxes this only inside test functions")]

use std::cell::{Cell, RefCell};
use tollgate_jose::host::{Abilities, ByHost, Counts};
use tollgate_jose::{Algorithm, KeySet, Limits, Verifier};
use tollgate_mint::{Signer, jwks};

const YES: &[u8] = b"\x08\x01";
const NO: &[u8] = b"\x12\x26Failed to verify digest. Error code: 0";

/// A host that passes the four calls of the probe, then returns configured results, and counts these calls.
struct Host {
    says: RefCell<Option<Vec<u8>>>,
    asked: Cell<usize>,
}

impl Host {
    fn new() -> Self {
        Self { says: RefCell::new(None), asked: Cell::new(0) }
    }

    fn verifier(&self) -> ByHost<impl FnMut(&[u8]) -> Option<Vec<u8>>> {
        let mut probed = [YES, NO, YES, NO].into_iter();
        ByHost::new(move |_| match probed.next() {
            Some(answer) => Some(answer.to_vec()),
            None => {
                self.asked.set(self.asked.get() + 1);
                self.says.borrow().clone()
            }
        })
    }
}

/// Verifies the signer's signature of `input`, and one of another input.
fn verdicts(verifier: &mut impl Verifier, signer: &Signer) -> [bool; 2] {
    let limits = Limits { bytes: 10_000, keys: 1 };
    let (keys, _) = KeySet::from_jwks(jwks(&[signer]).as_bytes(), limits).unwrap();
    let algorithm: Algorithm = signer.algorithm().parse().unwrap();
    let key = keys.candidates(None, algorithm).next().unwrap();
    let signature = signer.sign_input(b"input");
    [b"input", b"other"].map(|input| verifier.verify(key, algorithm, input, &signature))
}

#[test]
fn yes_and_no_of_the_host_are_believed() {
    let host = Host::new();
    let mut verifier = host.verifier();
    for (says, verdict) in [(YES, true), (NO, false)] {
        *host.says.borrow_mut() = Some(says.to_vec());
        for signer in [Signer::rs256(), Signer::es256(), Signer::es384(), Signer::es512()] {
            assert_eq!(verdicts(&mut verifier, &signer), [verdict; 2], "{}", signer.algorithm());
        }
    }
    assert_eq!(host.asked.get(), 16);
    assert_eq!(verifier.counts(), Counts { by_host: 16, here: 0, fell_back: 0 });
}

#[test]
fn counts_and_ignores_unclear_results_of_the_host() {
    let host = Host::new();
    let mut verifier = host.verifier();
    let answers: [Option<&[u8]>; 6] = [
        None,
        Some(b""),
        Some(b"\x08\x00"),
        Some(b"\x08\x01\x08\x01"),
        Some(b"\x12\x23Failed to initialize digest verify."),
        Some(b"\x12\x1awhatever. is not supported"),
    ];
    for answer in answers {
        *host.says.borrow_mut() = answer.map(<[u8]>::to_vec);
        for signer in [Signer::rs256(), Signer::es256()] {
            assert_eq!(verdicts(&mut verifier, &signer), [true, false], "{answer:?}");
        }
    }
    assert_eq!(verifier.counts(), Counts { by_host: 0, here: 0, fell_back: 24 });
}

#[test]
fn the_host_is_not_asked_what_it_cannot_do() {
    let host = Host::new();
    *host.says.borrow_mut() = Some(YES.to_vec());
    let mut verifier = host.verifier();
    for signer in [Signer::ps256(), Signer::ed_dsa(), Signer::hs256()] {
        assert_eq!(verdicts(&mut verifier, &signer), [true, false], "{}", signer.algorithm());
    }
    assert_eq!(host.asked.get(), 0);
    assert_eq!(verifier.counts(), Counts { by_host: 0, here: 6, fell_back: 0 });
}

#[test]
fn never_calls_a_host_that_failed_the_probe() {
    // It accepts everything.
    let asked = Cell::new(0);
    let mut verifier = ByHost::new(|_| {
        asked.set(asked.get() + 1);
        Some(YES.to_vec())
    });
    assert_eq!(verifier.abilities(), Abilities::default());
    assert_eq!(verdicts(&mut verifier, &Signer::rs256()), [true, false]);
    assert_eq!(verdicts(&mut verifier, &Signer::es256()), [true, false]);
    assert_eq!(asked.get(), 4);
}
