//! Access to the memory that workers share.

use crate::in_flight::Members;
use crate::table::PAGE_BYTES;
use std::collections::BTreeMap;
use std::net::IpAddr;
use tollgate_types::{UnixNanos, uri};

/// Reason why shared memory, or a value of the host, could not be read or updated.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Failure {
    /// Other workers updated the value first, too many times in a row.
    Contended,
    /// The host returned an error.
    Host,
}

/// Memory that all workers of an Envoy share.
pub trait SharedMemory {
    /// Calls `change` with a page of the table and stores the result. Repeats this if another worker has
    /// updated the page in between. A page that was never written is all zeros. If `change` returns `false`,
    /// nothing is stored.
    fn page(&mut self, page: u32, change: &mut dyn FnMut(&mut [u8]) -> bool) -> Result<(), Failure>;

    /// Returns the copy of the page that this worker saw last, which may be old; `None` if it has none. Makes
    /// no host call.
    fn seen(&self, page: u32) -> Option<&[u8]>;

    /// Like [`page`](Self::page), for the record of requests in flight, which has a variable length and
    /// starts empty. `change` also receives the running VMs.
    fn in_flight(
        &mut self,
        page: u32,
        change: &mut dyn FnMut(&mut Vec<u8>, &Members) -> bool,
    ) -> Result<(), Failure>;

    /// Identifies this VM among those that count requests in flight.
    fn vm(&self) -> u32;
}

/// Access of a policy to the host. `tollgate-kit` implements it with host calls, and tests in memory.
pub trait Host {
    /// Returns the memory that all workers share.
    fn shared(&mut self) -> &mut dyn SharedMemory;

    /// Returns the time.
    fn now(&mut self) -> Result<UnixNanos, Failure>;

    /// Returns a random number, uniform over all of `u64`.
    fn random(&mut self) -> Result<u64, Failure>;

    /// Returns an attribute of the proxy; `None` if it has no value. The segments of its path are joined by
    /// NUL: `xds\0route_name`, `filter_state\0wasm.jwt_authn.principal`.
    fn property(&mut self, path: &str) -> Result<Option<Vec<u8>>, Failure>;
}

/// Returns the address of the client (`source.address`). `None` if it has no IP address, as with a Unix
/// domain socket.
pub fn client_address(host: &mut dyn Host) -> Result<Option<IpAddr>, Failure> {
    let address = host.property("source\0address")?.unwrap_or_default();
    Ok(str::from_utf8(&address).ok().and_then(uri::socket_ip))
}

/// [`SharedMemory`] of one process: for tests of a policy.
#[derive(Clone, Debug)]
pub struct LocalMemory {
    /// Size of a page of the table in bytes.
    pub page_bytes: usize,
    /// Pages of the table, by index.
    pub pages: BTreeMap<u32, Vec<u8>>,
    /// Records of requests in flight, by index.
    pub in_flight: BTreeMap<u32, Vec<u8>>,
    /// Running VMs.
    pub members: Members,
    /// Number of this VM.
    pub vm: u32,
    /// The failure of each access, if any.
    pub failure: Option<Failure>,
}

impl Default for LocalMemory {
    fn default() -> Self {
        Self {
            page_bytes: PAGE_BYTES,
            pages: BTreeMap::new(),
            in_flight: BTreeMap::new(),
            members: Members::default(),
            vm: 0,
            failure: None,
        }
    }
}

impl SharedMemory for LocalMemory {
    fn page(&mut self, page: u32, change: &mut dyn FnMut(&mut [u8]) -> bool) -> Result<(), Failure> {
        self.failure.map_or(Ok(()), Err)?;
        let mut bytes = self.pages.get(&page).cloned().unwrap_or_else(|| vec![0; self.page_bytes]);
        if change(&mut bytes) {
            self.pages.insert(page, bytes);
        }
        Ok(())
    }

    fn seen(&self, page: u32) -> Option<&[u8]> {
        self.pages.get(&page).map(Vec::as_slice)
    }

    fn in_flight(
        &mut self,
        page: u32,
        change: &mut dyn FnMut(&mut Vec<u8>, &Members) -> bool,
    ) -> Result<(), Failure> {
        self.failure.map_or(Ok(()), Err)?;
        change(self.in_flight.entry(page).or_default(), &self.members);
        Ok(())
    }

    fn vm(&self) -> u32 {
        self.vm
    }
}
