//! gRPC callouts.

mod calls;
mod streams;
mod targets;

use crate::Sheet;
use crate::cases::parts::ALL;
use crate::script::Step;
use crate::script::calls::buffer::GRPC_MESSAGE;
use crate::script::calls::map::{GRPC_INITIAL_METADATA, GRPC_TRAILING_METADATA};
use crate::script::calls::{get_buffer, get_pairs, get_status};
use std::time::Duration;
use tollgate_host_test::{Answer, Headers};

/// Encodes an `envoy.config.core.v3.GrpcService` for a cluster: field 1 of field 1. The name must fit a
/// one-byte length.
pub fn target(cluster: &str) -> Vec<u8> {
    let length = u8::try_from(cluster.len()).expect("a short name");
    [&[0x0a, length + 2, 0x0a, length], cluster.as_bytes()].concat()
}

/// Returns the sheets.
pub fn sheets() -> Vec<Sheet> {
    [targets::sheets(), calls::sheets(), streams::sheets()].into_iter().flatten().collect()
}

/// The gRPC callbacks.
const GRPC_CALLBACKS: [&str; 4] =
    ["grpc_receive_initial_metadata", "grpc_receive", "grpc_receive_trailing_metadata", "grpc_close"];

/// Reads everything that may be accessible in a gRPC callback.
fn all() -> Vec<Step> {
    vec![
        get_buffer(GRPC_MESSAGE, 0, ALL),
        get_pairs(GRPC_INITIAL_METADATA),
        get_pairs(GRPC_TRAILING_METADATA),
        get_status(),
    ]
}

/// Builds an answer from messages, a status and its text.
fn answer(messages: &[&[u8]], status: u32, message: &[u8]) -> Answer {
    Answer::Grpc {
        initial_metadata: Headers(vec![(b"initial".to_vec(), b"1".to_vec())]),
        messages: messages.iter().map(|m| m.to_vec()).collect(),
        status,
        message: message.to_vec(),
        after: Duration::ZERO,
    }
}

/// Delays an answer.
fn after(answer: Answer, late: Duration) -> Answer {
    match answer {
        Answer::Grpc { initial_metadata, messages, status, message, .. } => {
            Answer::Grpc { initial_metadata, messages, status, message, after: late }
        }
        other => other,
    }
}
