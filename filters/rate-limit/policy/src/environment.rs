//! Access of a decision to the host.

use crate::Event;
use std::net::IpAddr;
use tollgate_counting::{Failure, SharedMemory};

/// Access to the host. Implemented by the shell, and by tests.
pub trait Environment {
    /// Returns the memory that all workers share.
    fn shared(&mut self) -> &mut dyn SharedMemory;

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
