//! All verifiers agree about each signature: the host and the code in Wasm, in the emulator and in a real
//! Envoy; the same code natively; and OpenSSL, which shares no code with them.

#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::string_slice,
    clippy::unwrap_used,
    reason = "tests; clippy relaxes these only inside test functions"
)]

mod openssl;

use serde_json::{Value, json};
use tollgate_host_test::{ClientView, Filter, Host, Request, Scenario, Wasm, on_both_hosts};
use tollgate_jose::{Algorithm, Jws, KeySet, Limits, verify};
use tollgate_mint::{Vector, base64url, vectors};

/// Number of signatures in one request, for a body of at most about 500 KB.
const BATCH: usize = 32;

/// Results of the filter, in order.
fn answers(host: Host, vectors: &[Vector]) -> Vec<Value> {
    let mut scenario = Scenario::new().filter(Filter::new(Wasm::package("fixture-verify")));
    for batch in vectors.chunks(BATCH) {
        let questions = batch.iter().map(|vector| {
            json!({
                "jwk": vector.jwk,
                "algorithm": vector.algorithm,
                "input": base64url(&vector.input),
                "signature": base64url(&vector.signature),
            })
        });
        scenario = scenario.request(Request::post("/", Value::from_iter(questions).to_string()));
    }
    let outcome = host.run(&scenario);
    let batches = outcome.exchanges.iter().flat_map(|exchange| {
        let ClientView::Response(response) = &exchange.client else { panic!("{:?}", exchange.client) };
        serde_json::from_slice::<Vec<Value>>(&response.body()).expect("answers")
    });
    batches.collect()
}

/// Both ways have the expected results, and the host verifies where it should.
fn judges_alike(host: Host, vectors: &[Vector]) {
    let answers = answers(host, vectors);
    assert_eq!(answers.len(), vectors.len());
    for (vector, answer) in vectors.iter().zip(answers) {
        let (name, right) = (&vector.name, vector.right);
        assert_eq!(answer["in_wasm"], right, "{name}, in Wasm");
        assert_eq!(answer["by_host"], right, "{name}, by the host");
        let asked = match &vector.algorithm[..2] {
            "RS" => true,
            // A malformed signature has no DER.
            "ES" => [("ES256", 64), ("ES384", 96), ("ES512", 132)]
                .contains(&(vector.algorithm, vector.signature.len())),
            _ => false,
        };
        assert_eq!(answer["said_by"], if asked { "host" } else { "here" }, "{name}");
    }
}

/// Examples of RFC 7515 (A.1 to A.4), 7519, 7520 (4.1 to 4.4) and 8037.
fn printed() -> Vec<Vector> {
    let rfc: Value = serde_json::from_str(include_str!("../../jose/testdata/rfc.json")).unwrap();
    let rows = rfc["tokens"].as_array().unwrap();
    let vector = |row: &Value| {
        let token = Jws::parse(row["token"].as_str().unwrap().as_bytes()).unwrap();
        Vector {
            name: row["from"].to_string(),
            jwk: row["jwk"].clone(),
            algorithm: token.header.algorithm.name(),
            input: token.signing_input.to_vec(),
            signature: token.signature,
            right: true,
        }
    };
    rows.iter().map(vector).collect()
}

on_both_hosts! {
    fn host_and_wasm_say_of_each_signature_what_it_is(host) {
        judges_alike(host, &vectors());
    }

    fn what_rfcs_print_is_right_to_host_and_wasm(host) {
        judges_alike(host, &printed());
    }
}

#[test]
fn native_code_and_openssl_agree_with_each_vector() {
    let mut differences = Vec::new();
    let vectors = [vectors(), printed()].concat();
    let theirs = openssl::verify(&vectors);
    assert_eq!(theirs.len(), vectors.len());
    for (vector, theirs) in vectors.iter().zip(theirs) {
        let set = json!({ "keys": [vector.jwk] }).to_string();
        let (keys, _) = KeySet::from_jwks(set.as_bytes(), Limits { bytes: 10_000, keys: 1 }).unwrap();
        let algorithm: Algorithm = vector.algorithm.parse().unwrap();
        let key = keys.candidates(None, algorithm).next().unwrap();
        let ours = verify(key, algorithm, &vector.input, &vector.signature);
        if [ours, theirs] != [vector.right; 2] {
            differences
                .push(format!("{}: {} expected, here {ours}, OpenSSL {theirs}", vector.name, vector.right));
        }
    }
    assert_eq!(differences, [""; 0]);
}
