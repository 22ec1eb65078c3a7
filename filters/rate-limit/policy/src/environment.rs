//! What a decision asks of the world outside of the request.

use crate::Event;
use crate::in_flight::Members;
use std::net::IpAddr;

/// Why what is shared could not be read or changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Failure {
    /// Other workers were quicker, more often than anybody has patience for.
    Contended,
    /// The host answered with an error.
    Host,
}

/// Implemented by the shell, and by tests.
pub trait Environment {
    /// Calls `change` with a page of the table, until what it made of the page is what is stored: it is called again when
    /// another worker was quicker. A page that nobody wrote is all zeros. With `false` the page stays as it is.
    fn page(&mut self, page: u32, change: &mut dyn FnMut(&mut [u8]) -> bool) -> Result<(), Failure>;

    /// A copy of the page as this worker last saw it, which may be old; `None` if it never did. Costs no host call.
    fn seen(&self, page: u32) -> Option<&[u8]>;

    /// Like [`page`](Self::page), for requests in flight: a record that is as long as it has to be, empty at first. `change` is
    /// told who counts in it.
    fn in_flight(
        &mut self,
        page: u32,
        change: &mut dyn FnMut(&mut Vec<u8>, &Members) -> bool,
    ) -> Result<(), Failure>;

    /// This VM among those that count requests in flight.
    fn vm(&self) -> u32;

    /// The client's address, as the proxy sees it (`source.address`). `None` for one that is none: a Unix domain socket's.
    fn client_address(&mut self) -> Result<Option<IpAddr>, Failure>;

    /// An attribute of the proxy, its segments joined by NUL: `xds\0route_name`, `filter_state\0wasm.jwt_authn.principal`.
    fn property(&mut self, path: &str) -> Result<Option<Vec<u8>>, Failure>;

    /// A number that is uniform in all of `u64`, for percentages. Asked only if one is neither 0 nor 100.
    fn draw(&mut self) -> u64;

    /// Something happened to a limit of the plan.
    fn count(&mut self, limit: usize, event: Event);
}
