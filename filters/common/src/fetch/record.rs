//! Encoding of the records: little-endian numbers in order, texts after their length.

use super::State;
use crate::{Record, UnixNanos};

impl Record for State {
    const VERSION: u8 = 1;

    fn encode(&self, out: &mut Vec<u8>) {
        for number in [self.generation, self.ended, self.attempts, self.failures] {
            out.extend_from_slice(&number.to_le_bytes());
        }
        let times = [
            self.fetched_at,
            self.fresh_until,
            self.stale_until,
            self.next_try,
            self.asked_at,
            self.leased_until,
        ];
        for number in [self.body, self.holder].into_iter().chain(times.map(|time| time.0)) {
            out.extend_from_slice(&number.to_le_bytes());
        }
    }

    fn decode(bytes: &[u8]) -> Option<Self> {
        let (generation, bytes) = u32_of(bytes)?;
        let (ended, bytes) = u32_of(bytes)?;
        let (attempts, bytes) = u32_of(bytes)?;
        let (failures, bytes) = u32_of(bytes)?;
        let (body, bytes) = u64_of(bytes)?;
        let (holder, bytes) = u64_of(bytes)?;
        let (fetched_at, bytes) = time_of(bytes)?;
        let (fresh_until, bytes) = time_of(bytes)?;
        let (stale_until, bytes) = time_of(bytes)?;
        let (next_try, bytes) = time_of(bytes)?;
        let (asked_at, bytes) = time_of(bytes)?;
        let (leased_until, bytes) = time_of(bytes)?;
        bytes.is_empty().then_some(Self {
            generation,
            body,
            ended,
            fetched_at,
            fresh_until,
            stale_until,
            next_try,
            asked_at,
            attempts,
            failures,
            holder,
            leased_until,
        })
    }
}

/// A fetched document.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Body {
    /// Lease of the fetch, as in [`State::body`].
    pub lease: u64,
    /// URL of the document. `ETag` applies to this URL.
    pub uri: String,
    /// `ETag`; empty for none.
    pub etag: Vec<u8>,
    /// Text of the document.
    pub text: Vec<u8>,
}

impl Record for Body {
    const VERSION: u8 = 1;

    fn encode(&self, out: &mut Vec<u8>) {
        out.reserve(16 + self.uri.len() + self.etag.len() + self.text.len());
        out.extend_from_slice(&self.lease.to_le_bytes());
        for part in [self.uri.as_bytes(), &self.etag] {
            // Texts longer than 4 GiB do not fit into a VM.
            out.extend_from_slice(&u32::try_from(part.len()).unwrap_or(u32::MAX).to_le_bytes());
            out.extend_from_slice(part);
        }
        out.extend_from_slice(&self.text);
    }

    fn decode(bytes: &[u8]) -> Option<Self> {
        let (lease, bytes) = u64_of(bytes)?;
        let (uri, bytes) = part_of(bytes)?;
        let (etag, text) = part_of(bytes)?;
        let uri = std::str::from_utf8(uri).ok()?.into();
        Some(Self { lease, uri, etag: etag.into(), text: text.into() })
    }
}

fn part_of(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let (length, bytes) = u32_of(bytes)?;
    bytes.split_at_checked(usize::try_from(length).ok()?)
}

fn u32_of(bytes: &[u8]) -> Option<(u32, &[u8])> {
    let (number, rest) = bytes.split_first_chunk()?;
    Some((u32::from_le_bytes(*number), rest))
}

fn u64_of(bytes: &[u8]) -> Option<(u64, &[u8])> {
    let (number, rest) = bytes.split_first_chunk()?;
    Some((u64::from_le_bytes(*number), rest))
}

fn time_of(bytes: &[u8]) -> Option<(UnixNanos, &[u8])> {
    let (nanos, rest) = u64_of(bytes)?;
    Some((UnixNanos(nanos), rest))
}
