//! The mutants.

use super::Mutant;

/// Every one.
pub const MUTANTS: &[Mutant] = &[Mutant {
    what: "response callbacks may read request headers",
    file: "proxy/filter.rs",
    from: "context.leave_request()",
    to: "()",
}];
