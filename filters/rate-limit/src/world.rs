//! Access of the policy to the host: pages, the address of the client, attributes.

use crate::statistics::Statistics;
use std::net::IpAddr;
use tollgate::shared::{Cell, Pages, Record, Records};
use tollgate::{Error, clock, property, random};
use tollgate_policy::UnixNanos;
use tollgate_rate_limit_policy::in_flight::Members;
use tollgate_rate_limit_policy::table::{ENTRY_BYTES, WAYS};
use tollgate_rate_limit_policy::{Environment, Event, Failure, Plan};

/// Prefix for the names of all shared data.
const PLUGIN: &str = "rate_limit";

/// Maximum number of attempts to update shared data. Another worker's update takes about a microsecond, so a
/// worker that fails this often competes with hundreds of others.
const ATTEMPTS: u32 = 256;

/// Maximum number of pages of which a worker keeps a copy. This covers a table for a million keys, so that no
/// request needs a host call that returns a page, even if these keys are used one after another. The copies
/// take 31 MB in that case, and 56 MB when all pages are full.
const REMEMBERED: usize = 131_072;

/// State of a worker for access to shared data.
pub(crate) struct World {
    pages: Pages,
    in_flight: Records,
    members: Records,
    alive: Members,
    vm: u32,
    /// Time of the current callback.
    pub(crate) now: UnixNanos,
    pub(crate) statistics: Statistics,
}

/// Secret seed of the hash for pages. The first worker draws it; all others use the stored one.
struct Seed([u8; 16]);

impl Record for Seed {
    const VERSION: u8 = 1;

    fn encode(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(&self.0);
    }

    fn decode(bytes: &[u8]) -> Option<Self> {
        bytes.try_into().ok().map(Self)
    }
}

impl World {
    /// The name of the table contains the domain: filters of one domain count together.
    pub(crate) fn new(plan: &Plan, statistics: Statistics) -> Result<Self, Error> {
        let table = format!("{}/{}", plan.domain, plan.pages);
        // Rounded up, because `Pages` rounds the number of copies down to a power of two.
        let remembered = REMEMBERED.min((plan.pages as usize).next_power_of_two());
        Ok(Self {
            pages: Pages::new(PLUGIN, &table, ENTRY_BYTES, WAYS, remembered),
            in_flight: Records::new(PLUGIN, &format!("{table}/in_flight")),
            members: Records::new(PLUGIN, &format!("{}/members", plan.domain)),
            alive: Members::default(),
            // Two VMs with the same number would be removed together.
            vm: u32::from_le_bytes(random::bytes()?),
            now: UnixNanos(0),
            statistics,
        })
    }

    /// Returns the seed of the hash for pages: the same for all workers, and unknown to clients.
    pub(crate) fn seed(plan: &Plan) -> Result<[u8; 16], Error> {
        let fresh = Seed(random::bytes()?);
        let cell = Cell::<Seed>::new(PLUGIN, &format!("{}/seed", plan.domain));
        let seed = cell.update(ATTEMPTS, |found| found.unwrap_or(Seed(fresh.0)))?;
        Ok(seed.0)
    }

    /// Reads the clock once, for the whole callback.
    #[inline]
    pub(crate) fn tell_time(&mut self) -> Result<UnixNanos, Error> {
        self.now = clock::now()?;
        Ok(self.now)
    }

    /// Stores a heartbeat of this VM, and reads those of the others.
    pub(crate) fn beat(&mut self) {
        let (vm, now) = (self.vm, self.now);
        let alive = &mut self.alive;
        let beaten = self.members.update(0, ATTEMPTS, |record| {
            Members::beat(record, vm, now);
            *alive = Members::read(record);
            true
        });
        if let Err(error) = beaten {
            tollgate::log::warn!("requests in flight: cannot store the heartbeat of this worker: {error}");
        }
    }
}

impl Environment for World {
    #[inline]
    fn page(&mut self, page: u32, change: &mut dyn FnMut(&mut [u8]) -> bool) -> Result<(), Failure> {
        self.pages.update(page, self.now, ATTEMPTS, change).map_err(failure)
    }

    fn seen(&self, page: u32) -> Option<&[u8]> {
        self.pages.seen(page)
    }

    fn in_flight(
        &mut self,
        page: u32,
        change: &mut dyn FnMut(&mut Vec<u8>, &Members) -> bool,
    ) -> Result<(), Failure> {
        let alive = &self.alive;
        self.in_flight.update(page, ATTEMPTS, |record| change(record, alive)).map_err(failure)
    }

    fn vm(&self) -> u32 {
        self.vm
    }

    fn client_address(&mut self) -> Result<Option<IpAddr>, Failure> {
        property::client_address().map_err(failure)
    }

    fn property(&mut self, path: &str) -> Result<Option<Vec<u8>>, Failure> {
        property::by_path(path).map_err(failure)
    }

    /// Without random numbers, returns 0: every request is inside the share, so that limits apply.
    fn draw(&mut self) -> u64 {
        random::bytes().map_or(0, u64::from_le_bytes)
    }

    fn count(&mut self, limit: usize, event: Event) {
        self.statistics.happened(limit, event);
    }
}

fn failure(error: Error) -> Failure {
    match error {
        Error::Contended => Failure::Contended,
        error => {
            tollgate::log::debug!("cannot check a limit: {error}");
            Failure::Host
        }
    }
}
