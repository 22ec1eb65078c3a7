//! Limits that many Envoys share, kept by a rate limit service: what is asked, what its answers mean, and what of them is
//! remembered so that a key that is hot does not cost a call for each request.

/// The service, as it is configured.
#[derive(Clone, Debug)]
pub struct Service {}

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
