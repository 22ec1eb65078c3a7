//! A histogram of latencies in 208 bytes. Buckets are spaced evenly within each power of two, four of them,
//! so that a latency is stored with an error of at most 12.5 %. Its range is from 64 us to 71 minutes.

/// Number of buckets.
const BUCKETS: usize = ((u32::BITS - LOWEST) << FINE) as usize;
/// Size in bytes.
pub const HISTOGRAM_BYTES: usize = BUCKETS * 2;
/// Buckets of a power of two, as a power of two.
const FINE: u32 = 2;
/// Lowest latency in the range, as a power of two.
const LOWEST: u32 = 6;
/// Lowest latency in the range, in nanoseconds.
pub(crate) const LOWEST_NANOS: u64 = 1000 << LOWEST;

/// Adds a latency in microseconds. If its bucket is full, all buckets are halved first.
pub fn add(histogram: &mut [u8], latency: u32) {
    let (counts, bucket) = (histogram.as_chunks_mut().0, bucket(latency));
    if counts.get(bucket) == Some(&u16::MAX.to_le_bytes()) {
        counts.iter_mut().for_each(|count| *count = (u16::from_le_bytes(*count) / 2).to_le_bytes());
    }
    if let Some(count) = counts.get_mut(bucket) {
        *count = u16::from_le_bytes(*count).saturating_add(1).to_le_bytes();
    }
}

/// Returns a percentile in microseconds: the middle of the bucket that contains it. 0 without latencies.
/// `per_million` is the percentile in parts per million.
pub fn percentile(histogram: &[u8], per_million: u32) -> u32 {
    let counts = histogram.as_chunks().0;
    let total: u64 = counts.iter().map(|count| u64::from(u16::from_le_bytes(*count))).sum();
    let rank = (total * u64::from(per_million)).div_ceil(1_000_000).max(1);
    let mut below = 0;
    for (index, count) in counts.iter().enumerate() {
        below += u64::from(u16::from_le_bytes(*count));
        if below >= rank {
            return middle(index as u32);
        }
    }
    0
}

/// Returns the latency as which the histogram stores another one.
pub fn stored(latency: u32) -> u32 {
    middle(bucket(latency) as u32)
}

fn bucket(latency: u32) -> usize {
    let latency = latency.max(1 << LOWEST);
    let power = latency.ilog2();
    let fine = (latency >> (power - FINE)) - (1 << FINE);
    (((power - LOWEST) << FINE) + fine).min(BUCKETS as u32 - 1) as usize
}

fn middle(bucket: u32) -> u32 {
    let (power, fine) = (LOWEST + (bucket >> FINE), bucket & ((1 << FINE) - 1));
    let step = 1 << (power - FINE);
    (1 << power) + fine * step + step / 2
}
