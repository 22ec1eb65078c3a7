//! `compress` and `uncompress`.

use super::case;
use crate::Case;
use crate::script::Arg;
use crate::script::calls::{call, foreign};

/// `hello` as a zlib stream.
const HELLO: &[u8] = b"x\x9c\xcbH\xcd\xc9\xc9\x07\x00\x06,\x02\x15";

/// Bytes that are not exactly one zlib stream.
fn streams() -> Vec<(&'static str, &'static str, Vec<u8>)> {
    let damaged = |at: usize| {
        let mut bytes = HELLO.to_vec();
        bytes[at] ^= 1;
        bytes
    };
    let gzip = b"\x1f\x8b\x08\0\0\0\0\0\0\x03\xcbH\xcd\xc9\xc9\x07\0\x86\xa6\x106\x05\0\0\0";
    vec![
        ("good", "uncompress decompresses a zlib stream", HELLO.to_vec()),
        ("empty", "uncompress returns SerializationFailure for no bytes", Vec::new()),
        ("text", "uncompress returns SerializationFailure for text", b"hello".to_vec()),
        ("gzip", "uncompress returns SerializationFailure for gzip", gzip.to_vec()),
        (
            "raw-deflate",
            "uncompress returns SerializationFailure for a stream without its header",
            HELLO[2..11].to_vec(),
        ),
        ("header-alone", "uncompress returns SerializationFailure for a header alone", HELLO[..2].to_vec()),
        (
            "cut",
            "uncompress returns SerializationFailure for a truncated stream",
            HELLO[..HELLO.len() - 1].to_vec(),
        ),
        ("cut-in-half", "uncompress returns SerializationFailure for half a stream", HELLO[..6].to_vec()),
        (
            "wrong-checksum",
            "uncompress returns SerializationFailure for a wrong checksum",
            damaged(HELLO.len() - 1),
        ),
        ("wrong-header", "uncompress returns SerializationFailure for a wrong header", damaged(0)),
        ("wrong-data", "uncompress returns SerializationFailure for damaged data", damaged(4)),
        ("tail", "uncompress ignores bytes after the stream", [HELLO, b"tail"].concat()),
        ("two", "uncompress decompresses the first of two streams", [HELLO, HELLO].concat()),
    ]
}

pub fn cases() -> Vec<Case> {
    let mut cases: Vec<Case> = streams()
        .into_iter()
        .map(|(name, title, bytes)| {
            case(&format!("uncompress/{name}"), title).on("request_headers", [foreign("uncompress", bytes)])
        })
        .collect();
    let length = |name: &str, args: Vec<u8>| {
        call("proxy_call_foreign_function", [name.into(), args.into(), Arg::OutLength])
    };
    cases.extend([
        case("compress/empty", "compress accepts no bytes and returns an empty stream")
            .on("request_headers", [foreign("compress", "")]),
        case("compress/hello", "compress returns the same stream for a short text with every zlib")
            .on("request_headers", [foreign("compress", "hello")]),
        case("compress/binary", "compress accepts any bytes")
            .on("request_headers", [foreign("compress", b"\0\xff\0\xff")]),
        case("compress/repeats", "compress shortens repeated bytes")
            .on("request_headers", [length("compress", vec![0; 10_000])])
            .differs("Envoy and the emulator use different implementations of zlib", &[]),
        case("uncompress/nothing", "uncompress of an empty stream returns an allocated result of no bytes")
            .on("request_headers", [foreign("uncompress", b"x\x9c\x03\0\0\0\0\x01")]),
        case("uncompress/long", "the result of uncompress may be much longer than the stream")
            .on("request_headers", [length("uncompress", zeros())]),
    ]);
    cases
}

/// 1000 zeros as a stream with one stored block.
fn zeros() -> Vec<u8> {
    let head = [0x78, 0x9c, 1, 0xe8, 0x03, 0x17, 0xfc];
    // Adler-32 of 1000 zeros: the sum of the sums equals their number.
    let sum = (1000u32 << 16 | 1).to_be_bytes();
    [&head[..], &[0; 1000], &sum].concat()
}
