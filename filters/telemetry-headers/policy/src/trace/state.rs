//! `tracestate` (level 1, with the keys of level 2).

/// Result of reading the `tracestate` headers of a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TraceState {
    /// The request has no `tracestate`.
    Absent,
    /// One valid header, which can be forwarded unchanged.
    Unchanged,
    /// Replace all headers by one, or remove them if the value is empty.
    Combined {
        /// Value of the header; empty if all members were removed.
        value: Vec<u8>,
        /// Whether members were removed.
        truncated: bool,
    },
    /// A member is malformed, or there are too many: the whole header is invalid.
    Invalid,
}

/// Level 1, "tracestate header field values".
const MAX_MEMBERS: usize = 32;
/// Level 1, "tracestate limits": at least this number of bytes must be propagated. A list that must be
/// changed anyway is truncated to it.
const MAX_LEN: usize = 512;
/// The same section: longer members are removed first.
const LONG_MEMBER: usize = 128;

impl TraceState {
    /// Reads the headers in order, as one list (RFC 9110 section 5.3).
    pub fn combine<'a>(headers: impl Iterator<Item = &'a [u8]>) -> Self {
        let mut members: [&[u8]; MAX_MEMBERS] = [&[]; MAX_MEMBERS];
        let mut free = members.iter_mut();
        let (mut count, mut total) = (0, 0usize);
        for header in headers {
            count += 1;
            total = total.saturating_add(header.len());
            for member in header.split(|byte| *byte == b',').map(trim).filter(|member| !member.is_empty()) {
                match free.next() {
                    Some(place) if is_member(member) => *place = member,
                    _ => return Self::Invalid,
                }
            }
        }
        let used = MAX_MEMBERS - free.len();
        match (count, used) {
            (0, _) => Self::Absent,
            (1, 1..) if total <= MAX_LEN => Self::Unchanged,
            _ => join(members.get(..used).unwrap_or_default()),
        }
    }
}

/// Joins members with commas. If the result is too long, removes long members first, then members at the end.
fn join(members: &[&[u8]]) -> TraceState {
    let length =
        |members: &[&[u8]]| members.iter().map(|member| member.len() + 1).sum::<usize>().saturating_sub(1);
    let mut kept = members.to_vec();
    while length(&kept) > MAX_LEN {
        let long = kept.iter().rposition(|member| member.len() > LONG_MEMBER);
        match long.or(kept.len().checked_sub(1)) {
            Some(place) => kept.remove(place),
            None => break,
        };
    }
    TraceState::Combined { truncated: kept.len() < members.len(), value: kept.join(&b","[..]) }
}

fn trim(member: &[u8]) -> &[u8] {
    let start = member.iter().position(|byte| !matches!(byte, b' ' | b'\t')).unwrap_or(member.len());
    let end = member.iter().rposition(|byte| !matches!(byte, b' ' | b'\t')).map_or(start, |last| last + 1);
    member.get(start..end).unwrap_or_default()
}

/// Returns whether a text is `key "=" value`, without surrounding white space.
fn is_member(member: &[u8]) -> bool {
    let mut halves = member.splitn(2, |byte| *byte == b'=');
    let (Some(key), Some(value)) = (halves.next(), halves.next()) else { return false };
    is_key(key) && is_value(value)
}

fn is_key(key: &[u8]) -> bool {
    matches!(key, [b'a'..=b'z' | b'0'..=b'9', ..])
        && key.len() <= 256
        && key.iter().all(|byte| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'_' | b'-' | b'*' | b'/' | b'@'))
}

fn is_value(value: &[u8]) -> bool {
    (1..=256).contains(&value.len())
        && value.iter().all(|byte| matches!(byte, b' '..=b'~' if !b",=".contains(byte)))
}
