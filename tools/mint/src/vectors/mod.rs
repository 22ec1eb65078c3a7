//! Test vectors: valid and invalid signatures of every algorithm, with the expected result of each. For
//! testing a verifier, and for comparing it with others.

mod common;
mod ecdsa;
mod ed25519;
mod numbers;
mod rsa;

use crate::Signer;
use serde_json::Value;

/// A signature, and whether it is valid.
#[derive(Clone, Debug)]
pub struct Vector {
    /// Unique description, for the messages of failures.
    pub name: String,
    /// Key to verify with, of the algorithm's family, without `alg`.
    pub jwk: Value,
    /// Algorithm to verify with.
    pub algorithm: &'static str,
    /// Signed text.
    pub input: Vec<u8>,
    /// Signature.
    pub signature: Vec<u8>,
    /// Whether the signature is valid for the input.
    pub right: bool,
}

/// Returns all vectors, the same in each run.
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

/// Header and payload of most vectors.
const INPUT: &[u8] = b"eyJhbGciOiJub3QgbG9va2VkIGF0In0.eyJzdWIiOiJzb21lYm9keSJ9";

#[derive(Default)]
struct Vectors(Vec<Vector>);

impl Vectors {
    /// Adds a vector for [`INPUT`], with the signer's key and algorithm.
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
        assert!(self.0.iter().all(|other| other.name != name), "two vectors have the name `{name}`");
        let (input, signature) = (input.to_vec(), signature.into());
        self.0.push(Vector { name, jwk, algorithm: signer.algorithm(), input, signature, right });
    }
}
