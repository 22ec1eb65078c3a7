//! The decision about a request.

use crate::{Reason, ReasonKind, Rule};
use tollgate_policy::AllowedBy;

/// The decision about a request, and what to record about it.
#[derive(Debug, Default)]
pub struct Decision<'p> {
    /// The response to send; `None` to allow the request.
    pub refusal: Option<Refusal<'p>>,
    /// Why the request is allowed although it was not authorized.
    pub allowed_by: Option<AllowedBy<ReasonKind>>,
    /// The rule that decided.
    pub rule: Option<&'p Rule>,
    /// The rule of a policy that only records requests.
    pub logged: Option<&'p Rule>,
    /// The shadow verdict, if there is one.
    pub shadow: Option<Shadow<'p>>,
    /// New path to send upstream, if the configuration asks for it and it differs.
    pub path: Option<Vec<u8>>,
    /// Filter state to set: name and value.
    pub filter_state: Vec<(&'static str, Vec<u8>)>,
    /// The line to write to the audit log.
    pub audit: Option<String>,
    /// Whether a line of the audit log was dropped.
    pub audit_dropped: bool,
}

/// The verdict with all policies in shadow mode enforced.
#[derive(Clone, Copy, Debug)]
pub struct Shadow<'p> {
    /// Why the request would be rejected; `None` if it would be allowed.
    pub reason: Option<ReasonKind>,
    /// The rule that decided; `None` if no rule matched.
    pub rule: Option<&'p Rule>,
}

impl Shadow<'_> {
    /// Returns whether the request would be rejected.
    pub fn denied(&self) -> bool {
        self.reason.is_some()
    }
}

/// The response to a request that is rejected.
pub type Refusal<'p> = tollgate_policy::Refusal<Reason<'p>>;
