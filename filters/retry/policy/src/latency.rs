//! Times to the first byte, for a percentile.

/// Buckets per doubling of the time.
const PER_DOUBLING: u32 = 8;
const BUCKETS: usize = 64 * PER_DOUBLING as usize / 2;

/// Number of samples after which all counts are halved, so that recent samples weigh more.
const HALF_LIFE: u32 = 4_096;

/// A histogram of times with a relative error of at most one eighth. Its size is fixed.
#[derive(Clone, Debug)]
pub struct Latency {
    counts: Box<[u16; BUCKETS]>,
    samples: u32,
    total: u64,
}

impl Default for Latency {
    fn default() -> Self {
        Self { counts: Box::new([0; BUCKETS]), samples: 0, total: 0 }
    }
}

impl Latency {
    /// Records a time in nanoseconds.
    pub fn record(&mut self, nanos: u64) {
        if let Some(count) = self.counts.get_mut(bucket(nanos)) {
            *count = count.saturating_add(1);
        }
        self.total = self.total.saturating_add(1);
        self.samples += 1;
        if self.samples >= HALF_LIFE {
            self.counts.iter_mut().for_each(|count| *count /= 2);
            self.samples = self.counts.iter().map(|count| u32::from(*count)).sum();
        }
    }

    /// Number of times that were recorded.
    pub fn total(&self) -> u64 {
        self.total
    }

    /// Returns a time in nanoseconds that at least `per_million` of the recorded times do not exceed.
    pub fn percentile(&self, per_million: u32) -> u64 {
        let wanted = (u64::from(self.samples) * u64::from(per_million)).div_ceil(1_000_000);
        let mut seen = 0;
        for (index, count) in self.counts.iter().enumerate() {
            seen += u64::from(*count);
            if seen >= wanted && seen > 0 {
                return upper(index);
            }
        }
        0
    }
}

/// Microseconds select the bucket: the position of the highest bit, and the bits after it.
fn bucket(nanos: u64) -> usize {
    let micros = nanos / 1_000;
    let doubling = micros.checked_ilog2().unwrap_or(0);
    let rest = ((u128::from(micros) * u128::from(PER_DOUBLING)) >> doubling) as u32 % PER_DOUBLING;
    ((doubling * PER_DOUBLING + rest) as usize).min(BUCKETS - 1)
}

/// Returns the end of a bucket in nanoseconds.
fn upper(index: usize) -> u64 {
    let (doubling, rest) = (index as u32 / PER_DOUBLING, index as u32 % PER_DOUBLING);
    let micros = (u128::from(PER_DOUBLING + rest + 1) << doubling).div_ceil(PER_DOUBLING.into());
    u64::try_from(micros.saturating_mul(1_000)).unwrap_or(u64::MAX)
}
