//! Access of the policy to the host, and what it counts.

use std::net::IpAddr;
use tollgate_counting::{Failure, SharedMemory};
use tollgate_policy::{Label, UnixNanos, uri};

/// Access of the policy to the host. The policy asks only for what a request needs.
pub trait Environment {
    /// Returns the memory that all workers share.
    fn shared(&mut self) -> &mut dyn SharedMemory;

    /// Returns the time.
    fn now(&mut self) -> Result<UnixNanos, Failure>;

    /// Returns a random number, uniform over all of `u64`.
    fn random(&mut self) -> Result<u64, Failure>;

    /// Returns an attribute of the host, by a path whose segments are separated by NUL.
    fn property(&mut self, path: &'static str) -> Result<Option<Vec<u8>>, Failure>;

    /// Returns the first URI in the certificate of the client, if it has one.
    fn principal(&mut self) -> Result<Option<Vec<u8>>, Failure> {
        let principal = self.property("connection\0uri_san_peer_certificate")?;
        Ok(principal.filter(|uri| !uri.is_empty()))
    }

    /// Returns the address of the client.
    fn client_address(&mut self) -> Result<Option<IpAddr>, Failure> {
        let address = self.property("source\0address")?.unwrap_or_default();
        Ok(std::str::from_utf8(&address).ok().and_then(uri::socket_ip))
    }

    /// Counts an event of the rule with these statistics.
    fn count(&mut self, statistic: usize, event: Event);

    /// Changes the number of active faults, for a gauge.
    fn active(&mut self, change: i32);
}

/// An event, for statistics. The first three have the names of Envoy's filter.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Label)]
pub enum Event {
    /// A request was delayed.
    DelaysInjected,
    /// A request was answered in place of the upstream.
    AbortsInjected,
    /// The rate of a response was limited.
    ResponseRlInjected,
    /// The stream of a request was reset.
    ResetsInjected,
    /// A response was changed, replaced or delayed.
    ResponsesInjected,
    /// A fault was not injected, because `max_active_faults` was reached.
    FaultsOverflow,
    /// A fault was not injected, because `max_faults_per_client` was reached.
    ClientOverflow,
    /// A fault was not injected, because of shadow mode.
    Shadow,
    /// Fault headers were ignored, because the request does not meet `header_faults`.
    HeadersDenied,
    /// The faults of a request ended, because the control endpoint stopped all faults.
    Stopped,
    /// The filter could not decide, because a host call failed. The request got no fault.
    HostError,
}
