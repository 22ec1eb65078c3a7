//! Access of a decision to the host.

use crate::Event;
use crate::in_flight::Members;
use std::net::IpAddr;

/// Reason why shared memory or a value of the host could not be read or updated.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Failure {
    /// Other workers updated the value first, too many times in a row.
    Contended,
    /// The host returned an error.
    Host,
}

/// Access to the host. Implemented by the shell, and by tests.
pub trait Environment {
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

    /// Returns the address of the client (`source.address`). `None` if it has no IP address, as with a Unix
    /// domain socket.
    fn client_address(&mut self) -> Result<Option<IpAddr>, Failure>;

    /// Returns an attribute of the proxy. The segments of its path are joined by NUL: `xds\0route_name`,
    /// `filter_state\0wasm.jwt_authn.principal`.
    fn property(&mut self, path: &str) -> Result<Option<Vec<u8>>, Failure>;

    /// Returns a uniformly distributed random number, for percentages. Only called for percentages other than
    /// 0 and 100.
    fn draw(&mut self) -> u64;

    /// Counts an event of a limit of the plan.
    fn count(&mut self, limit: usize, event: Event);
}
