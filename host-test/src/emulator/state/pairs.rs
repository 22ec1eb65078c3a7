//! The byte format of header maps in the ABI: `proxy-wasm-cpp-host`, `src/pairs_util.cc` and `limits.h`.
//!
//! The format is a count, then a key length and a value length per pair, then all keys and values, each
//! followed by a NUL. All numbers are 32 bits, little-endian. Any error in the bytes yields *no pairs*:
//! setting a header map from such bytes clears it, and succeeds.

/// Size limit in bytes. Longer input yields no pairs.
const MAX_BYTES: usize = 1 << 20;
/// Limit on the number of pairs. More yield no pairs.
const MAX_PAIRS: usize = 1024;
/// Size of a number in bytes.
const WORD: usize = 4;

/// Encodes pairs. An empty list becomes no bytes instead of a zero count, as Envoy encodes an empty map.
pub fn encode(pairs: &[(Vec<u8>, Vec<u8>)]) -> Vec<u8> {
    if pairs.is_empty() {
        return Vec::new();
    }
    encode_counted(pairs)
}

/// Encodes pairs and always writes their count, as in properties that are maps or lists.
pub fn encode_counted(pairs: &[(Vec<u8>, Vec<u8>)]) -> Vec<u8> {
    let texts = pairs.iter().map(|(key, value)| 2 * (WORD + 1) + key.len() + value.len());
    let mut bytes = Vec::with_capacity(WORD + texts.sum::<usize>());
    bytes.extend(word(pairs.len()));
    for (key, value) in pairs {
        bytes.extend(word(key.len()));
        bytes.extend(word(value.len()));
    }
    for text in pairs.iter().flat_map(|(key, value)| [key, value]) {
        bytes.extend_from_slice(text);
        bytes.push(0);
    }
    bytes
}

/// Decodes pairs. Returns no pairs if the bytes are malformed, longer than 1 MiB, or contain more than 1024
/// pairs.
pub fn decode(bytes: &[u8]) -> Vec<(Vec<u8>, Vec<u8>)> {
    if bytes.len() > MAX_BYTES {
        return Vec::new();
    }
    parse(bytes).unwrap_or_default()
}

fn parse(bytes: &[u8]) -> Option<Vec<(Vec<u8>, Vec<u8>)>> {
    let (count, rest) = take_word(bytes)?;
    if count > MAX_PAIRS {
        return None;
    }
    let (mut lengths, mut texts) = rest.split_at_checked(count * 2 * WORD)?;
    let mut pairs = Vec::with_capacity(count);
    for _ in 0..count {
        let (key_length, rest) = take_word(lengths)?;
        let (value_length, rest) = take_word(rest)?;
        lengths = rest;
        let (key, rest) = take_text(texts, key_length)?;
        let (value, rest) = take_text(rest, value_length)?;
        texts = rest;
        pairs.push((key.to_vec(), value.to_vec()));
    }
    texts.is_empty().then_some(pairs)
}

fn take_word(bytes: &[u8]) -> Option<(usize, &[u8])> {
    let (word, rest) = bytes.split_first_chunk::<WORD>()?;
    Some((u32::from_le_bytes(*word) as usize, rest))
}

fn take_text(bytes: &[u8], length: usize) -> Option<(&[u8], &[u8])> {
    let (text, rest) = bytes.split_at_checked(length)?;
    match rest.split_first()? {
        (0, rest) => Some((text, rest)),
        _ => None,
    }
}

/// Encodes a length. Wasm has 32-bit lengths; a larger one neither comes from a module nor fits into one.
fn word(length: usize) -> [u8; WORD] {
    u32::try_from(length).expect("lengths in a header map fit into 32 bits").to_le_bytes()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn pair(key: &str, value: &str) -> (Vec<u8>, Vec<u8>) {
        (key.into(), value.into())
    }

    #[test]
    fn writes_counts_then_lengths_then_texts() {
        assert_eq!(
            encode(&[pair("a", "bc"), pair("d", "")]),
            b"\x02\0\0\0\x01\0\0\0\x02\0\0\0\x01\0\0\0\0\0\0\0a\0bc\0d\0\0"
        );
    }

    #[test]
    fn writes_an_empty_map_as_no_bytes() {
        assert_eq!(encode(&[]), b"");
        assert_eq!(encode_counted(&[]), b"\0\0\0\0");
    }

    #[test]
    fn reads_both_forms_of_an_empty_map() {
        assert_eq!(decode(b""), []);
        assert_eq!(decode(b"\0\0\0\0"), []);
    }

    #[test]
    fn reads_any_damage_as_no_pairs() {
        let good = encode(&[pair("key", "value"), pair("other", "one")]);
        for end in 0..good.len() {
            assert_eq!(decode(&good[..end]), [], "cut at {end}");
        }
        let longer = [good.as_slice(), b"x"].concat();
        assert_eq!(decode(&longer), [], "a byte after the last pair");
        let mut unterminated = good.clone();
        *unterminated.last_mut().unwrap() = b'x';
        assert_eq!(decode(&unterminated), [], "no NUL after the last value");
        assert_eq!(decode(b"\x01\0\0\0\xff\xff\xff\xff\xff\xff\xff\xff"), [], "lengths beyond the end");
    }

    #[test]
    fn reads_1024_pairs_and_no_more() {
        let most = vec![pair("k", "v"); 1024];
        assert_eq!(decode(&encode(&most)), most);
        assert_eq!(decode(&encode(&vec![pair("k", "v"); 1025])), []);
    }

    #[test]
    fn reads_one_mebibyte_and_no_more() {
        // 4 for the count, 8 for two lengths, 2 for two NULs.
        let fits = vec![(Vec::new(), vec![b'v'; (1 << 20) - 14])];
        assert_eq!(encode(&fits).len(), 1 << 20);
        assert_eq!(decode(&encode(&fits)), fits);
        assert_eq!(decode(&encode(&[(b"k".to_vec(), vec![b'v'; (1 << 20) - 14])])), []);
    }

    proptest! {
        #[test]
        fn reads_what_it_wrote(pairs: Vec<(Vec<u8>, Vec<u8>)>) {
            prop_assert_eq!(decode(&encode(&pairs)), pairs);
        }

        #[test]
        fn survives_any_bytes(bytes: Vec<u8>) {
            let pairs = decode(&bytes);
            prop_assert!(pairs.is_empty() || encode(&pairs) == bytes);
        }

        #[test]
        fn survives_any_lengths(count in 0u32..6, lengths: Vec<u32>, texts: Vec<u8>) {
            let mut bytes = count.to_le_bytes().to_vec();
            lengths.iter().for_each(|length| bytes.extend(length.to_le_bytes()));
            bytes.extend(texts);
            let pairs = decode(&bytes);
            prop_assert!(pairs.is_empty() || encode(&pairs) == bytes);
        }
    }
}
