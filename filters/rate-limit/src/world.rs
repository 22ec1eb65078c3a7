//! What the policy asks of the world: pages, the client's address, attributes.

use crate::statistics::Statistics;
use std::net::{IpAddr, SocketAddr};
use tollgate::shared::{Pages, Records};
use tollgate::{Error, property, random};
use tollgate_policy::UnixNanos;
use tollgate_rate_limit_policy::in_flight::Members;
use tollgate_rate_limit_policy::table::PAGE_BYTES;
use tollgate_rate_limit_policy::{Environment, Event, Failure, Plan};

/// A page is written by one worker at a time, and another one's turn takes about a microsecond: who was late so often is
/// behind hundreds of others.
const ATTEMPTS: u32 = 256;

/// Pages whose last content is remembered: 6 MB, if there are as many.
const REMEMBERED: usize = 16_384;

/// What a worker has of what all share.
pub(crate) struct World {
    pages: Pages,
    in_flight: Records,
    members_record: Records,
    members: Members,
    vm: u32,
    /// The time of the callback.
    pub(crate) now: UnixNanos,
    pub(crate) statistics: Statistics,
}
