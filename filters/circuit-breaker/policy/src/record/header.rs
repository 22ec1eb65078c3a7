//! The fixed part of a record: the state of a breaker for one key.

/// Size of the header in bytes.
pub const HEADER_BYTES: usize = 48;

/// State of a breaker for one key, without its windows.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Header {
    /// Hash of the key; 0 for an empty record.
    pub tag: u64,
    /// Hash of the numbers of the breaker that wrote the record.
    pub fingerprint: u32,
    /// Number of state changes. The response to a request from before the last change is ignored.
    pub epoch: u32,
    /// Open: the time at which the next request may be a probe. Half-open: the time at which it began.
    pub until: u64,
    /// Time of the last change of the record, in seconds. The oldest record is evicted first.
    pub used_at: u32,
    /// Failures in a row while closed.
    pub consecutive: u32,
    /// How many times in a row the breaker opened.
    pub openings: u16,
    /// Probes that were admitted, without those that ended without a result.
    pub admitted: u16,
    /// Probes with a result.
    pub done: u16,
    /// Probes that failed.
    pub failed: u16,
    /// Probes that were slow.
    pub slow: u16,
    /// Index of the breaker in the plan that wrote the record.
    pub breaker: u16,
    /// State.
    pub state: State,
    /// State that an operator forces.
    pub force: Force,
}

/// State of a breaker, as in resilience4j.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum State {
    /// Requests pass, and their outcomes are counted.
    #[default]
    Closed,
    /// Requests are rejected until a time.
    Open,
    /// A fixed number of requests, the probes, pass; others are rejected.
    HalfOpen,
}

/// State that an operator forces on the admin path.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Force {
    /// None: the breaker changes its state itself.
    #[default]
    Auto,
    /// Rejects all requests.
    Open,
    /// Admits all requests.
    Closed,
}

impl Header {
    /// Reads a header. All bytes are a valid header.
    pub fn read(bytes: &[u8; HEADER_BYTES]) -> Self {
        let words: [u32; HEADER_BYTES / 4] = words(bytes);
        let [tag, tag_high, fingerprint, epoch, until, until_high, used_at, consecutive, a, b, c, d] = words;
        let [low, high] = [|word: u32| word as u16, |word: u32| (word >> 16) as u16];
        Self {
            tag: wide(tag, tag_high),
            fingerprint,
            epoch,
            until: wide(until, until_high),
            used_at,
            consecutive,
            openings: low(a),
            admitted: high(a),
            done: low(b),
            failed: high(b),
            slow: low(c),
            breaker: high(c),
            state: match low(d) {
                1 => State::Open,
                2 => State::HalfOpen,
                _ => State::Closed,
            },
            force: match high(d) {
                1 => Force::Open,
                2 => Force::Closed,
                _ => Force::Auto,
            },
        }
    }

    /// Writes the header.
    pub fn write(&self, bytes: &mut [u8; HEADER_BYTES]) {
        let pair = |low: u16, high: u16| u32::from(low) | u32::from(high) << 16;
        let words = [
            self.tag as u32,
            (self.tag >> 32) as u32,
            self.fingerprint,
            self.epoch,
            self.until as u32,
            (self.until >> 32) as u32,
            self.used_at,
            self.consecutive,
            pair(self.openings, self.admitted),
            pair(self.done, self.failed),
            pair(self.slow, self.breaker),
            pair(self.state as u16, self.force as u16),
        ];
        write_words(&words, bytes);
    }
}

/// Returns a 64-bit number of two words.
pub(crate) fn wide(low: u32, high: u32) -> u64 {
    u64::from(low) | u64::from(high) << 32
}

/// Reads words in little-endian order. Words beyond the bytes are 0.
pub(crate) fn words<const N: usize>(bytes: &[u8]) -> [u32; N] {
    let mut words = [0; N];
    for (word, bytes) in words.iter_mut().zip(bytes.as_chunks().0) {
        *word = u32::from_le_bytes(*bytes);
    }
    words
}

/// Writes words in little-endian order.
pub(crate) fn write_words(words: &[u32], bytes: &mut [u8]) {
    for (bytes, word) in bytes.as_chunks_mut().0.iter_mut().zip(words) {
        *bytes = word.to_le_bytes();
    }
}
