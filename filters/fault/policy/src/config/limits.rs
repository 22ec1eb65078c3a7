//! Limits of faults by header and by client, and marks.

use tollgate_policy::{Config, Duration, EditableName, HeaderName, StringMatcher};

/// Maximum number of faults for each client, over all workers.
#[derive(Clone, Debug, Config)]
pub struct ClientCap {
    /// Maximum number of faults.
    #[config(range = 1..=1_000_000)]
    pub faults: u32,
    /// Time in which they are counted, at least `1s`.
    pub per: Duration,
    /// Header that identifies the client. A request without it is identified by its address. Default: the
    /// address.
    pub header: Option<HeaderName>,
    /// Number of clients for which there is room in memory. Default: 10000.
    #[config(default = 10_000, range = 1..=1_000_000)]
    pub max_clients: u32,
}

/// Conditions for faults by request headers. A request that does not meet them gets no such fault. Without
/// conditions, any client can use the headers.
#[derive(Clone, Debug, Default, Config)]
#[config(default)]
pub struct HeaderFaults {
    /// Secret that the request must contain.
    pub secret: Option<Secret>,
    /// Matchers of the first URI in the certificate of the client, one of which must match. A client without
    /// such a URI gets no such fault.
    pub principals: Vec<StringMatcher>,
}

/// A header with a secret. The upstream does not receive it.
#[derive(Clone, Debug, Config)]
pub struct Secret {
    /// Name of the header.
    pub header: EditableName,
    /// Value of the header.
    pub value: String,
}

/// Marks of injected faults.
#[derive(Clone, Debug, Config)]
#[config(default)]
pub struct Mark {
    /// Whether responses have a header that names the faults. Default: `true`.
    pub response: bool,
    /// Name of that header. Default: `x-tollgate-fault`.
    pub header: EditableName,
    /// Whether to set the filter state `fault.injected`, which access logs read as
    /// `%FILTER_STATE(wasm.fault.injected:PLAIN)%`. Default: `true`.
    pub filter_state: bool,
}

impl Default for Mark {
    fn default() -> Self {
        // The name is valid, so that the blank name is never used.
        let header = "x-tollgate-fault".parse().unwrap_or_else(|_| Config::blank());
        Self { response: true, header, filter_state: true }
    }
}
