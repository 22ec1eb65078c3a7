//! Faults that a test injects: a planned failure in place of a host call, a callback or an allocation.
//!
//! A plan is plain data, so that a scenario file can contain it. Matching calls, callbacks or allocations are
//! numbered from 1, from the start of the emulator and across all VMs.

use super::state::Status;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A fault of a plan.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Fault {
    /// A host call of the ABI or of WASI is not executed.
    Call {
        /// The name, for example `proxy_http_call` or `fd_write`.
        name: String,
        /// Selects the calls that fail.
        which: Which,
        /// The effect in place of the call.
        effect: Effect,
    },
    /// A callback traps before it is finished. The VM fails, as after any trap.
    Callback {
        /// The name, for example `proxy_on_request_headers` or `_initialize`.
        name: String,
        /// Selects the callbacks that trap.
        which: Which,
        /// Number of instructions that the callback executes before it traps.
        after: u64,
    },
    /// The module's allocator fails when the host calls it.
    Allocation {
        /// Selects the allocations that fail.
        which: Which,
        /// The kind of failure.
        effect: Shortage,
    },
}

/// Selects which occurrences a fault affects.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Which {
    /// All occurrences.
    All,
    /// Only the nth occurrence.
    Nth(u32),
    /// The nth occurrence and all later ones.
    From(u32),
}

impl Which {
    fn strikes(self, seen: u32) -> bool {
        match self {
            Which::All => true,
            Which::Nth(nth) => nth == seen,
            Which::From(first) => first <= seen,
        }
    }
}

/// The effect in place of a host call. The call does nothing and writes no result.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Effect {
    /// The call returns this status.
    Answer(Status),
    /// The call returns this number: a WASI `errno`, or a value that no host should return.
    Number(u32),
    /// The VM traps in the call.
    Trap,
}

/// The kind of failure of an allocation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Shortage {
    /// The allocation returns null; the allocator is not called.
    Null,
    /// The VM traps in the allocator.
    Trap,
}

#[derive(Debug)]
struct Counted {
    fault: Fault,
    seen: u32,
}

/// The fault plan of a test, with the occurrences counted so far.
#[derive(Debug, Default)]
pub(crate) struct Faults(Vec<Counted>);

impl Faults {
    pub fn add(&mut self, fault: Fault) {
        self.0.push(Counted { fault, seen: 0 });
    }

    /// Returns whether any fault needs instructions to be counted.
    pub fn count_instructions(&self) -> bool {
        self.0.iter().any(|counted| matches!(counted.fault, Fault::Callback { .. }))
    }

    /// Returns whether a fault depends on the number of earlier host calls of this name.
    pub fn counts(&self, call: &str) -> bool {
        let counts = |fault: &Fault| matches!(fault, Fault::Call { name, which, .. } if name == call && *which != Which::All);
        self.0.iter().any(|counted| counts(&counted.fault))
    }

    /// Counts an occurrence in all faults that it matches, and returns the effect of the first fault that
    /// affects it.
    fn strike<T>(&mut self, about: impl Fn(&Fault) -> Option<(Which, T)>) -> Option<T> {
        let mut struck = None;
        for counted in &mut self.0 {
            if let Some((which, effect)) = about(&counted.fault) {
                counted.seen += 1;
                if which.strikes(counted.seen) {
                    struck = struck.or(Some(effect));
                }
            }
        }
        struck
    }

    /// Returns the effect that replaces this host call, if any.
    pub fn call(&mut self, call: &str) -> Option<Effect> {
        self.strike(|fault| match fault {
            Fault::Call { name, which, effect } if name == call => Some((*which, *effect)),
            _ => None,
        })
    }

    /// Returns the number of instructions after which this callback must trap, if any.
    pub fn callback(&mut self, callback: &str) -> Option<u64> {
        self.strike(|fault| match fault {
            Fault::Callback { name, which, after } if name == callback => Some((*which, *after)),
            _ => None,
        })
    }

    /// Returns the effect that replaces this allocation, if any.
    pub fn allocation(&mut self) -> Option<Shortage> {
        self.strike(|fault| match fault {
            Fault::Allocation { which, effect } => Some((*which, *effect)),
            _ => None,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_plan_is_data() {
        let text = r#"[
            {"call": {"name": "proxy_http_call", "which": {"nth": 3}, "effect": {"answer": "InternalFailure"}}},
            {"call": {"name": "fd_write", "which": "all", "effect": {"number": 8}}},
            {"callback": {"name": "proxy_on_tick", "which": {"from": 2}, "after": 100}},
            {"allocation": {"which": {"nth": 1}, "effect": "null"}}
        ]"#;
        let plan: Vec<Fault> = serde_json::from_str(text).unwrap();
        let mut faults = Faults::default();
        plan.iter().cloned().for_each(|fault| faults.add(fault));
        let calls: Vec<_> = (0..4).map(|_| faults.call("proxy_http_call")).collect();
        assert_eq!(calls, [None, None, Some(Effect::Answer(Status::InternalFailure)), None]);
        assert_eq!(faults.call("fd_write"), Some(Effect::Number(8)));
        let ticks: Vec<_> = (0..3).map(|_| faults.callback("proxy_on_tick")).collect();
        assert_eq!(ticks, [None, Some(100), Some(100)]);
        assert_eq!([faults.allocation(), faults.allocation()], [Some(Shortage::Null), None]);
        let again: Vec<Fault> = serde_json::from_value(serde_json::to_value(&plan).unwrap()).unwrap();
        assert_eq!(again, plan);
    }

    #[test]
    fn rejects_a_fault_with_an_unknown_field() {
        let text = r#"{"allocation": {"which": "all", "effect": "null", "name": "x"}}"#;
        assert!(serde_json::from_str::<Fault>(text).is_err());
    }
}
