mod exchange;
mod poll;
mod state;
mod workers;

use super::Rules;
use crate::{Duration, HttpUri, UnixNanos};

const MS: u64 = 1_000_000;
const SECOND: u64 = 1000 * MS;
/// Some day of 2025.
const START: UnixNanos = UnixNanos(1_750_000_000 * SECOND);

fn ms(milliseconds: u64) -> Duration {
    Duration::from_nanos(milliseconds * MS)
}

fn after(time: UnixNanos, milliseconds: u64) -> UnixNanos {
    UnixNanos(time.0 + milliseconds * MS)
}

fn uri() -> HttpUri {
    let uri = "https://keys.example/jwks?v=1".into();
    HttpUri { uri, cluster: "keys".into(), timeout: Some(ms(1000)) }
}

fn rules() -> Rules {
    Rules {
        heeds_cache_control: true,
        max_interval: ms(10_000),
        refetch_at_most_every: Some(ms(30_000)),
        max_bytes: 1000,
        ..Rules::for_polling("keys", &uri(), ms(600_000))
    }
}
