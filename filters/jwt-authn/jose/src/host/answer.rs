//! The result, `VerifySignatureResult`: 1 `result`, 2 `error`. For an invalid signature, the call succeeds
//! and the result has an error. The same applies to a key that BoringSSL does not accept.

/// Whether a result means a valid signature: exactly `result: true`, never the status of the call.
pub fn accepted(answer: &[u8]) -> bool {
    answer == [0x08, 0x01]
}

/// Whether a result means an invalid signature, and not a failure to check it. If another host uses other
/// words, the signature is verified here again.
pub fn refused(answer: &[u8]) -> bool {
    /// Tag of a string in field 2; its length follows.
    const ERROR: u8 = 0x12;
    const WORDS: &[u8] = b"Failed to verify digest.";
    matches!(answer, [ERROR, length, words @ ..] if usize::from(*length) == words.len() && words.starts_with(WORDS))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_result_that_is_true_and_nothing_else_accepts() {
        assert!(accepted(b"\x08\x01"));
        for answer in
            [&b""[..], b"\x08", b"\x08\x00", b"\x08\x02", b"\x08\x01\x12\x00", b"\x08\x81\x00", b"\x01"]
        {
            assert!(!accepted(answer), "{answer:?}");
        }
    }

    #[test]
    fn a_signature_is_refused_in_the_hosts_words_alone() {
        assert!(refused(b"\x12\x26Failed to verify digest. Error code: 0"));
        for answer in [
            &b"\x08\x01"[..],
            b"",
            b"\x12",
            b"\x12\x27Failed to verify digest.",
            b"\x12\x23Failed to initialize digest verify.",
            b"\x12\x16sha256 is not supported.",
        ] {
            assert!(!refused(answer), "{answer:?}");
        }
    }
}
