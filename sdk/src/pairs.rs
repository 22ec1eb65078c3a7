//! Header maps in the serialisation of the host, read in place.
//!
//! The format is little-endian: a `u32` count, then for each pair the lengths of name and value as `u32`,
//! then the names and values, each followed by a NUL (`src/pairs_util.cc` of proxy-wasm-cpp-host). An empty
//! map has no bytes at all. If nothing is copied, one call for all headers costs less than two calls for one
//! header each.

use crate::Error;
use crate::error::Result;

/// All pairs of a header map in order, in the buffer that the host returned.
#[derive(Clone, Debug, Default)]
pub struct Pairs {
    bytes: Vec<u8>,
    count: usize,
}

impl Pairs {
    pub(crate) fn parse(bytes: Vec<u8>) -> Result<Self> {
        const MALFORMED: Error = Error::Malformed("get_header_map_pairs");
        if bytes.is_empty() {
            return Ok(Self::default());
        }
        let count = count(&bytes).ok_or(MALFORMED)?;
        let (table, rest) = parts(&bytes, count).ok_or(MALFORMED)?;
        let mut len = 0usize;
        for lengths in table {
            let (name, value) = read(lengths);
            len =
                len.checked_add(name).and_then(|n| n.checked_add(value)?.checked_add(2)).ok_or(MALFORMED)?;
        }
        if len > rest.len() {
            return Err(MALFORMED);
        }
        Ok(Self { bytes, count })
    }

    /// Returns the number of pairs.
    pub fn len(&self) -> usize {
        self.count
    }

    /// Whether there are no pairs.
    pub fn is_empty(&self) -> bool {
        self.count == 0
    }

    /// Returns the names and values in the order in which the peer sent them. Envoy's names are lower-case.
    pub fn iter(&self) -> impl Iterator<Item = (&[u8], &[u8])> {
        let (table, mut rest) = parts(&self.bytes, self.count).unwrap_or_default();
        table.iter().map_while(move |lengths| {
            let (name, value) = read(lengths);
            // `parse` has added up all lengths, so this cannot overflow.
            let (pair, remaining) = rest.split_at_checked(name + value + 2)?;
            rest = remaining;
            let (name, value_with_nuls) = pair.split_at_checked(name)?;
            Some((name, value_with_nuls.get(1..=value)?))
        })
    }

    /// Returns every value of `name`. Names are compared case-insensitively.
    pub fn get_all<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a [u8]> {
        self.iter().filter(move |(n, _)| n.eq_ignore_ascii_case(name.as_bytes())).map(|(_, value)| value)
    }
}

/// Serialises pairs for the host.
pub(crate) fn serialize<N: AsRef<[u8]>, V: AsRef<[u8]>>(pairs: &[(N, V)]) -> Vec<u8> {
    let payload: usize = pairs.iter().map(|(n, v)| n.as_ref().len() + v.as_ref().len() + 2).sum();
    let mut out = Vec::with_capacity(4 + 8 * pairs.len() + payload);
    put(&mut out, pairs.len());
    for (name, value) in pairs {
        put(&mut out, name.as_ref().len());
        put(&mut out, value.as_ref().len());
    }
    for (name, value) in pairs {
        out.extend_from_slice(name.as_ref());
        out.push(0);
        out.extend_from_slice(value.as_ref());
        out.push(0);
    }
    out
}

fn put(out: &mut Vec<u8>, number: usize) {
    // Lengths are of memory in a 32-bit address space.
    out.extend_from_slice(&u32::try_from(number).unwrap_or(u32::MAX).to_le_bytes());
}

fn count(bytes: &[u8]) -> Option<usize> {
    usize::try_from(u32::from_le_bytes(*bytes.first_chunk()?)).ok()
}

/// Splits the serialisation into the table of lengths, and the names and values. Uses chunks because this
/// code runs for every request.
fn parts(bytes: &[u8], count: usize) -> Option<(&[[u8; 8]], &[u8])> {
    let (table, rest) = bytes.get(4..)?.split_at_checked(count.checked_mul(8)?)?;
    Some((table.as_chunks().0, rest))
}

fn read([a, b, c, d, e, f, g, h]: &[u8; 8]) -> (usize, usize) {
    // `usize` has 32 bits in Wasm, and more in native tests.
    (u32::from_le_bytes([*a, *b, *c, *d]) as usize, u32::from_le_bytes([*e, *f, *g, *h]) as usize)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_back_what_it_writes_in_order_and_with_repeats() {
        let sent: [(&[u8], &[u8]); 4] = [(b":path", b"/"), (b"a", b"\xff\x00"), (b"A", b""), (b"", b"x")];
        let pairs = Pairs::parse(serialize(&sent)).expect("well-formed");
        assert_eq!(pairs.iter().collect::<Vec<_>>(), sent);
        assert_eq!(pairs.get_all("a").collect::<Vec<_>>(), [b"\xff\x00".as_slice(), b""]);
        assert_eq!(pairs.len(), 4);
    }

    #[test]
    fn an_empty_map_has_no_bytes() {
        assert!(Pairs::parse(Vec::new()).expect("well-formed").is_empty());
    }

    #[test]
    fn rejects_every_truncation_and_every_changed_length() {
        let whole = serialize(&[("name", "value"), ("n", "v")]);
        for end in 1..whole.len() {
            assert!(Pairs::parse(whole[..end].to_vec()).is_err(), "cut at {end}");
        }
        for at in 0..20 {
            let mut bytes = whole.clone();
            bytes[at] = 0xff;
            assert!(Pairs::parse(bytes).is_err(), "0xff at {at}");
        }
    }
}
