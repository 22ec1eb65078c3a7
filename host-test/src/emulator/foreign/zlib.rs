//! `compress` and `uncompress`: zlib streams (RFC 1950), not gzip.

use crate::emulator::state::Status;
use flate2::{Compress, Compression, Decompress, FlushCompress, FlushDecompress, Status as Progress};

/// Compresses at zlib's default level.
///
/// Fails with [`Status::SerializationFailure`] if the compressor fails.
pub fn compress(bytes: &[u8]) -> Result<Vec<u8>, Status> {
    let mut out = Vec::with_capacity(bytes.len() / 2 + 64);
    let mut stream = Compress::new(Compression::default(), true);
    loop {
        let rest = &bytes[stream.total_in() as usize..];
        match stream.compress_vec(rest, &mut out, FlushCompress::Finish) {
            Ok(Progress::StreamEnd) => return Ok(out),
            Ok(_) => out.reserve(out.capacity().max(64)),
            Err(_) => return Err(Status::SerializationFailure),
        }
    }
}

/// Decompresses the first stream and ignores the bytes after it.
///
/// Fails with [`Status::SerializationFailure`] if the stream is damaged or truncated.
pub fn uncompress(bytes: &[u8]) -> Result<Vec<u8>, Status> {
    let mut out = Vec::with_capacity(bytes.len() * 2 + 64);
    let mut stream = Decompress::new(true);
    loop {
        let (read, written) = (stream.total_in(), out.len());
        let rest = &bytes[read as usize..];
        match stream.decompress_vec(rest, &mut out, FlushDecompress::None) {
            Ok(Progress::StreamEnd) => return Ok(out),
            // No progress although there is room: the stream is truncated.
            Ok(_) if stream.total_in() == read && out.len() == written && out.len() < out.capacity() => {
                return Err(Status::SerializationFailure);
            }
            Ok(_) => out.reserve(out.capacity().max(64)),
            Err(_) => return Err(Status::SerializationFailure),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const HELLO: &[u8] = b"x\x9c\xcbH\xcd\xc9\xc9\x07\x00\x06,\x02\x15";

    #[test]
    fn writes_what_envoy_writes() {
        assert_eq!(compress(b"hello"), Ok(HELLO.to_vec()));
        assert_eq!(compress(b""), Ok(b"x\x9c\x03\0\0\0\0\x01".to_vec()));
    }

    #[test]
    fn reads_a_stream_and_ignores_what_follows() {
        assert_eq!(uncompress(HELLO), Ok(b"hello".to_vec()));
        assert_eq!(uncompress(&[HELLO, b"tail"].concat()), Ok(b"hello".to_vec()));
    }

    #[test]
    fn rejects_damaged_and_truncated_streams() {
        for end in 0..HELLO.len() {
            assert_eq!(uncompress(&HELLO[..end]), Err(Status::SerializationFailure), "cut at {end}");
        }
        assert_eq!(uncompress(b"not zlib"), Err(Status::SerializationFailure));
        let mut wrong_sum = HELLO.to_vec();
        *wrong_sum.last_mut().unwrap() ^= 1;
        assert_eq!(uncompress(&wrong_sum), Err(Status::SerializationFailure));
    }

    #[test]
    fn reads_output_that_is_much_longer_than_the_stream() {
        let zeros = vec![0; 1 << 20];
        assert!(uncompress(&compress(&zeros).unwrap()) == Ok(zeros));
    }

    proptest! {
        #[test]
        fn reads_what_it_wrote(bytes: Vec<u8>) {
            prop_assert_eq!(uncompress(&compress(&bytes).unwrap()), Ok(bytes));
        }

        #[test]
        fn survives_any_bytes(bytes: Vec<u8>) {
            let _ = uncompress(&bytes);
        }
    }
}
