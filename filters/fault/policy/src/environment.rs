//! Access of the policy to the host, and what it counts.

use tollgate_counting::{Failure, Host};
use tollgate_policy::Label;

/// Access of the policy to the host, and statistics. The policy asks only for what a request needs.
pub trait Environment {
    /// Returns the host.
    fn host(&mut self) -> &mut dyn Host;

    /// Returns the first URI in the certificate of the client, if it has one.
    fn principal(&mut self) -> Result<Option<Vec<u8>>, Failure> {
        let principal = self.host().property("connection\0uri_san_peer_certificate")?;
        Ok(principal.filter(|uri| !uri.is_empty()))
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
