//! `compress` and `uncompress`.

use super::case;
use crate::Case;
use crate::script::Arg;
use crate::script::calls::{call, foreign};

/// `hello` as a zlib stream.
const HELLO: &[u8] = b"x\x9c\xcbH\xcd\xc9\xc9\x07\x00\x06,\x02\x15";

/// Bytes that are no stream, or more than one.
fn streams() -> Vec<(&'static str, &'static str, Vec<u8>)> {
    let damaged = |at: usize| {
        let mut bytes = HELLO.to_vec();
        bytes[at] ^= 1;
        bytes
    };
    let gzip = b"\x1f\x8b\x08\0\0\0\0\0\0\x03\xcbH\xcd\xc9\xc9\x07\0\x86\xa6\x106\x05\0\0\0";
    vec![
        ("good", "a stream is uncompressed", HELLO.to_vec()),
        ("empty", "no bytes are no stream: SerializationFailure", Vec::new()),
        ("text", "a text is no stream: SerializationFailure", b"hello".to_vec()),
        ("gzip", "gzip is another format: SerializationFailure", gzip.to_vec()),
        ("raw-deflate", "a stream without its header is none: SerializationFailure", HELLO[2..11].to_vec()),
        ("header-alone", "a header alone is cut short: SerializationFailure", HELLO[..2].to_vec()),
        ("cut", "a stream that is cut short: SerializationFailure", HELLO[..HELLO.len() - 1].to_vec()),
        ("cut-in-half", "half a stream: SerializationFailure", HELLO[..6].to_vec()),
        ("wrong-checksum", "a wrong checksum: SerializationFailure", damaged(HELLO.len() - 1)),
        ("wrong-header", "a wrong header: SerializationFailure", damaged(0)),
        ("wrong-data", "a damaged body: SerializationFailure", damaged(4)),
        ("tail", "what is behind a stream is not looked at", [HELLO, b"tail"].concat()),
        ("two", "of two streams the first is uncompressed", [HELLO, HELLO].concat()),
    ]
}

pub fn cases() -> Vec<Case> {
    let mut cases: Vec<Case> = streams()
        .into_iter()
        .map(|(name, says, bytes)| {
            case(&format!("uncompress/{name}"), says).on("request_headers", [foreign("uncompress", bytes)])
        })
        .collect();
    let length = |name: &str, args: Vec<u8>| {
        call("proxy_call_foreign_function", [name.into(), args.into(), Arg::OutLength])
    };
    cases.extend([
        case("compress/empty", "no bytes compress to a stream of none")
            .on("request_headers", [foreign("compress", "")]),
        case("compress/hello", "a short text is the same stream on every zlib")
            .on("request_headers", [foreign("compress", "hello")]),
        case("compress/binary", "any bytes can be compressed")
            .on("request_headers", [foreign("compress", b"\0\xff\0\xff")]),
        case("compress/repeats", "what repeats becomes short")
            .on("request_headers", [length("compress", vec![0; 10_000])])
            .differs("the streams are those of two implementations of zlib", &[]),
        case("uncompress/nothing", "a stream of nothing gives a result of no bytes, which is allocated")
            .on("request_headers", [foreign("uncompress", b"x\x9c\x03\0\0\0\0\x01")]),
        case("uncompress/long", "a stream may be much shorter than what it stands for")
            .on("request_headers", [length("uncompress", zeros())]),
    ]);
    cases
}

/// 1000 zeros as a stream of one stored block.
fn zeros() -> Vec<u8> {
    let head = [0x78, 0x9c, 1, 0xe8, 0x03, 0x17, 0xfc];
    // Adler-32 of a thousand zeros: the sum of the sums is their number.
    let sum = (1000u32 << 16 | 1).to_be_bytes();
    [&head[..], &[0; 1000], &sum].concat()
}
