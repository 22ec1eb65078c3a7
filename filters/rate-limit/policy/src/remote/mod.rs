//! Limits that many Envoys share, kept by a rate limit service: what is asked, what its answers mean, and what of them is
//! remembered so that a key that is hot does not cost a call for each request.

/// How the service is asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Service {
    /// How long a call may take, in nanoseconds; 0: as long as it likes. Who makes calls sees to it; here it says when a call
    /// that nobody told about must have been lost.
    pub timeout: u64,
    /// What is remembered.
    pub cache: Cache,
}

/// What is remembered of the service's answers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cache {
    /// That a key is over its limit, until the limit is reset, and for a minute at most.
    pub over_limit: bool,
    /// For how many requests one call may ask. Up to 1: each request makes its own call, and there are no leases.
    pub lease_hits: u32,
    /// How long after it was asked for a lease is good, in nanoseconds.
    pub lease_max_age: u64,
    /// Hits that may go on before they are counted, while the call that counts them is under way.
    pub overshoot_hits: u64,
    /// How many keys are remembered.
    pub max_entries: usize,
}

/// As in the configuration's defaults.
impl Default for Service {
    fn default() -> Self {
        Self { timeout: 20_000_000, cache: Cache::default() }
    }
}

/// As in the configuration's defaults.
impl Default for Cache {
    fn default() -> Self {
        Self {
            over_limit: true,
            lease_hits: 10,
            lease_max_age: 1_000_000_000,
            overshoot_hits: 0,
            max_entries: 10_000,
        }
    }
}

/// What this worker remembers of the service's answers, and which calls are under way.
#[derive(Debug)]
pub struct Remote {}

/// A descriptor: whom the service is asked about, and how many hits.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Descriptor {
    /// Key and value of each entry, in the order of the limit's actions.
    pub entries: Vec<(String, String)>,
    /// What the request costs, if the limit says so; else 1.
    pub hits: u64,
}

/// What comes of asking.
#[derive(Debug)]
pub enum Ask {
    /// It is known without a call.
    Settled(Verdict),
    /// The call is to be made.
    Call(Call),
    /// Another request asks for the same just now. Ask again when the call of this number is answered.
    Wait(CallId),
}

/// A call of this worker.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct CallId(pub u32);

/// A call that is to be made.
#[derive(Clone, Debug)]
pub struct Call {
    /// Its number, to be told with its answer.
    pub id: CallId,
    /// The message, serialised.
    pub message: Vec<u8>,
}

/// Why a call has no answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CallFailure {
    /// Not in time.
    Timeout,
    /// Nobody there, or the call could not even be made.
    Unavailable,
    /// The service answered with this gRPC status.
    Status(u32),
    /// What it answered is no answer.
    Malformed,
}

/// What the service says, or said.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Verdict {
    /// The first of the descriptors that is over its limit, as an index.
    pub over_limit: Option<usize>,
    /// The service could not be asked.
    pub failure: Option<CallFailure>,
    /// Where each descriptor stands, as far as the service says.
    pub quotas: Vec<Option<crate::rate::Quota>>,
    /// To add for the upstream, of a request that goes on.
    pub request_headers: Vec<(String, Vec<u8>)>,
    /// To add to the response.
    pub response_headers: Vec<(String, Vec<u8>)>,
    /// The body of the refusal; empty: the filter's own.
    pub raw_body: Vec<u8>,
    /// It was known without a call.
    pub remembered: bool,
}

impl Remote {
    /// Knows nothing yet.
    pub fn new(domain: &str, service: Service) -> Self {
        let _ = (domain, service);
        Self {}
    }

    /// Asks about all descriptors of one request.
    pub fn ask(&mut self, descriptors: &[Descriptor], now: tollgate_policy::UnixNanos) -> Ask {
        let _ = (descriptors, now);
        Ask::Settled(Verdict::default())
    }

    /// A call came to something: the answer's message, or why there is none. Says what that means for the request that made
    /// it; whoever waits asks again.
    pub fn answered(
        &mut self,
        call: CallId,
        answer: Result<&[u8], CallFailure>,
        now: tollgate_policy::UnixNanos,
    ) -> Verdict {
        let _ = (call, answer, now);
        Verdict::default()
    }
}
