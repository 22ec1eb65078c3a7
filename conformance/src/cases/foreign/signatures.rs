//! `verify_signature` and `sign`, with the keys of the emulator's own tests.

use super::case;
use crate::Case;
use crate::script::calls::{call, foreign};
use crate::script::{Arg, Step};
use serde_json::Value;

const VECTORS: &str = include_str!("../../../../host-test/src/emulator/foreign/testdata/signatures.json");

fn bytes(hex: &str) -> Vec<u8> {
    let digit = |at: usize| u8::from_str_radix(&hex[at..at + 2], 16).expect("the vectors are in hexadecimal");
    (0..hex.len()).step_by(2).map(digit).collect()
}

/// Joins the words of a name with hyphens.
fn slug(text: &str) -> String {
    let words = text.split(|c: char| !c.is_ascii_alphanumeric()).filter(|word| !word.is_empty());
    words.map(str::to_ascii_lowercase).collect::<Vec<_>>().join("-")
}

/// Describes the outcome of a vector: a result, or the text of the error.
fn outcome(status: u64, answer: &str) -> String {
    if status == 2 {
        return "returns BadArgument".to_owned();
    }
    let answer = if answer == "random" { b"\x08\x01".to_vec() } else { bytes(answer) };
    if answer.starts_with(b"\x08\x01") {
        return "succeeds".to_owned();
    }
    format!("returns the error `{}`", String::from_utf8_lossy(&answer[2..]).trim_end_matches('.'))
}

pub fn cases() -> Vec<Case> {
    let vectors: Vec<Value> = serde_json::from_str(VECTORS).expect("the vectors are JSON");
    let text = |vector: &Value, key: &str| vector[key].as_str().unwrap_or_default().to_owned();
    let mut cases = Vec::new();
    for vector in &vectors {
        let (function, what, answer) =
            (text(vector, "function"), text(vector, "case"), text(vector, "answer"));
        let args = bytes(&text(vector, "args"));
        let status = vector["status"].as_u64().unwrap_or_default();
        let title = format!("{function} with `{what}` {}", outcome(status, &answer));
        // An elliptic curve signature differs each time, and so may its length.
        let step: Step = if answer == "random" {
            call(
                "proxy_call_foreign_function",
                [function.as_str().into(), args.into(), Arg::Number(0), Arg::Number(0)],
            )
        } else {
            foreign(function.as_str(), args)
        };
        let name = format!("{}/{}", slug(&function), slug(&what));
        cases.push(case(&name, &title).on("request_headers", [step]));
    }
    cases
}
