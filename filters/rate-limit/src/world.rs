//! Access of the policy to the host: counts, the address of the client, attributes.

use crate::statistics::Statistics;
use std::net::IpAddr;
use tollgate::{Error, Status, property, random};
use tollgate_counting::{Failure, SharedMemory};
use tollgate_kit::counts::{Counts, failure};
use tollgate_rate_limit_policy::{Environment, Event};

pub(crate) struct World {
    pub(crate) counts: Counts,
    pub(crate) statistics: Statistics,
}

impl Environment for World {
    #[inline]
    fn shared(&mut self) -> &mut dyn SharedMemory {
        &mut self.counts
    }

    fn client_address(&mut self) -> Result<Option<IpAddr>, Failure> {
        property::client_address().map_err(failure)
    }

    fn property(&mut self, path: &str) -> Result<Option<Vec<u8>>, Failure> {
        match property::by_path(path) {
            // The value has no encoding: JSON `null` in metadata, for example.
            Err(Error::Host { status: Status::SerializationFailure, .. }) => Ok(None),
            found => found.map_err(failure),
        }
    }

    /// Without random numbers, returns 0: every request is inside the share, so that limits apply.
    fn draw(&mut self) -> u64 {
        random::bytes().map_or(0, u64::from_le_bytes)
    }

    fn count(&mut self, limit: usize, event: Event) {
        self.statistics.happened(limit, event);
    }
}
