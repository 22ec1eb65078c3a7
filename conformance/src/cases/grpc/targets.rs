//! Where a gRPC call may go, and what is refused.

use super::{NEWS, target};
use crate::cases::parts::{SOON, late, ok};
use crate::run::{EMPTY, GRPC, OTHER};
use crate::script::Arg;
use crate::script::calls::{get_status, grpc_call, grpc_cancel, grpc_close, grpc_send, grpc_stream};
use crate::{Case, Sheet};

pub(super) fn sheets() -> Vec<Sheet> {
    vec![Sheet::new("grpc targets", targets()), Sheet::new("grpc tokens", tokens())]
}

/// A `GrpcService` with fields that are not looked at here, before and behind the one that is.
fn more(cluster: &str) -> Vec<u8> {
    let timeout = [0x1a, 2, 8, 1];
    let authority = [0x12, 1, b'a'];
    let name = cluster.as_bytes();
    let inner = [&[0x0a, name.len() as u8], name, &authority].concat();
    [&[0x0a, inner.len() as u8][..], &inner, &timeout].concat()
}

/// Why a case is listed.
const INSIDE: &str = "Envoy calls back into the VM from within the host call; the emulator does so behind it";

fn targets() -> Vec<Case> {
    let list: [(&str, &str, Vec<u8>); 7] = [
        ("proto", "a GrpcService names its cluster", target(GRPC)),
        ("proto-more", "a GrpcService may say more", more(GRPC)),
        (
            "proto-unknown",
            "a cluster that is not there, in a GrpcService: 10, and a close for a token that nobody has",
            target("nowhere"),
        ),
        ("proto-http1", "a cluster of HTTP/1.1", target(OTHER)),
        ("proto-no-host", "a cluster without hosts", target(EMPTY)),
        // As protobuf `o` is the tag of a field with a wire type that there is not.
        ("name-unknown", "a name that is no protobuf and no cluster: 4", b"odd".to_vec()),
        ("name", "the name of a cluster, which is no protobuf", OTHER.into()),
    ];
    let mut cases = Vec::new();
    for (label, says, bytes) in list {
        for kind in ["call", "stream"] {
            let name = format!("grpc/target/{label}/{kind}");
            let mut steps = match kind {
                "call" => vec![grpc_call(bytes.clone(), name.clone(), "m", "", "hello", 1000)],
                _ => vec![
                    grpc_stream(bytes.clone(), name.clone(), "m", ""),
                    grpc_send(Arg::Kept(0), "hello", 1),
                ],
            };
            steps.push(get_status());
            let case = Case::new(name, format!("{says} ({kind})")).shows(&NEWS).on("request_headers", steps);
            let case = case.on("log", [get_status()]).answer("upstream", [late(ok(), SOON)]);
            cases.push(match (label, kind) {
                ("proto-no-host", "stream") => case.differs(INSIDE, &[]),
                _ => case,
            });
        }
    }
    cases
}

/// Tokens that are none, or of another kind.
fn tokens() -> Vec<Case> {
    let all = |token: Arg| [grpc_send(token.clone(), "x", 0), grpc_cancel(token.clone()), grpc_close(token)];
    let case = |name: &str, says: &str| Case::new(format!("grpc/token/{name}"), says);
    let unknown =
        |name: &str, says: &str, token: u32| case(name, says).on("request_headers", all(token.into()));
    vec![
        unknown("zero", "0 is the kind of HTTP callouts", 0),
        unknown("http", "tokens of HTTP callouts are of the wrong kind", 4),
        unknown("call", "a call that is not there", 1001),
        unknown("stream", "a stream that is not there", 1002),
        unknown("neither", "a kind that there is not", 1003),
        unknown("max", "the largest number", u32::MAX),
    ]
}
