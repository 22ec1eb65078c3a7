//! Verifies signatures with OpenSSL, which reads keys from the JWK itself, independently of `tollgate-jose`.
//! It is that of Node, which the set-up installs for Binaryen.

use serde_json::{Value, json};
use std::io::Write as _;
use std::process::{Command, Stdio};
use tollgate_mint::{Vector, base64url};

/// Whether each signature is valid.
pub fn verify(vectors: &[Vector]) -> Vec<bool> {
    let node = tollgate_pack::build::binaryen()
        .unwrap_or_else(|error| panic!("{error}"))
        .node
        .expect("Node, from the set-up");
    let questions = vectors.iter().map(|vector| {
        json!({
            "jwk": vector.jwk,
            "algorithm": vector.algorithm,
            "input": base64url(&vector.input),
            "signature": base64url(&vector.signature),
        })
    });
    let mut process = Command::new(node)
        .arg(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/signatures/openssl.mjs"))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("cannot start Node");
    // Node prints nothing before it has read everything.
    let mut input = process.stdin.take().expect("a pipe");
    input.write_all(Value::from_iter(questions).to_string().as_bytes()).expect("cannot write to Node");
    drop(input);
    let output = process.wait_with_output().expect("cannot read from Node");
    assert!(output.status.success(), "Node failed: {}", output.status);
    serde_json::from_slice(&output.stdout).expect("a list of booleans")
}
