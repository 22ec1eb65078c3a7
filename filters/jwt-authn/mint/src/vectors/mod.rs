//! Signatures of every algorithm, right and wrong, with what is to be said of each: for whatever verifies them to be tried
//! with, and to be compared with others that do.

mod common;
mod ecdsa;
mod ed25519;
mod numbers;
mod rsa;

use crate::Signer;
use serde_json::Value;

/// A signature, and whether it is right.
#[derive(Clone, Debug)]
pub struct Vector {
    /// What it is, for whoever reads a failure. No two have the same.
    pub name: String,
    /// The key to verify with, without `alg`: it is of the algorithm's family.
    pub jwk: Value,
    /// The algorithm to verify by.
    pub algorithm: &'static str,
    /// What is said to be signed.
    pub input: Vec<u8>,
    /// The signature.
    pub signature: Vec<u8>,
    /// Whether it is that of the input.
    pub right: bool,
}

/// All of them; the same each time.
pub fn vectors() -> Vec<Vector> {
    let mut all = Vectors::default();
    for algorithm in crate::algorithm::names() {
        common::add(&mut all, algorithm);
    }
    rsa::add(&mut all);
    ecdsa::add(&mut all);
    ed25519::add(&mut all);
    all.0
}

/// The header and payload of most of them.
const INPUT: &[u8] = b"eyJhbGciOiJub3QgbG9va2VkIGF0In0.eyJzdWIiOiJzb21lYm9keSJ9";

#[derive(Default)]
struct Vectors(Vec<Vector>);

impl Vectors {
    /// Adds one about [`INPUT`], by the signer's key and algorithm.
    fn add(&mut self, signer: &Signer, what: &str, signature: impl Into<Vec<u8>>, right: bool) {
        self.add_of(signer, what, INPUT, signature, right);
    }

    fn add_of(
        &mut self,
        signer: &Signer,
        what: &str,
        input: &[u8],
        signature: impl Into<Vec<u8>>,
        right: bool,
    ) {
        let mut jwk = signer.public_jwk();
        if let Some(members) = jwk.as_object_mut() {
            members.remove("alg");
        }
        let kid = signer.kid().unwrap_or_default();
        let name = format!("{} {kid}: {what}", signer.algorithm());
        assert!(self.0.iter().all(|other| other.name != name), "two vectors are called `{name}`");
        let (input, signature) = (input.to_vec(), signature.into());
        self.0.push(Vector { name, jwk, algorithm: signer.algorithm(), input, signature, right });
    }
}
