//! Randomness that is the same in every run.

/// SplitMix64: a counter, well stirred. Nothing here is secret; what is wanted is that a failing run fails again.
#[derive(Clone, Debug)]
pub(crate) struct Random(u64);

impl Default for Random {
    fn default() -> Self {
        Self(0x746f_6c6c_6761_7465)
    }
}

impl Random {
    /// Another sequence for each seed.
    pub fn new(seed: u64) -> Self {
        let mut random = Self(seed);
        Self(random.next())
    }

    /// Sequences of their own for threads, which follow from this one's state.
    pub fn fork(&self, thread: usize) -> Self {
        let mut random = Self::new(self.0 ^ Self::new(thread as u64).0);
        Self(random.next())
    }

    /// A number below `count`.
    pub fn below(&mut self, count: usize) -> usize {
        (self.next() % count as u64) as usize
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let z = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    pub fn bytes(&mut self, count: usize) -> Vec<u8> {
        let words = std::iter::repeat_with(|| self.next().to_le_bytes());
        words.take(count.div_ceil(8)).flatten().take(count).collect()
    }

    /// A UUID of version 4 (RFC 9562 section 5.4). Envoy writes the trace reason into the version's place, where 4 is
    /// "not traced".
    pub fn uuid(&mut self) -> String {
        let mut b = self.bytes(16);
        b[6] = (b[6] & 0x0f) | 0x40;
        b[8] = (b[8] & 0x3f) | 0x80;
        let hex = |part: &[u8]| part.iter().map(|b| format!("{b:02x}")).collect::<String>();
        [&b[..4], &b[4..6], &b[6..8], &b[8..10], &b[10..]].map(hex).join("-")
    }
}
