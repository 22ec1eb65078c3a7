//! `verify_signature` and `sign`, with the keys that the emulator's own tests have.

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

/// Words of a name, joined.
fn slug(text: &str) -> String {
    let words = text.split(|c: char| !c.is_ascii_alphanumeric()).filter(|word| !word.is_empty());
    words.map(str::to_ascii_lowercase).collect::<Vec<_>>().join("-")
}

/// What the vector answers, in words: a result, or the error behind it.
fn outcome(status: u64, answer: &str) -> String {
    if status == 2 {
        return "is BadArgument".to_owned();
    }
    let answer = if answer == "random" { b"\x08\x01".to_vec() } else { bytes(answer) };
    if answer.starts_with(b"\x08\x01") {
        return "succeeds".to_owned();
    }
    format!("answers with an error: {}", String::from_utf8_lossy(&answer[2..]).trim_end_matches('.'))
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
        let says = format!("{function} with `{what}` {}", outcome(status, &answer));
        // A signature of an elliptic curve is another one each time, and not always as long.
        let step: Step = if answer == "random" {
            call(
                "proxy_call_foreign_function",
                [function.as_str().into(), args.into(), Arg::Number(0), Arg::Number(0)],
            )
        } else {
            foreign(function.as_str(), args)
        };
        let name = format!("{}/{}", slug(&function), slug(&what));
        cases.push(case(&name, &says).on("request_headers", [step]));
    }
    cases
}
