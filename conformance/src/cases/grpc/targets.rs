//! Targets of gRPC calls, and rejected targets.

use super::{GRPC_CALLBACKS, target};
use crate::cases::parts::{SOON, late, ok};
use crate::run::{EMPTY, GRPC, OTHER};
use crate::script::Arg;
use crate::script::calls::{get_status, grpc_call, grpc_cancel, grpc_close, grpc_send, grpc_stream};
use crate::{Case, Sheet};

pub(super) fn sheets() -> Vec<Sheet> {
    vec![Sheet::new("grpc targets", targets()), Sheet::new("grpc tokens", tokens())]
}

/// A `GrpcService` with fields before and after the cluster name, which Envoy does not need here.
fn more(cluster: &str) -> Vec<u8> {
    let timeout = [0x1a, 2, 8, 1];
    let authority = [0x12, 1, b'a'];
    let name = cluster.as_bytes();
    let inner = [&[0x0a, name.len() as u8], name, &authority].concat();
    [&[0x0a, inner.len() as u8][..], &inner, &timeout].concat()
}

/// Reason for the listed difference.
const INSIDE: &str = "Envoy calls back into the VM during the host call, the emulator after it";

fn targets() -> Vec<Case> {
    let list: [(&str, &str, Vec<u8>); 7] = [
        ("proto", "a GrpcService names its cluster", target(GRPC)),
        ("proto-more", "a GrpcService may have more fields", more(GRPC)),
        (
            "proto-unknown",
            "an unknown cluster in a GrpcService returns InternalFailure, and on_grpc_close follows with an unknown token",
            target("nowhere"),
        ),
        ("proto-http1", "a cluster may speak HTTP/1.1", target(OTHER)),
        ("proto-no-host", "a cluster without hosts returns InternalFailure", target(EMPTY)),
        // As protobuf, `o` is the tag of a field with an undefined wire type.
        (
            "name-unknown",
            "a name that is neither protobuf nor a known cluster returns ParseFailure",
            b"odd".to_vec(),
        ),
        ("name", "a bare cluster name is accepted if it is not valid protobuf", OTHER.into()),
    ];
    let mut cases = Vec::new();
    for (label, title, bytes) in list {
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
            let case = Case::new(name, format!("{title} ({kind})"))
                .shows(&GRPC_CALLBACKS)
                .on("request_headers", steps);
            let case = case.on("log", [get_status()]).answer("upstream", [late(ok(), SOON)]);
            cases.push(match (label, kind) {
                ("proto-no-host", "stream") => case.differs(INSIDE, &[]),
                _ => case,
            });
        }
    }
    cases
}

/// Unknown tokens, and tokens of another kind.
fn tokens() -> Vec<Case> {
    let all = |token: Arg| [grpc_send(token.clone(), "x", 0), grpc_cancel(token.clone()), grpc_close(token)];
    let case = |name: &str, title: &str| Case::new(format!("grpc/token/{name}"), title);
    let unknown =
        |name: &str, title: &str, token: u32| case(name, title).on("request_headers", all(token.into()));
    vec![
        unknown("zero", "0 has the kind of HTTP callouts and returns BadArgument", 0),
        unknown("http", "a token of an HTTP callout returns BadArgument", 4),
        unknown(
            "call",
            "an unknown call returns NotFound from grpc_cancel and grpc_close, and BadArgument from grpc_send",
            1001,
        ),
        unknown("stream", "the token of an unknown stream returns NotFound", 1002),
        unknown("neither", "a token of an unknown kind returns BadArgument", 1003),
        unknown("max", "the largest number returns BadArgument", u32::MAX),
    ]
}
