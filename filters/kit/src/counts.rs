//! Counts that all workers share: [`tollgate_counting`] over the shared data of the host.

use std::time::Duration;
use tollgate::filter::Timers;
use tollgate::shared::{Cell, Pages, Record, Records};
use tollgate::{Context, Error, HttpFilter, State, Status, clock, property, random};
use tollgate_counting::in_flight::{HEARTBEAT, Members};
use tollgate_counting::table::{ENTRY_BYTES, WAYS};
use tollgate_counting::{Failure, Host, SharedMemory};
use tollgate_policy::UnixNanos;

/// Maximum number of attempts to update shared data. Another worker's update takes about a microsecond, so a
/// worker that fails this often competes with hundreds of others.
const ATTEMPTS: u32 = 256;

/// Maximum number of pages of which a worker keeps a copy. This covers a table for a million keys, so that no
/// request needs a host call that returns a page, even if these keys are used one after another. The copies
/// take 33 MB in that case, and 58 MB when all pages are full. With 16,384 pages, which take an eighth, a
/// request of a proxy with one worker takes 1.13 instead of 1.05 times as long as with one key. With several
/// busy workers, the copies only save the calls for keys that stay rejected.
const REMEMBERED: usize = 131_072;

/// The table and the requests in flight, as a worker accesses them. Also keeps the time of the current
/// callback, so that the clock is read once.
pub struct Counts {
    pages: Pages,
    in_flight: Records,
    members: Records,
    alive: Members,
    vm: u32,
    now: UnixNanos,
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

impl Counts {
    /// Returns access to a table with a number of pages, and the seed of the hash for pages: the same for all
    /// workers, and unknown to clients. `plugin` is the prefix of all keys in shared data. Filters of one
    /// `domain` count together.
    pub fn new(plugin: &str, domain: &str, pages: u32) -> Result<(Self, [u8; 16]), Error> {
        Self::with_entries(plugin, domain, pages, ENTRY_BYTES, WAYS)
    }

    /// Like [`new`](Self::new), for a table with pages of `entries` entries of `entry_bytes`. Tables of other
    /// sizes need another `domain` or `plugin`.
    pub fn with_entries(
        plugin: &str,
        domain: &str,
        pages: u32,
        entry_bytes: usize,
        entries: usize,
    ) -> Result<(Self, [u8; 16]), Error> {
        let seed = Cell::<Seed>::new(plugin, &format!("{domain}/seed"));
        let fresh = Seed(random::bytes()?);
        let seed = seed.update(ATTEMPTS, |found| found.unwrap_or(Seed(fresh.0)))?;
        let table = format!("{domain}/{pages}");
        // Rounded up, because `Pages` rounds the number of copies down to a power of two.
        let remembered = REMEMBERED.min((pages as usize).next_power_of_two());
        let counts = Self {
            pages: Pages::new(plugin, &table, entry_bytes, entries, remembered),
            in_flight: Records::new(plugin, &format!("{table}/in_flight")),
            members: Records::new(plugin, &format!("{domain}/members")),
            alive: Members::default(),
            // Two VMs with the same number would be removed together.
            vm: u32::from_le_bytes(random::bytes()?),
            now: UnixNanos(0),
        };
        Ok((counts, seed.0))
    }

    /// Reads the clock, for the whole callback.
    #[inline]
    pub fn tell_time(&mut self) -> Result<UnixNanos, Error> {
        self.now = clock::now()?;
        Ok(self.now)
    }

    /// Returns the time of the current callback.
    pub fn now(&self) -> UnixNanos {
        self.now
    }

    /// Reads the clock. If the host does not provide the time, returns that of the previous callback.
    pub fn tell_time_or_last(&mut self) -> UnixNanos {
        self.tell_time().unwrap_or(self.now)
    }

    /// Reports this VM as alive, now and regularly. Needed before it counts a request in flight. `state` and
    /// `counts` find these counts in the filter.
    pub fn start_heartbeat<F: HttpFilter + Timers, T: 'static>(
        &mut self,
        cx: &mut Context<'_, F>,
        state: fn(&F) -> &State<T>,
        counts: fn(&mut T) -> &mut Self,
    ) -> Result<(), Error> {
        self.tell_time()?;
        self.beat();
        cx.plugin_every(Duration::from_nanos(HEARTBEAT), move |filter, _| {
            state(filter).update(|state| match counts(state).tell_time() {
                Ok(_) => counts(state).beat(),
                // Without a heartbeat, other workers remove this one after a while.
                Err(error) => tollgate::log::warn!("no heartbeat of this worker: {error}"),
            });
        })
    }

    /// Stores a heartbeat of this VM, and reads those of the others.
    fn beat(&mut self) {
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

impl SharedMemory for Counts {
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
}

impl Host for Counts {
    #[inline]
    fn shared(&mut self) -> &mut dyn SharedMemory {
        self
    }

    fn now(&mut self) -> Result<UnixNanos, Failure> {
        self.tell_time().map_err(failure)
    }

    fn random(&mut self) -> Result<u64, Failure> {
        random::bytes().map(u64::from_le_bytes).map_err(failure)
    }

    fn property(&mut self, path: &str) -> Result<Option<Vec<u8>>, Failure> {
        match property::by_path(path) {
            // The value has no encoding: JSON `null` in metadata, for example.
            Err(Error::Host { status: Status::SerializationFailure, .. }) => Ok(None),
            found => found.map_err(failure),
        }
    }
}

/// Logs an error of the host, and returns it for the policy.
fn failure(error: Error) -> Failure {
    match error {
        Error::Contended => Failure::Contended,
        error => {
            tollgate::log::debug!("cannot check a request: {error}");
            Failure::Host
        }
    }
}
